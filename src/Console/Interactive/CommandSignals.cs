using Vni.Cli.Terminal;
using Vni.Cli.Values;

namespace Vni.Cli.Interactive;

/// <summary>
/// Ctrl-C ends the command that runs and not the console; what ends a program ends both. A signal is heard of some time
/// after it was sent, when the command may have ended of it already: then it was that command's.
/// </summary>
internal sealed class CommandSignals : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Interruption _console;
    private Interruption? _command;

    public CommandSignals(Interruption console)
    {
        _console = console;
        console.ForwardTo(Pass);
    }

    /// <summary>What a new command is interrupted by.</summary>
    public Interruption Begin()
    {
        var command = new Interruption();
        lock (_gate) _command = command;
        return command;
    }

    /// <summary>The command has ended.</summary>
    public void End()
    {
        lock (_gate) _command = null;
    }

    /// <inheritdoc />
    public void Dispose() => _console.ForwardTo(null);

    private bool Pass(int signal)
    {
        lock (_gate) _command?.Raise(signal);
        return signal == Signals.Interrupt;
    }
}
