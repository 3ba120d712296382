using Vni.Actors.Interposition;
using Vni.Cli.Output;

namespace Vni.Cli.Views;

/// <summary>What <c>vni check</c> prints: one line per finding, the remedy below it, and the sum of it all.</summary>
internal static class CheckText
{
    public static void Write(Screen screen, IReadOnlyList<NodeCheck> checks)
    {
        var width = checks.Max(c => Printable.Escape(c.Name).Length);
        foreach (var check in checks)
        {
            screen.Line(Mark(screen, check), "  ", Printable.Escape(check.Name).PadRight(width), "  ", check.Found);
            if (!check.Ok && check.Remedy is not null) screen.Line(new Piece($"{new string(' ', MarkWidth(screen) + width + 4)}{check.Remedy}", Tone.Dim));
        }

        screen.Line();
        screen.Line(Sum(checks));
    }

    private static Piece Mark(Screen screen, NodeCheck check) => (check, screen.IsTerminal) switch
    {
        ({ Ok: true }, true) => new Piece("✓", Tone.Good),
        ({ Required: true }, true) => new Piece("✗", Tone.Bad),
        (_, true) => new Piece("!", Tone.Notice),
        ({ Ok: true }, false) => "ok     ",
        ({ Required: true }, false) => "FAILED ",
        (_, false) => "missing",
    };

    private static int MarkWidth(Screen screen) => screen.IsTerminal ? 1 : 7;

    private static Piece Sum(IReadOnlyList<NodeCheck> checks)
    {
        var failed = checks.Count(c => c is { Ok: false, Required: true });
        var missing = checks.Count(c => c is { Ok: false, Required: false });
        return (failed, missing) switch
        {
            (0, 0) => new Piece("Everything is as it should be.", Tone.Good),
            (0, 1) => "Applications can run; 1 finding limits what they can do.",
            (0, _) => $"Applications can run; {missing} findings limit what they can do.",
            (1, _) => new Piece("Applications cannot run: 1 finding must be put right first.", Tone.Bad),
            _ => new Piece($"Applications cannot run: {failed} findings must be put right first.", Tone.Bad),
        };
    }
}
