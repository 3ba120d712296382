using Vni.Actors.Messages;
using Vni.Cli.Output;
using Vni.Cli.Values;

namespace Vni.Cli.Views;

/// <summary>What <c>vni migrate</c> and <c>vni drain</c> print.</summary>
internal static class MigrationText
{
    public static void Write(Screen screen, MigrationView m)
    {
        var aid = new Piece(m.Application.Aid, Tone.Strong);
        if (!m.DryRun)
        {
            screen.Line(aid, "  ", Statuses.Show(m.Application.Status), $"  {m.From} -> {m.To}", Freeze(m));
            if (m.Phases.Count > 0) screen.Line(new Piece($"  {Times.Format(m.Phases)}", Tone.Dim));
            FindingText.WriteClosed(screen, m.ClosedVisitors);
            return;
        }

        if (m.Blockers.Count == 0)
        {
            screen.Line(aid, new Piece("  can go", Tone.Good), $" from {m.From} to {m.To}");
            return;
        }

        screen.Line(aid, new Piece("  cannot go", Tone.Bad), $" from {m.From} to {m.To}:");
        foreach (var blocker in m.Blockers) screen.Line($"  {blocker}");
    }

    /// <summary>One application of a node that is being drained.</summary>
    public static void Write(Screen screen, DrainProgress p)
    {
        var count = new Piece($"{p.Done}/{p.Total}  ", Tone.Dim);
        if (p.To is not null) screen.Line(count, new Piece(p.Aid!, Tone.Strong), $"  is now on {p.To}");
        else WriteStays(screen, count, p);
        FindingText.WriteClosed(screen, p.ClosedVisitors ?? []);
    }

    private static void WriteStays(Screen screen, Piece count, DrainProgress p)
    {
        var (sentence, findings) = FindingText.Split(p.Error?.Message ?? "no reason was given", p.Error?.Findings ?? []);
        screen.Line(count, new Piece(p.Aid!, Tone.Strong), new Piece("  stays", Tone.Bad), $": {sentence}{(findings.Count > 0 ? ":" : "")}");
        foreach (var finding in findings) screen.Line($"  {finding}");
    }

    private static string Freeze(MigrationView m)
    {
        if (m.FreezeMilliseconds == 0) return "";
        var frames = m.FramesHeld switch { 0 => "no frames held", 1 => "1 frame held and delivered", var n => $"{n} frames held and delivered" };
        return $"  frozen for {Times.Milliseconds(m.FreezeMilliseconds)}, {Sizes.Format(m.Bytes)} sent meanwhile, {frames}";
    }
}
