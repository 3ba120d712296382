using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Vni.Actors.Messaging;
using Vni.Actors.Security;
using Vni.Cluster.Messaging;

namespace Vni.Node.Api;

/// <summary>Where the daemon answers other machines: other nodes, and operators who present a certificate.</summary>
/// <param name="Address">Where it listens.</param>
/// <param name="Tls">Its certificate, and whose it accepts; <c>null</c>: everybody who can connect may do everything.</param>
/// <param name="Peers">Answers other nodes.</param>
internal sealed record TcpEndpoint(IPEndPoint Address, FarmTls? Tls, PeerDispatcher Peers)
{
    private static readonly List<SslApplicationProtocol> Protocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11, new(StreamWire.Protocol)];

    /// <summary>Makes the server listen there.</summary>
    internal void Listen(KestrelServerOptions kestrel, TimeProvider clock)
    {
        kestrel.AllowAlternateSchemes = Tls is null; // See PriorKnowledge: the server takes such a connection for one with TLS.
        kestrel.Listen(Address, listening =>
        {
            listening.Protocols = HttpProtocols.Http1AndHttp2;
            if (Tls is { } tls) listening.UseHttps(new TlsHandshakeCallbackOptions { OnConnection = _ => ValueTask.FromResult(Options(tls)) });
            else PriorKnowledge.Use(listening);
            PeerStreamReception.Use(listening, Peers, clock);
        });
    }

    private static SslServerAuthenticationOptions Options(FarmTls tls)
    {
        var options = tls.ForServer();
        options.ApplicationProtocols = Protocols;
        return options;
    }
}
