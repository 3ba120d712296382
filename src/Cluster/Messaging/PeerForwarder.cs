using System.Net;
using Vni.Actors.Messaging;

namespace Vni.Cluster.Messaging;

/// <summary>Passes requests of this node's users on to the API of another node, over connections of its own: they may take long.</summary>
/// <param name="options">As the messenger's.</param>
public sealed class PeerForwarder(HttpMessengerOptions options) : IDisposable
{
    private readonly HttpMessageInvoker _invoker = new PeerConnections(options).Create(TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(20));

    /// <summary>Sends a request, HTTP/1.1 so that it can be upgraded; returns when the head of the answer is there.</summary>
    /// <param name="node">Where to.</param>
    /// <param name="method">GET, and so on.</param>
    /// <param name="pathAndQuery">Beginning with a slash.</param>
    /// <param name="headers">Passed on.</param>
    /// <param name="cancellationToken">Ends it, and the answer's body with it.</param>
    /// <exception cref="PeerUnreachableException">It could not be asked, or did not answer.</exception>
    public async Task<HttpResponseMessage> SendAsync(
        string node, HttpMethod method, string pathAndQuery, IEnumerable<KeyValuePair<string, string>> headers, CancellationToken cancellationToken)
    {
        var scheme = options.Tls is null ? "http" : "https";
        using var request = new HttpRequestMessage(method, new Uri($"{scheme}://{PeerConnections.HostOf(node)}{pathAndQuery}")) { Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        try
        {
            return await _invoker.SendAsync(request, cancellationToken);
        }
        catch (HttpRequestException e)
        {
            throw new PeerUnreachableException(node, e.InnerException?.Message ?? e.Message, e);
        }
    }

    /// <inheritdoc />
    public void Dispose() => _invoker.Dispose();
}
