using System.Runtime.ExceptionServices;
using Vni.Actors.Messaging;

namespace Vni.Cluster.Messaging;

/// <summary>
/// One stream on a connection: writes it and waits for the reply at the same time. A reply that comes first stops the writer. Only when
/// the whole stream was written and answered can another follow on the connection.
/// </summary>
internal sealed class StreamSending(StreamConnection connection, TimeProvider time)
{
    private volatile bool _isWritten;

    /// <summary>Whether another stream may follow on the connection.</summary>
    internal bool IsComplete { get; private set; }

    /// <summary>What the writer threw of itself; <c>null</c>: nothing, or only because the connection or the reader ended.</summary>
    internal ExceptionDispatchInfo? WriterFailure { get; private set; }

    /// <summary>Sends it and returns the reply; the writer has ended then, whatever happened.</summary>
    /// <exception cref="IOException">The connection broke.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    internal async Task<PeerReply> RunAsync(byte[] header, Func<Stream, CancellationToken, Task> write, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var reading = ReadAsync(stop.Token);
        var writing = WriteAsync(header, write, stop.Token);
        try
        {
            await Task.WhenAny(reading, writing);
            if (!reading.IsCompleted || (_isWritten && reading.IsCompletedSuccessfully)) await writing;
            var reply = await reading;
            IsComplete = writing.IsCompletedSuccessfully;
            return reply;
        }
        finally
        {
            await stop.CancelAsync(); // The reader may answer before the end; the writer must not outlive this call.
            if (!IsComplete) connection.Abort();
            await Task.WhenAll(reading, writing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<PeerReply> ReadAsync(CancellationToken stop)
    {
        await using var guarded = new StallGuardedStream(connection.Stream, PeerWire.StallLimit, time, stop);
        return await StreamWire.ReadReplyAsync(guarded, stop);
    }

    private async Task WriteAsync(byte[] header, Func<Stream, CancellationToken, Task> write, CancellationToken stop)
    {
        await using var plain = new StallGuardedStream(connection.Stream, PeerWire.StallLimit, time, stop);
        await plain.WriteAsync(header, stop);
        await using var frames = new FrameWriter(connection.Stream);
        await using var guarded = new StallGuardedStream(frames, PeerWire.StallLimit, time, stop);
        try
        {
            await write(guarded, stop);
        }
        catch (Exception e)
        {
            if (guarded.Broken is null && !stop.IsCancellationRequested) WriterFailure = ExceptionDispatchInfo.Capture(e);
            throw;
        }

        if (guarded.Broken is { } broken) throw new IOException(broken.Message, broken); // Even if the writer took no notice.
        _isWritten = true;
        await plain.WriteAsync(StreamWire.Zero, stop);
        await plain.FlushAsync(stop);
    }
}
