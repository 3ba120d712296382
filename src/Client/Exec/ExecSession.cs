using System.Buffers;
using System.Net.WebSockets;
using System.Text.Json;
using Vni.Client.Transport;

namespace Vni.Client.Exec;

/// <summary>
/// A visitor that runs: sub-protocol <c>vni.exec.v1</c>. Binary messages carry a channel byte and data: 0 to the program's
/// input (nothing after the byte: end of file), 1 its output, 2 its error output. Text messages are control.
/// Input, size and signals may be sent while <see cref="ReceiveAsync"/> runs; disposing ends the program if it still does.
/// </summary>
public sealed class ExecSession : IAsyncDisposable
{
    private const byte InputChannel = 0;
    private const byte OutputChannel = 1;
    private const byte ErrorChannel = 2;
    private const int BufferSize = 32 * 1024;

    private readonly WebSocket _socket;
    private readonly string _socketPath;
    // WebSocket allows one send at a time.
    private readonly SemaphoreSlim _sending = new(1, 1);

    internal ExecSession(WebSocket socket, string socketPath)
    {
        _socket = socket;
        _socketPath = socketPath;
    }

    /// <summary>Copies what the program writes until it ends; returns its exit status, 0 to 255.</summary>
    /// <param name="output">Gets channel 1, flushed after each piece.</param>
    /// <param name="error">Gets channel 2; nothing comes with a terminal.</param>
    /// <param name="cancellationToken">Ends the session, and with it the program.</param>
    public async Task<int> ReceiveAsync(Stream output, Stream error, CancellationToken cancellationToken = default)
    {
        var buffer = new byte[BufferSize];
        var control = new ArrayBufferWriter<byte>();
        Stream? target = null;
        var first = true;
        while (true)
        {
            var piece = await ReceivePieceAsync(buffer, cancellationToken);
            var data = buffer.AsMemory(0, piece.Count);
            if (piece.MessageType == WebSocketMessageType.Close) throw DaemonFailures.ConnectionLost(_socketPath);
            if (piece.MessageType == WebSocketMessageType.Text)
            {
                if (control.WrittenCount + data.Length > BufferSize) throw DaemonFailures.Unreadable(_socketPath);
                control.Write(data.Span);
                if (piece.EndOfMessage && ExitOf(control) is { } exit) return exit;
            }
            else
            {
                if (first && data.Length > 0)
                {
                    // An unknown channel is a newer daemon's; what it carries was not asked for.
                    target = data.Span[0] switch { OutputChannel => output, ErrorChannel => error, _ => null };
                    data = data[1..];
                    first = false;
                }

                if (target is not null && data.Length > 0)
                {
                    await target.WriteAsync(data, cancellationToken);
                    await target.FlushAsync(cancellationToken);
                }
            }

            if (piece.EndOfMessage) first = true;
        }
    }

    /// <summary>Sends bytes to the program's input or terminal.</summary>
    public async Task SendInputAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken = default)
    {
        // No data would mean end of file.
        if (data.IsEmpty) return;
        var frame = new byte[data.Length + 1];
        frame[0] = InputChannel;
        data.CopyTo(frame.AsMemory(1));
        await SendAsync(frame, WebSocketMessageType.Binary, cancellationToken);
    }

    /// <summary>Ends the program's input.</summary>
    public Task EndInputAsync(CancellationToken cancellationToken = default) =>
        SendAsync([InputChannel], WebSocketMessageType.Binary, cancellationToken);

    /// <summary>Tells the program's terminal its new size.</summary>
    public Task ResizeAsync(TerminalSize size, CancellationToken cancellationToken = default) =>
        SendAsync(new ExecControl { Resize = new ExecSize(size.Columns, size.Rows) }, cancellationToken);

    /// <summary>Sends the program a signal, by its number (signal(7)).</summary>
    public Task SignalAsync(int signal, CancellationToken cancellationToken = default) =>
        SendAsync(new ExecControl { Signal = signal }, cancellationToken);

    /// <inheritdoc />
    public ValueTask DisposeAsync()
    {
        // Closing the connection is what ends a program that still runs; nothing is left to say to the daemon. The
        // semaphore stays: a size that is being sent at this moment must fail on the socket, not on it.
        _socket.Dispose();
        return ValueTask.CompletedTask;
    }

    private int? ExitOf(ArrayBufferWriter<byte> control)
    {
        try
        {
            return JsonSerializer.Deserialize(control.WrittenSpan, ExecJson.Default.ExecControl)?.Exit;
        }
        catch (JsonException e)
        {
            throw DaemonFailures.Unreadable(_socketPath, e);
        }
        finally
        {
            control.ResetWrittenCount();
        }
    }

    private Task SendAsync(ExecControl control, CancellationToken cancellationToken) =>
        SendAsync(JsonSerializer.SerializeToUtf8Bytes(control, ExecJson.Default.ExecControl), WebSocketMessageType.Text, cancellationToken);

    private async Task SendAsync(byte[] message, WebSocketMessageType type, CancellationToken cancellationToken)
    {
        await _sending.WaitAsync(cancellationToken);
        try
        {
            await _socket.SendAsync(message, type, endOfMessage: true, cancellationToken);
        }
        catch (Exception e) when (e is WebSocketException or IOException or ObjectDisposedException)
        {
            throw DaemonFailures.ConnectionLost(_socketPath, e);
        }
        finally
        {
            _sending.Release();
        }
    }

    private async Task<ValueWebSocketReceiveResult> ReceivePieceAsync(byte[] buffer, CancellationToken cancellationToken)
    {
        try
        {
            return await _socket.ReceiveAsync(buffer.AsMemory(), cancellationToken);
        }
        catch (Exception e) when (e is WebSocketException or IOException)
        {
            throw DaemonFailures.ConnectionLost(_socketPath, e);
        }
    }
}
