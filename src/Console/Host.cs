using Vni.Cli.Output;
using Vni.Cli.Terminal;

namespace Vni.Cli;

/// <summary>Everything outside of the process that a command touches, but for the daemon and the files that it is given.</summary>
internal sealed record Host
{
    public required Stream Input { get; init; }

    public required Stream Output { get; init; }

    public required Stream Error { get; init; }

    /// <summary>Whether keys are read from a terminal.</summary>
    public bool InputIsTerminal { get; init; }

    /// <summary>What is behind standard output; <c>null</c>: no terminal.</summary>
    public ScreenTerminal? OutputTerminal { get; init; }

    /// <summary>What is behind standard error; <c>null</c>: no terminal.</summary>
    public ScreenTerminal? ErrorTerminal { get; init; }

    public required ITerminal Terminal { get; init; }

    public required Interruption Interruption { get; init; }

    public required Func<string, string?> Environment { get; init; }

    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>This process's own.</summary>
    public static Host OfProcess(Interruption interruption)
    {
        // https://no-color.org; a dumb terminal is written to as a file is.
        var colours = string.IsNullOrEmpty(System.Environment.GetEnvironmentVariable("NO_COLOR"));
        var dumb = System.Environment.GetEnvironmentVariable("TERM") is null or "" or "dumb";
        return new Host
        {
            Input = new DescriptorStream(UnixTerminal.Input),
            Output = new DescriptorStream(UnixTerminal.Output),
            Error = new DescriptorStream(UnixTerminal.Error),
            InputIsTerminal = IsTerminal(UnixTerminal.Input),
            OutputTerminal = TerminalOf(UnixTerminal.Output),
            ErrorTerminal = TerminalOf(UnixTerminal.Error),
            Terminal = new UnixTerminal(),
            Interruption = interruption,
            Environment = System.Environment.GetEnvironmentVariable,
        };

        ScreenTerminal? TerminalOf(int fd) =>
            !dumb && IsTerminal(fd) ? new ScreenTerminal(UnixTerminal.SizeOf(fd)?.Columns ?? 80, colours) : null;

        static bool IsTerminal(int fd) => Libc.IsATty(fd) == 1;
    }
}
