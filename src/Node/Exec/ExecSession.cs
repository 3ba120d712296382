using System.Net.WebSockets;
using System.Text.Json;
using Vni.Actors.Interposition;

namespace Vni.Node.Exec;

/// <summary>One visitor and its client: copies frames until the program has ended or the client is gone.</summary>
internal sealed class ExecSession(IVisitor visitor, WebSocket socket, TimeProvider clock) : IDisposable
{
    /// <summary>Largest size of a terminal, in columns and rows.</summary>
    internal const int MaximumSize = 10_000;

    private const int ChunkSize = 32 * 1024;
    private const int LastSignal = 64; // SIGRTMAX

    /// <summary>How long output must be silent after the program's end before it counts as all: a child that it left in
    /// the background keeps the pipe open for ever.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromMilliseconds(250);

    /// <summary>How long the client's close is awaited, so that it can read the exit status before the connection ends.</summary>
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim _sending = new(1);
    private long _progress;

    /// <summary>Runs to the end.</summary>
    /// <returns>The exit status; <c>null</c>: the client is gone, or broke the protocol, and the visitor is to be ended.</returns>
    internal async Task<int?> RunAsync(CancellationToken cancellationToken)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var input = ReceiveAsync(ended.Token);
        var output = Task.WhenAll(SendAsync(visitor.Output, ExecFrames.Output, ended.Token), SendAsync(visitor.Error, ExecFrames.Error, ended.Token));
        try
        {
            await Task.WhenAny(visitor.Exited, input);
            if (!visitor.Exited.IsCompleted) return null;
            var status = await visitor.Exited;
            await DrainAsync(output, ended.Token);
            await SendFrameAsync(JsonSerializer.SerializeToUtf8Bytes(new ExecExit(status), ExecJson.Default.ExecExit), WebSocketMessageType.Text, ended.Token);
            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, ended.Token);
            await Task.WhenAny(input, Task.Delay(Farewell, clock, ended.Token));
            return status;
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException)
        {
            return null;
        }
        finally
        {
            await ended.CancelAsync();
            await Task.WhenAll(input, output).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <inheritdoc />
    public void Dispose() => _sending.Dispose();

    /// <summary>Takes frames until the client closes, is gone, or sends what it must not.</summary>
    private async Task ReceiveAsync(CancellationToken cancellationToken)
    {
        try
        {
            var frame = new byte[ChunkSize];
            while (true)
            {
                var received = await socket.ReceiveAsync(frame.AsMemory(), cancellationToken);
                if (received.MessageType == WebSocketMessageType.Close) return;
                var understood = received.MessageType == WebSocketMessageType.Text
                    ? received.EndOfMessage && Control(frame.AsSpan(0, received.Count))
                    : received.Count > 0 && frame[0] == ExecFrames.Input && await InputAsync(frame, received, cancellationToken);
                if (understood) continue;
                await socket.CloseOutputAsync(WebSocketCloseStatus.InvalidPayloadData, $"not a frame of {ExecFrames.Protocol}", cancellationToken);
                return;
            }
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException)
        {
            return; // Gone without a word, or over.
        }
    }

    /// <summary>Writes a message, which may come in pieces, to standard input.</summary>
    private async Task<bool> InputAsync(byte[] frame, ValueWebSocketReceiveResult received, CancellationToken cancellationToken)
    {
        if (received is { Count: 1, EndOfMessage: true })
        {
            await visitor.Input.DisposeAsync();
            return true;
        }

        var piece = frame.AsMemory(1, received.Count - 1);
        while (true)
        {
            await WriteInputAsync(piece, cancellationToken);
            if (received.EndOfMessage) return true;
            received = await socket.ReceiveAsync(frame.AsMemory(), cancellationToken);
            if (received.MessageType == WebSocketMessageType.Close) return false;
            piece = frame.AsMemory(0, received.Count);
        }
    }

    private async Task WriteInputAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        try
        {
            await visitor.Input.WriteAsync(data, cancellationToken);
            await visitor.Input.FlushAsync(cancellationToken);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            return; // The program reads no more; its output and its end still matter.
        }
    }

    private bool Control(ReadOnlySpan<byte> json)
    {
        try
        {
            switch (JsonSerializer.Deserialize(json, ExecJson.Default.ExecControl))
            {
                case { Resize: { Columns: >= 1 and <= MaximumSize, Rows: >= 1 and <= MaximumSize } size, Signal: null }:
                    visitor.Resize(size.Columns, size.Rows);
                    return true;
                case { Signal: >= 1 and <= LastSignal and var signal, Resize: null }:
                    visitor.Signal(signal);
                    return true;
                default:
                    return false;
            }
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private async Task SendAsync(Stream source, byte channel, CancellationToken cancellationToken)
    {
        var frame = new byte[ChunkSize];
        frame[0] = channel;
        try
        {
            while (await source.ReadAsync(frame.AsMemory(1), cancellationToken) is > 0 and var count)
            {
                await SendFrameAsync(frame.AsMemory(0, count + 1), WebSocketMessageType.Binary, cancellationToken);
                Interlocked.Increment(ref _progress);
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or WebSocketException)
        {
            return; // A terminal whose program has ended answers EIO; a client that is gone is noticed where frames are received.
        }
    }

    private async Task SendFrameAsync(ReadOnlyMemory<byte> data, WebSocketMessageType type, CancellationToken cancellationToken)
    {
        await _sending.WaitAsync(cancellationToken);
        try
        {
            await socket.SendAsync(data, type, endOfMessage: true, cancellationToken);
        }
        finally
        {
            _sending.Release();
        }
    }

    private async Task DrainAsync(Task output, CancellationToken cancellationToken)
    {
        for (var before = -1L; !output.IsCompleted && before != Interlocked.Read(ref _progress);)
        {
            before = Interlocked.Read(ref _progress);
            await Task.WhenAny(output, Task.Delay(Silence, clock, cancellationToken));
            cancellationToken.ThrowIfCancellationRequested();
        }
    }
}
