using Vni.Actors.Interposition;
using Vni.Actors.Messages;
using Vni.Cli.Output;

namespace Vni.Cli.Views;

/// <summary>What <c>vni check AID</c> prints, and which visitors were ended.</summary>
internal static class FindingText
{
    public static void Write(Screen screen, ApplicationCheckView check)
    {
        if (check.Findings.Count == 0)
        {
            screen.Line(new Piece(check.Aid, Tone.Strong), new Piece("  nothing keeps it from being saved", Tone.Good));
            return;
        }

        var width = check.Findings.Max(f => f.Kind.Length);
        foreach (var finding in check.Findings)
        {
            var passing = finding.Transient ? new Piece("  (may be a passing moment)", Tone.Dim) : "";
            screen.Line(new Piece(finding.Kind.PadRight(width), finding.Transient ? Tone.Notice : Tone.Bad), "  ", Printable.Escape($"{finding.Subject}{finding.What}"), passing);
            screen.Line(new Piece($"{new string(' ', width + 2)}{Printable.Escape(finding.Remedy)}", Tone.Dim));
        }

        screen.Line();
        var lasting = check.Findings.Count(f => !f.Transient);
        screen.Line(lasting == 0
            ? $"{check.Aid} can be saved as soon as {(check.Findings.Count == 1 ? "that" : "all of it")} has passed."
            : new Piece($"{check.Aid} cannot be saved: {lasting} {(lasting == 1 ? "finding" : "findings")} must be put right first.", Tone.Bad));
    }

    public static void WriteClosed(Screen screen, IReadOnlyList<ClosedVisitor> closed)
    {
        foreach (var visitor in closed) screen.Line($"  closed visitor {visitor.Pid}: {Printable.Escape(visitor.Command)}");
    }
}
