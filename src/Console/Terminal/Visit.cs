using Vni.Actors;
using Vni.Client.Exec;
using Vni.Cli.Values;

namespace Vni.Cli.Terminal;

/// <summary>
/// Connects standard streams, size and signals of this process with a visitor until it ends. Whatever happens, the
/// terminal is put back as it was before anything else is printed.
/// </summary>
internal sealed class Visit(Host host, ExecSession session, bool terminal)
{
    private const int BufferSize = 16 * 1024;

    /// <summary>Returns the visitor's exit status.</summary>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var raw = terminal && host.InputIsTerminal ? host.Terminal.EnterRaw() : null;
        using var resized = terminal ? host.Terminal.OnResize(() => Resized(over.Token)) : null;
        // With a terminal Ctrl-C is a key like any other, and a signal is meant for this process.
        if (!terminal) host.Interruption.ForwardTo(Forward(over.Token));
        var input = SendInputAsync(over.Token);
        try
        {
            return await session.ReceiveAsync(host.Output, host.Error, over.Token);
        }
        finally
        {
            host.Interruption.ForwardTo(null);
            await over.CancelAsync();
            await input;
        }
    }

    private async Task SendInputAsync(CancellationToken over)
    {
        var buffer = new byte[BufferSize];
        try
        {
            while (await host.Input.ReadAsync(buffer, over) is var count and > 0) await session.SendInputAsync(buffer.AsMemory(0, count), over);
            await session.EndInputAsync(over);
        }
        catch (Exception e) when (e is OperationCanceledException or VniException or IOException)
        {
            // The visitor has ended, or the connection has: the receiving side says which. Input that cannot be read is at its end.
        }
    }

    // The first of each signal is the visitor's; a second one means us, for a visitor that does not listen.
    private Func<int, bool> Forward(CancellationToken over)
    {
        var forwarded = new HashSet<int>();
        return signal =>
        {
            if (signal == Signals.Hangup) return false;
            lock (forwarded)
            {
                if (!forwarded.Add(signal)) return false;
            }

            _ = SendQuietlyAsync(() => session.SignalAsync(signal, over));
            return true;
        };
    }

    private void Resized(CancellationToken over)
    {
        if (host.Terminal.Size is { } size) _ = SendQuietlyAsync(() => session.ResizeAsync(size, over));
    }

    private static async Task SendQuietlyAsync(Func<Task> send)
    {
        try
        {
            await send();
        }
        catch (Exception e) when (e is OperationCanceledException or VniException)
        {
            // The visitor is gone; the receiving side tells.
        }
    }
}
