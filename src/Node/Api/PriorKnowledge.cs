using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Vni.Node.Api;

/// <summary>
/// Lets one port without TLS serve HTTP/2 with prior knowledge (RFC 9113, section 3.3) beside HTTP/1.1. Kestrel chooses between
/// them by what TLS has negotiated, so a connection that begins with HTTP/2's preface is given that answer.
/// </summary>
internal static class PriorKnowledge
{
    private static ReadOnlySpan<byte> Preface => "PRI "u8;

    internal static void Use(ListenOptions listening) => listening.Use(next => async connection =>
    {
        if (await IsHttp2Async(connection))
        {
            connection.Features.Set<ITlsApplicationProtocolFeature>(Negotiated.Http2);
            connection.Features.Set<ITlsConnectionFeature>(Negotiated.Http2);
        }

        await next(connection);
    });

    /// <summary>Looks at the first bytes without taking them.</summary>
    private static async Task<bool> IsHttp2Async(ConnectionContext connection)
    {
        while (true)
        {
            var read = await connection.Transport.Input.ReadAsync(connection.ConnectionClosed);
            var (isPreface, enough) = Judge(read.Buffer);
            if (enough || read.IsCompleted)
            {
                connection.Transport.Input.AdvanceTo(read.Buffer.Start);
                return isPreface;
            }

            connection.Transport.Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    private static (bool IsPreface, bool Enough) Judge(System.Buffers.ReadOnlySequence<byte> start)
    {
        Span<byte> first = stackalloc byte[Preface.Length];
        var count = (int)Math.Min(start.Length, first.Length);
        System.Buffers.BuffersExtensions.CopyTo(start.Slice(0, count), first);
        var fits = first[..count].SequenceEqual(Preface[..count]);
        return (fits && count == Preface.Length, !fits || count == Preface.Length);
    }

    private sealed class Negotiated : ITlsApplicationProtocolFeature, ITlsConnectionFeature
    {
        internal static readonly Negotiated Http2 = new();

        public ReadOnlyMemory<byte> ApplicationProtocol { get; } = "h2"u8.ToArray();

        public System.Security.Cryptography.X509Certificates.X509Certificate2? ClientCertificate
        {
            get => null;
            set => throw new NotSupportedException();
        }

        public Task<System.Security.Cryptography.X509Certificates.X509Certificate2?> GetClientCertificateAsync(CancellationToken cancellationToken) =>
            Task.FromResult<System.Security.Cryptography.X509Certificates.X509Certificate2?>(null);
    }
}
