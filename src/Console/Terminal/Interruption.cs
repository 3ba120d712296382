using Vni.Cli.Values;

namespace Vni.Cli.Terminal;

/// <summary>What becomes of SIGINT, SIGTERM and SIGHUP: they cancel, unless the command passes them on.</summary>
internal sealed class Interruption : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private Func<int, bool>? _forward;
    private int _signal;

    /// <summary>Cancelled by the first signal that was not passed on.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>As a shell reports a program that a signal ended: 130 for Ctrl-C.</summary>
    public int ExitStatus => 128 + (_signal == 0 ? Signals.Interrupt : _signal);

    /// <summary>Passes signals to a program for as long as <paramref name="forward"/> takes them.</summary>
    public void ForwardTo(Func<int, bool>? forward) => Volatile.Write(ref _forward, forward);

    /// <summary>A signal has come.</summary>
    public void Raise(int signal)
    {
        if (Volatile.Read(ref _forward)?.Invoke(signal) == true) return;
        Interlocked.CompareExchange(ref _signal, signal, 0);
        _source.Cancel();
    }

    /// <inheritdoc />
    public void Dispose() => _source.Dispose();
}
