using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Vni.Actors.Diagnostics;

/// <summary>
/// Places where a crash or a standstill of the daemon can be provoked, so that recovery can be tested with the shipped
/// binary: with <c>VNI_FAULT=NAME</c> in its environment the daemon sends itself SIGKILL as soon as it gets to the point
/// of that name; with <c>VNI_FAULT=stop@NAME</c>, once, SIGSTOP: whoever has let enough happen meanwhile sends SIGCONT.
/// Without the variable a point costs one comparison. <c>docs/configuration.md</c> lists the points.
/// </summary>
public static partial class FaultPoints
{
    /// <summary>Name of the variable.</summary>
    public const string Variable = "VNI_FAULT";

    private const string Stop = "stop@";
    private const int SIGSTOP = 19;

    private static readonly string? Armed = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } name ? name : null;

    private static int _stopped;

    /// <summary>Dies or stands still here if <paramref name="point"/> is the one that was asked for; returns otherwise.</summary>
    /// <param name="point">Operation and stage, such as <c>snapshot:dumped</c>.</param>
    public static void Reach(string point)
    {
        if (Armed is null || !Armed.EndsWith(point, StringComparison.Ordinal)) return;
        if (Armed.Length == point.Length)
        {
            using var self = Process.GetCurrentProcess();
            self.Kill();
            new ManualResetEventSlim().Wait(); // The signal is on its way: nothing after this point may happen.
        }

        if (Armed.Length != Stop.Length + point.Length || !Armed.StartsWith(Stop, StringComparison.Ordinal)) return;
        // raise(3) signals this thread, and so nothing of it runs on before the whole process has stopped.
        if (Interlocked.Exchange(ref _stopped, 1) == 0) _ = Raise(SIGSTOP);
    }

    [LibraryImport("libc", EntryPoint = "raise")]
    private static partial int Raise(int signal);
}
