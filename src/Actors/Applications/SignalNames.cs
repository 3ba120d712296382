using System.Globalization;

namespace Vni.Actors.Applications;

/// <summary>Names of signals, without <c>SIG</c> (signal(7), x86 and ARM numbers).</summary>
public static class SignalNames
{
    /// <summary>What is accepted, as the second half of a sentence.</summary>
    public const string Rule = "write a name such as TERM, INT or QUIT, or a number from 1 to 64";

    private const int Last = 64; // SIGRTMAX

    private static readonly string[] Names =
    [
        "0", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM", "STKFLT",
        "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
    ];

    /// <summary><c>SIGKILL</c>, or <c>signal 40</c> where there is no name.</summary>
    public static string Of(int signal) => signal > 0 && signal < Names.Length ? "SIG" + Names[signal] : $"signal {signal}";

    /// <summary>Reads <c>TERM</c>, <c>SIGTERM</c> or <c>15</c>.</summary>
    public static bool TryParse(string? text, out int signal)
    {
        var name = text is not null && text.StartsWith("SIG", StringComparison.Ordinal) ? text[3..] : text;
        signal = Array.IndexOf(Names, name, 1);
        return signal > 0 || (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out signal) && signal is > 0 and <= Last);
    }
}
