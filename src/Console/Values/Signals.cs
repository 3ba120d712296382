using Vni.Actors.Applications;

namespace Vni.Cli.Values;

/// <summary>Names of signals (signal(7), x86 and ARM numbers).</summary>
internal static class Signals
{
    public const int Hangup = 1;
    public const int Interrupt = 2;
    public const int Terminate = 15;

    /// <inheritdoc cref="SignalNames.Of" />
    public static string Name(int signal) => SignalNames.Of(signal);
}
