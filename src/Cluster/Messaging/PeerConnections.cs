using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Vni.Actors;
using Vni.Actors.Security;

namespace Vni.Cluster.Messaging;

/// <summary>Makes connections to nodes, by name.</summary>
internal sealed class PeerConnections(HttpMessengerOptions options)
{
    /// <summary>Keeps a node whose name is a number from being taken for an address.</summary>
    private const string Suffix = ".node";

    /// <summary>After this time a connection is replaced by a new one, to wherever the node answers then.</summary>
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(10);

    /// <summary>As the server's own.</summary>
    private static readonly TimeSpan HandshakeTimeout = TimeSpan.FromSeconds(10);

    /// <summary>The host of a node's URI: its name and not its address, because that is what its certificate is checked against and
    /// what connections to it are kept under.</summary>
    internal static string HostOf(string node) => node + Suffix;

    /// <summary>A set of connections of its own.</summary>
    /// <param name="silence">After how much of it the peer's kernel and daemon are asked for a sign of life.</param>
    /// <param name="patience">How long they have for it.</param>
    internal HttpMessageInvoker Create(TimeSpan silence, TimeSpan patience)
    {
        var handler = new SocketsHttpHandler
        {
            ConnectCallback = ConnectAsync,
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            ActivityHeadersPropagator = null,
            EnableMultipleHttp2Connections = true,
            PooledConnectionLifetime = Lifetime,
            KeepAlivePingDelay = silence,
            KeepAlivePingTimeout = patience,
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
        };
        if (options.Tls is { } tls) handler.SslOptions = SslOptions(tls);
        return new HttpMessageInvoker(handler);
    }

    /// <summary>A connection for streams.</summary>
    /// <exception cref="IOException">There is none, or the other side is not the node.</exception>
    internal async Task<StreamConnection> OpenStreamAsync(string node, string endpoint, CancellationToken cancellationToken)
    {
        var socket = await ConnectAsync(endpoint, cancellationToken);
        Stream stream = new NetworkStream(socket, ownsSocket: true);
        try
        {
            if (options.Tls is { } tls) stream = await SecureAsync(stream, node, tls, cancellationToken);
            else await stream.WriteAsync(StreamWire.Preface.ToArray(), cancellationToken);
            return new StreamConnection(node, endpoint, socket, stream);
        }
        catch
        {
            await stream.DisposeAsync();
            throw;
        }
    }

    private async Task<Stream> SecureAsync(Stream stream, string node, FarmTls tls, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(HandshakeTimeout, options.Time);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        var secure = new SslStream(stream);
        try
        {
            var terms = SslOptions(tls);
            terms.TargetHost = HostOf(node);
            terms.ApplicationProtocols = [new SslApplicationProtocol(StreamWire.Protocol)];
            await secure.AuthenticateAsClientAsync(terms, ended.Token);
            return secure.NegotiatedApplicationProtocol == terms.ApplicationProtocols[0]
                ? secure
                : throw new IOException($"it does not speak {StreamWire.Protocol}: install the same version of vnid on both nodes");
        }
        catch (Exception e)
        {
            await secure.DisposeAsync();
            if (e is AuthenticationException) throw new IOException(e.Message, e);
            if (e is OperationCanceledException && !cancellationToken.IsCancellationRequested) throw new IOException($"no agreement on TLS within {HandshakeTimeout.TotalSeconds:0.#} s", e);
            throw;
        }
    }

    private static SslClientAuthenticationOptions SslOptions(FarmTls tls)
    {
        var terms = tls.ForClient();
        terms.RemoteCertificateValidationCallback = (stream, certificate, _, errors) => Check(NodeOf(((SslStream)stream).TargetHostName), certificate, errors);
        return terms;
    }

    private static string NodeOf(string host) => host.EndsWith(Suffix, StringComparison.Ordinal) ? host[..^Suffix.Length] : host;

    private static bool Check(string node, X509Certificate? certificate, SslPolicyErrors errors)
    {
        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateNotAvailable)) throw new AuthenticationException("it showed no certificate");
        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateChainErrors)) throw new AuthenticationException("its certificate is not signed by this farm's authority, or is out of date");
        try
        {
            var identity = FarmTls.IdentityOf((X509Certificate2)certificate!);
            if (identity.Role != PeerRole.Node || identity.Name != node)
                throw new AuthenticationException($"its certificate is that of {identity.Role.ToString().ToLowerInvariant()} '{identity.Name}'");
        }
        catch (VniException e)
        {
            throw new AuthenticationException(e.Message, e);
        }

        // The subject is what counts; alternative names are for whoever connects by address.
        return true;
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var node = NodeOf(context.DnsEndPoint.Host);
        var endpoint = options.Endpoint(node) ?? throw new IOException("it is no member of the farm any more");
        return new NetworkStream(await ConnectAsync(endpoint, cancellationToken), ownsSocket: true);
    }

    private async Task<Socket> ConnectAsync(string endpoint, CancellationToken cancellationToken)
    {
        var colon = endpoint.LastIndexOf(':');
        var port = int.Parse(endpoint.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture);
        var host = endpoint[..colon].Trim('[', ']');
        using var patience = new CancellationTokenSource(options.ConnectTimeout, options.Time);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        var socket = IPAddress.TryParse(host, out var address)
            ? new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp)
            : new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.NoDelay = true;
            await (address is not null ? socket.ConnectAsync(address, port, ended.Token) : socket.ConnectAsync(host, port, ended.Token));
            return socket;
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            socket.Dispose();
            throw new IOException($"no connection to {endpoint} within {options.ConnectTimeout.TotalSeconds:0.#} s", e);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new IOException($"no connection to {endpoint}: {e.Message}", e);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
