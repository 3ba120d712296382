using Vni.Actors.Interposition;
using Vni.Actors.Messages;
using Vni.Cli.Output;
using Vni.Cli.Values;

namespace Vni.Cli.Views;

/// <summary>What <c>vni snapshot</c>, <c>vni snapshots</c> and <c>vni restore</c> print.</summary>
internal static class SnapshotText
{
    public static void WriteTaken(Screen screen, SnapshotView s)
    {
        var status = s.Status ?? "";
        screen.Line(
            new Piece(s.Snapshot, Tone.Strong), $"  {Sizes.Format(s.Size)}  ", Statuses.Show(status),
            new Piece(s.Durable ? "  durable" : "", Tone.Dim));
        WritePhases(screen, s.Phases);
        FindingText.WriteClosed(screen, s.ClosedVisitors);
    }

    public static void WriteRestored(Screen screen, RestoreView r)
    {
        var frames = r.FramesHeld switch { 0 => "no frames held", 1 => "1 frame held and delivered", var n => $"{n} frames held and delivered" };
        screen.Line(new Piece(r.Application.Aid, Tone.Strong), "  ", Statuses.Show(r.Application.Status), $"  from {r.Snapshot}, {frames}");
        WritePhases(screen, r.Phases);
    }

    public static void WriteList(Screen screen, IReadOnlyList<SnapshotView> snapshots, TimeProvider clock)
    {
        var grid = new Grid(
            new GridColumn("SNAPSHOT"), new GridColumn("AID"), new GridColumn("SIZE", Right: true), new GridColumn("NODE", Shrinks: true),
            new GridColumn("DURABLE"), new GridColumn("CREATED"));
        foreach (var s in snapshots)
        {
            grid.Add(
                new Piece(s.Snapshot, Tone.Strong), s.Aid, Sizes.Format(s.Size), s.Node, s.Durable ? "yes" : new Piece("not yet", Tone.Notice),
                new Piece(Times.Ago(s.Created, clock), Tone.Dim));
        }

        grid.Write(screen);
    }

    private static void WritePhases(Screen screen, IReadOnlyList<Phase> phases)
    {
        if (phases.Count > 0) screen.Line(new Piece($"  {Times.Format(phases)}", Tone.Dim));
    }
}
