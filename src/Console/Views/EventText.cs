using Vni.Actors.Applications;
using Vni.Cli.Output;
using Vni.Cli.Values;

namespace Vni.Cli.Views;

/// <summary>What <c>vni events</c> prints: a line per event, so that following and not following look the same.</summary>
internal static class EventText
{
    // The longest kind of today; a longer one only pushes its own sentence.
    private const int KindWidth = 11;

    public static void Write(Screen screen, ApplicationEvent e, TimeProvider clock)
    {
        var tone = e.Kind switch
        {
            EventKinds.Failed => Tone.Bad,
            EventKinds.Exited or EventKinds.Recovered => Tone.Notice,
            EventKinds.Started or EventKinds.Restored or EventKinds.Joined => Tone.Good,
            EventKinds.Snapshotted => Tone.Calm,
            _ => Tone.Plain,
        };
        screen.Line(new Piece(Times.Format(e.Time, clock), Tone.Dim), "  ", new Piece(e.Kind.PadRight(KindWidth), tone), "  ", e.Message);
    }
}
