using System.Net;
using System.Net.Http.Headers;

namespace Vni.Cluster.Messaging;

/// <summary>
/// A question as the body of a request. It knows whether any of it was handed to a connection: a question of which nothing was
/// is certainly not delivered, and one that is withdrawn before that never will be.
/// </summary>
internal sealed class AskContent : HttpContent
{
    private const int Fresh = 0;
    private const int Begun = 1;
    private const int Withdrawn = 2;
    private readonly byte[] _envelope;
    private int _state = Fresh;

    internal AskContent(byte[] envelope)
    {
        _envelope = envelope;
        Headers.ContentType = new MediaTypeHeaderValue("application/json");
    }

    /// <summary>Keeps the body from being sent; <c>false</c>: sending has begun.</summary>
    internal bool Withdraw() => Interlocked.CompareExchange(ref _state, Withdrawn, Fresh) != Begun;

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        // A second beginning is a repetition by the HTTP client, which it makes only of what was certainly not processed.
        if (Interlocked.CompareExchange(ref _state, Begun, Fresh) == Withdrawn) throw new OperationCanceledException("the request was withdrawn");
        return stream.WriteAsync(_envelope, cancellationToken).AsTask();
    }

    protected override bool TryComputeLength(out long length)
    {
        length = _envelope.Length;
        return true;
    }
}
