using System.Net;
using System.Net.Http.Headers;

namespace Vni.Cluster.Registry.Etcd;

/// <summary>A request's body, which remembers whether it was sent: what failed before certainly had no effect.</summary>
internal sealed class JsonBody : HttpContent
{
    private readonly byte[] _json;
    private int _sent;

    public JsonBody(byte[] json)
    {
        _json = json;
        Headers.ContentType = new MediaTypeHeaderValue("application/json");
    }

    /// <summary>Whether sending was begun.</summary>
    public bool Sent => Volatile.Read(ref _sent) != 0;

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        Volatile.Write(ref _sent, 1);
        return stream.WriteAsync(_json, cancellationToken).AsTask();
    }

    protected override bool TryComputeLength(out long length)
    {
        length = _json.Length;
        return true;
    }
}
