using System.Diagnostics;

namespace Vni.Actors.Diagnostics;

/// <summary>
/// Places where a crash of the daemon can be provoked, so that recovery can be tested with the shipped binary: with
/// <c>VNI_FAULT=NAME</c> in its environment the daemon sends itself SIGKILL as soon as it gets to the point of that
/// name. Without the variable a point costs one comparison. <c>docs/configuration.md</c> lists the points.
/// </summary>
public static class FaultPoints
{
    /// <summary>Name of the variable.</summary>
    public const string Variable = "VNI_FAULT";

    private static readonly string? Armed = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } name ? name : null;

    /// <summary>Dies here if <paramref name="point"/> is the one that was asked for; returns otherwise.</summary>
    /// <param name="point">Operation and stage, such as <c>snapshot:dumped</c>.</param>
    public static void Reach(string point)
    {
        if (Armed is null || !string.Equals(Armed, point, StringComparison.Ordinal)) return;
        using var self = Process.GetCurrentProcess();
        self.Kill();
        new ManualResetEventSlim().Wait(); // The signal is on its way: nothing after this point may happen.
    }
}
