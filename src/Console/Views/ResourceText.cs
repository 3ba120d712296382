using Vni.Actors.Messages;
using Vni.Cli.Output;
using Vni.Cli.Values;

namespace Vni.Cli.Views;

/// <summary>What <c>vni rids</c> and <c>vni translate</c> print.</summary>
internal static class ResourceText
{
    public static void WriteList(Screen screen, IReadOnlyList<ResourceView> resources, TimeProvider clock)
    {
        var grid = new Grid(
            new GridColumn("TYPE"), new GridColumn("VIRTUAL"), new GridColumn("NODE"), new GridColumn("SYSTEM"), new GridColumn("OWNER", Right: true, Yields: 4),
            new GridColumn("DISPOSITION", Yields: 3), new GridColumn("SINCE", Yields: 2), new GridColumn("DETAIL", Shrinks: true, Yields: 1));
        foreach (var r in resources)
        {
            grid.Add(
                r.Type, new Piece(r.Virtual, Tone.Strong), r.Node ?? "-", r.System ?? "-", r.Owner == 0 ? "-" : $"{r.Owner}", r.Disposition,
                new Piece(Times.Ago(r.Since, clock), Tone.Dim), r.Detail ?? "");
        }

        grid.Write(screen);
    }

    public static void Write(Screen screen, ResourceView r, TimeProvider clock)
    {
        screen.Line(new Piece(r.Aid, Tone.Strong), $"  {r.Type} ", new Piece(r.Virtual, Tone.Strong), r.System is null ? "  is bound to nothing now" : $"  is {r.System} on node {r.Node}");
        var owner = r.Owner == 0 ? "" : $"owner process {r.Owner}, ";
        var detail = r.Detail is null ? "" : $"{r.Detail}, ";
        screen.Line(new Piece($"  {detail}{owner}since {Times.Ago(r.Since, clock)}, in a clone: {r.Disposition}", Tone.Dim));
    }
}
