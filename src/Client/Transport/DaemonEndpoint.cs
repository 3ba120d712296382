using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Vni.Actors;
using Vni.Actors.Identity;
using Vni.Actors.Security;

namespace Vni.Client.Transport;

/// <summary>One daemon, on the unix socket of this machine or at an address, and the connections to it.</summary>
internal sealed class DaemonEndpoint : IDisposable
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(5);

    private readonly HttpMessageInvoker _invoker;
    private readonly Uri _base;

    private DaemonEndpoint(string name, bool isSocket, Uri address, SocketsHttpHandler handler)
    {
        (Name, IsSocket, _base) = (name, isSocket, address);
        handler.UseProxy = false;
        handler.UseCookies = false;
        handler.AllowAutoRedirect = false;
        handler.ActivityHeadersPropagator = null;
        _invoker = new HttpMessageInvoker(handler);
    }

    /// <summary>Path or address, for messages.</summary>
    public string Name { get; }

    /// <summary>Whether it is a unix socket.</summary>
    public bool IsSocket { get; }

    /// <exception cref="VniException">The path is empty or longer than <c>sun_path</c> holds, 107 bytes (unix(7)).</exception>
    public static DaemonEndpoint OfSocket(string path)
    {
        UnixDomainSocketEndPoint endPoint;
        try
        {
            endPoint = new UnixDomainSocketEndPoint(path);
        }
        catch (ArgumentException)
        {
            throw new VniException(ErrorCodes.InvalidArgument, $"socket path {DnsLabel.Quote(path)} cannot be used: give a path of 1 to 107 bytes");
        }

        // The host only fills the Host header.
        return new(path, isSocket: true, new Uri("http://vnid"), new SocketsHttpHandler { ConnectCallback = (_, cancellation) => ConnectAsync(endPoint, cancellation) });
    }

    /// <param name="address"><c>http://host:port</c> or <c>https://host:port</c>.</param>
    /// <param name="tls">Ours for <c>https</c>.</param>
    /// <exception cref="VniException">The address is not such a one, or needs a certificate.</exception>
    public static DaemonEndpoint OfAddress(Uri address, FarmTls? tls)
    {
        if (!address.IsAbsoluteUri || address.Scheme is not ("http" or "https") || address.PathAndQuery != "/")
            throw new VniException(ErrorCodes.InvalidArgument, $"{DnsLabel.Quote(address.OriginalString)} is not the address of a node: write https://HOST:PORT");
        var handler = new SocketsHttpHandler
        {
            ConnectTimeout = ConnectTimeout,
            KeepAlivePingDelay = Silence,
            KeepAlivePingTimeout = Silence,
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
        };
        if (address.Scheme == Uri.UriSchemeHttps)
        {
            if (tls is null) throw new VniException(ErrorCodes.InvalidArgument, $"the node at {address} is to be asked with a certificate, and none is given: issue one with 'vni certificates issue'");
            handler.SslOptions = tls.ForClient();
            handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, errors) => errors == SslPolicyErrors.None && IsNode(certificate);
        }

        return new(address.GetLeftPart(UriPartial.Authority), isSocket: false, address, handler);
    }

    /// <summary>Sends a request of which only path and query count.</summary>
    public Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        request.RequestUri = new Uri(_base, request.RequestUri!.PathAndQuery);
        if (!IsSocket && request.Headers.Upgrade.Count == 0)
        {
            request.Version = HttpVersion.Version20;
            request.VersionPolicy = HttpVersionPolicy.RequestVersionExact;
        }

        return _invoker.SendAsync(request, cancellationToken);
    }

    /// <inheritdoc />
    public void Dispose() => _invoker.Dispose();

    private static bool IsNode(X509Certificate? certificate)
    {
        try
        {
            return certificate is X509Certificate2 full && FarmTls.IdentityOf(full).Role == PeerRole.Node;
        }
        catch (VniException)
        {
            return false;
        }
    }

    private static async ValueTask<Stream> ConnectAsync(UnixDomainSocketEndPoint endPoint, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(endPoint, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
