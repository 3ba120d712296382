using System.Net;
using System.Net.Http.Headers;
using System.Runtime.ExceptionServices;

namespace Vni.Cluster.Messaging;

/// <summary>
/// The body of a request to a peer. It knows whether any of it was handed to a connection: a request of which nothing was
/// is certainly not delivered, and one that is withdrawn before that never will be.
/// </summary>
internal abstract class PeerContent : HttpContent
{
    private const int Fresh = 0;
    private const int Begun = 1;
    private const int Withdrawn = 2;
    private int _state = Fresh;

    /// <summary>Keeps the body from being sent; <c>false</c>: sending has begun.</summary>
    internal bool Withdraw() => Interlocked.CompareExchange(ref _state, Withdrawn, Fresh) != Begun;

    protected void Begin()
    {
        // A second beginning is a repetition by the HTTP client, which it makes only of what was certainly not processed.
        if (Interlocked.CompareExchange(ref _state, Begun, Fresh) == Withdrawn) throw new OperationCanceledException("the request was withdrawn");
    }
}

/// <summary>A question.</summary>
internal sealed class AskContent : PeerContent
{
    private readonly byte[] _envelope;

    internal AskContent(byte[] envelope)
    {
        _envelope = envelope;
        Headers.ContentType = new MediaTypeHeaderValue("application/json");
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        Begin();
        return stream.WriteAsync(_envelope, cancellationToken).AsTask();
    }

    protected override bool TryComputeLength(out long length)
    {
        length = _envelope.Length;
        return true;
    }
}

/// <summary>A stream: its header and what a writer writes.</summary>
internal sealed class StreamedContent : PeerContent
{
    private readonly byte[] _header;
    private readonly Func<Stream, CancellationToken, Task> _write;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stop;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal StreamedContent(byte[] header, Func<Stream, CancellationToken, Task> write, TimeProvider time, CancellationToken cancellationToken)
    {
        (_header, _write, _time) = (header, write, time);
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
    }

    /// <summary>What the writer threw of itself; <c>null</c>: nothing, or only because the connection or the reader ended.</summary>
    internal ExceptionDispatchInfo? WriterFailure { get; private set; }

    /// <summary>Stops the writer if it still writes; returns when it has ended.</summary>
    internal async Task StopAsync()
    {
        if (Withdraw()) return;
        await _stop.CancelAsync();
        await _ended.Task;
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        Begin();
        using var given = cancellationToken.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), _stop);
        await using var guarded = new StallGuardedStream(stream, PeerWire.StallLimit, _time, _stop.Token);
        try
        {
            await guarded.WriteAsync(_header, _stop.Token);
            await _write(guarded, _stop.Token);
            await guarded.FlushAsync(_stop.Token);
        }
        catch (Exception e)
        {
            if (guarded.Broken is null && !_stop.IsCancellationRequested) WriterFailure = ExceptionDispatchInfo.Capture(e);
            throw;
        }
        finally
        {
            _ended.TrySetResult();
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) _stop.Dispose();
        base.Dispose(disposing);
    }
}
