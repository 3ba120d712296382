using Vni.Actors.Interposition;
using Vni.Actors.Messages;
using Vni.Cli.Output;

namespace Vni.Cli.Views;

/// <summary>What <c>vni check AID</c> prints, and which visitors were ended; and refusals that name findings.</summary>
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

    /// <summary>
    /// A refusal without what it says behind its first colon, and that, a finding each; nothing where it names none of them.
    /// </summary>
    public static (string Sentence, IReadOnlyList<string> Findings) Split(string message, IReadOnlyList<Finding> findings)
    {
        var named = findings.Select(f => f.Text).Where(text => message.Contains(text, StringComparison.Ordinal)).ToList();
        var colon = message.IndexOf(": ", StringComparison.Ordinal);
        if (named.Count == 0 || colon < 0 || named.Any(text => message.IndexOf(text, StringComparison.Ordinal) < colon)) return (message, []);
        var end = named.Max(text => message.LastIndexOf(text, StringComparison.Ordinal) + text.Length);
        var list = named.Aggregate(message[(colon + 2)..end], (rest, text) => rest.Replace($"{text}; ", $"{text}\n", StringComparison.Ordinal));
        return (message[..colon] + message[end..], list.Split('\n'));
    }

    public static void WriteClosed(Screen screen, IReadOnlyList<ClosedVisitor> closed)
    {
        foreach (var visitor in closed) screen.Line($"  closed visitor {visitor.Pid}: {Printable.Escape(visitor.Command)}");
    }
}
