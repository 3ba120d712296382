using Vni.Cli.Output;

namespace Vni.Cli.Views;

/// <summary>How the status of an application is shown.</summary>
internal static class Statuses
{
    /// <summary>The status, coloured by what it means.</summary>
    public static Piece Show(string status) => new(status, status switch
    {
        "running" => Tone.Good,
        "dormant" => Tone.Calm,
        "stopped" => Tone.Dim,
        // All others are on the way to one of these.
        _ => Tone.Notice,
    });
}
