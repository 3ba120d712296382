using System.Net.Sockets;

namespace Vni.Cluster.Messaging;

/// <summary>A connection for streams to one node, one after the other.</summary>
/// <param name="node">The node.</param>
/// <param name="endpoint">Where it answered.</param>
/// <param name="socket">The socket under <paramref name="stream"/>.</param>
/// <param name="stream">Owned, with its socket.</param>
internal sealed class StreamConnection(string node, string endpoint, Socket socket, Stream stream) : IDisposable
{
    internal Stream Stream => stream;

    /// <summary>Whether it may be used for that node, there; one on which something arrived, be it the end, may not.</summary>
    internal bool Fits(string to, string at) => node == to && endpoint == at && !socket.Poll(0, SelectMode.SelectRead);

    /// <summary>Of whom.</summary>
    internal bool IsOf(string other) => node == other;

    /// <summary>Closes it so that the other side sees it at once, whatever is still under way.</summary>
    internal void Abort()
    {
        socket.LingerState = new LingerOption(enable: true, seconds: 0);
        Dispose();
    }

    /// <inheritdoc />
    public void Dispose() => stream.Dispose();
}
