namespace Vni.Cli.Values;

/// <summary>Names of signals (signal(7), x86 and ARM numbers).</summary>
internal static class Signals
{
    public const int Hangup = 1;
    public const int Interrupt = 2;
    public const int Terminate = 15;

    private static readonly string[] s_names =
    [
        "0", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM", "STKFLT",
        "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
    ];

    /// <summary><c>SIGKILL</c>, or <c>signal 40</c> where there is no name.</summary>
    public static string Name(int signal) => signal > 0 && signal < s_names.Length ? "SIG" + s_names[signal] : $"signal {signal}";
}
