using System.Buffers;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Vni.Cluster.Messaging;

namespace Vni.Node.Api;

/// <summary>
/// Lets one port without TLS serve HTTP/2 with prior knowledge (RFC 9113, section 3.3) and streams of nodes beside HTTP/1.1. Kestrel
/// chooses between them by what TLS has negotiated, so a connection that begins with the preface of one is given that answer.
/// </summary>
internal static class PriorKnowledge
{
    private static readonly byte[] Http2 = "PRI "u8.ToArray();
    private static readonly byte[] Stream = StreamWire.Preface.ToArray();

    internal static void Use(ListenOptions listening) => listening.Use(next => async connection =>
    {
        if (await PrefaceAsync(connection) is { } negotiated)
        {
            connection.Features.Set<ITlsApplicationProtocolFeature>(negotiated);
            connection.Features.Set<ITlsConnectionFeature>(negotiated);
        }

        await next(connection);
    });

    /// <summary>Looks at the first bytes; HTTP/2's are left to be read again.</summary>
    private static async Task<Negotiated?> PrefaceAsync(ConnectionContext connection)
    {
        var input = connection.Transport.Input;
        while (true)
        {
            var read = await input.ReadAsync(connection.ConnectionClosed);
            var start = read.Buffer.Slice(0, Math.Min(read.Buffer.Length, Stream.Length)).ToArray();
            if (start.AsSpan().StartsWith(Stream))
            {
                input.AdvanceTo(read.Buffer.GetPosition(Stream.Length));
                return Negotiated.Stream;
            }

            var isHttp2 = start.AsSpan().StartsWith(Http2);
            if (isHttp2 || read.IsCompleted || !(Http2.AsSpan().StartsWith(start) || Stream.AsSpan().StartsWith(start)))
            {
                input.AdvanceTo(read.Buffer.Start);
                return isHttp2 ? Negotiated.Http2 : null;
            }

            input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    private sealed class Negotiated(byte[] protocol) : ITlsApplicationProtocolFeature, ITlsConnectionFeature
    {
        internal static readonly Negotiated Http2 = new("h2"u8.ToArray());
        internal static readonly Negotiated Stream = new(Encoding.ASCII.GetBytes(StreamWire.Protocol));

        public ReadOnlyMemory<byte> ApplicationProtocol => protocol;

        public System.Security.Cryptography.X509Certificates.X509Certificate2? ClientCertificate
        {
            get => null;
            set => throw new NotSupportedException();
        }

        public Task<System.Security.Cryptography.X509Certificates.X509Certificate2?> GetClientCertificateAsync(CancellationToken cancellationToken) =>
            Task.FromResult<System.Security.Cryptography.X509Certificates.X509Certificate2?>(null);
    }
}
