using Vni.Actors.Messaging;

namespace Vni.Cluster.Messaging;

/// <summary>Sends streams, each with a connection to itself as long as it lasts.</summary>
internal sealed class PeerStreams(HttpMessengerOptions options, PeerConnections connections) : IDisposable
{
    private readonly KeptConnections _kept = new(options.Time);

    /// <summary>Sends a stream; what the writer throws is thrown.</summary>
    /// <exception cref="PeerUnreachableException">There is no connection.</exception>
    /// <exception cref="PeerSilentException">It broke before there was an answer.</exception>
    internal async Task<PeerReply> SendAsync(string node, byte[] header, Func<Stream, CancellationToken, Task> write, CancellationToken cancellationToken)
    {
        var connection = await ConnectAsync(node, cancellationToken);
        var sending = new StreamSending(connection, options.Time);
        try
        {
            return await sending.RunAsync(header, write, cancellationToken);
        }
        catch (Exception e) when (HttpMessenger.IsOfConnection(e) || sending.WriterFailure is not null)
        {
            cancellationToken.ThrowIfCancellationRequested();
            sending.WriterFailure?.Throw();
            throw new PeerSilentException(node, HttpMessenger.Why(e), e);
        }
        finally
        {
            if (sending.IsComplete) _kept.Keep(node, connection);
        }
    }

    /// <inheritdoc />
    public void Dispose() => _kept.Dispose();

    private async Task<StreamConnection> ConnectAsync(string node, CancellationToken cancellationToken)
    {
        var endpoint = options.Endpoint(node) ?? throw new PeerUnreachableException(node, "it is no member of the farm, or does not listen");
        try
        {
            return _kept.Take(node, endpoint) ?? await connections.OpenStreamAsync(node, endpoint, cancellationToken);
        }
        catch (Exception e) when (HttpMessenger.IsOfConnection(e))
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw new PeerUnreachableException(node, HttpMessenger.Why(e), e);
        }
    }
}
