using System.Net.Security;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Vni.Actors;
using Vni.Actors.Messages;
using Vni.Actors.Messaging;
using Vni.Actors.Security;
using Vni.Cluster.Messaging;

namespace Vni.Node.Api;

/// <summary>
/// Streams of another node, one after the other, on a connection that agreed on <see cref="StreamWire.Protocol"/> instead of HTTP. Bytes
/// are read from TLS itself: what HTTP puts between costs more than the encryption.
/// </summary>
internal sealed class PeerStreamReception(ConnectionContext connection, PeerDispatcher peers, TimeProvider clock)
{
    private readonly Stream _input = (Stream?)SslOf(connection) ?? connection.Transport.Input.AsStream(leaveOpen: true);
    private readonly Stream _output = (Stream?)SslOf(connection) ?? connection.Transport.Output.AsStream(leaveOpen: true);

    /// <summary>Takes the connections that agreed on it; comes after TLS and <see cref="PriorKnowledge"/>.</summary>
    internal static void Use(ListenOptions listening, PeerDispatcher peers, TimeProvider clock)
    {
        var protocol = Encoding.ASCII.GetBytes(StreamWire.Protocol);
        listening.Use(next => connection =>
            connection.Features.Get<ITlsApplicationProtocolFeature>() is { } tls && tls.ApplicationProtocol.Span.SequenceEqual(protocol)
                ? new PeerStreamReception(connection, peers, clock).ServeAsync()
                : next(connection));
    }

    private static SslStream? SslOf(ConnectionContext connection) => connection.Features.Get<ISslStreamFeature>()?.SslStream;

    private async Task ServeAsync()
    {
        try
        {
            while (await HeaderAsync() is { } header && await ReadAsync(header)) continue;
        }
        catch (Exception e) when (e is IOException or OperationCanceledException || connection.ConnectionClosed.IsCancellationRequested)
        {
            // What a reader made of a broken stream is for nobody: the sender must not take it for an answer to all that it sent.
            connection.Abort();
        }
    }

    /// <summary>The next stream's header; <c>null</c>: there is none, and nothing can be read after it.</summary>
    private async Task<PeerEnvelope?> HeaderAsync()
    {
        var stopping = connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested ?? default;
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(connection.ConnectionClosed, stopping);
        await using var guarded = new StallGuardedStream(_input, PeerWire.StallLimit, clock, ended.Token);
        try
        {
            return await PeerWire.ReadFrameAsync(guarded, ended.Token);
        }
        catch (VniException e)
        {
            await WriteAsync(StreamWire.Frame(Refusal(e)));
            await DrainAsync(_input);
            return null;
        }
    }

    /// <summary>Reads a stream and answers it; <c>true</c>: to its end, and another may follow.</summary>
    private async Task<bool> ReadAsync(PeerEnvelope header)
    {
        await using var frames = new FrameReader(_input);
        await using var guarded = new StallGuardedStream(frames, PeerWire.StallLimit, clock, connection.ConnectionClosed);
        var reply = await WithSignsOfLifeAsync(AnswerAsync(header, guarded));
        if (guarded.Broken is { } broken) throw new IOException(broken.Message, broken);
        await WriteAsync(StreamWire.Frame(reply));
        return await DrainAsync(frames);
    }

    private async Task<PeerReply> AnswerAsync(PeerEnvelope header, Stream content)
    {
        try
        {
            var certificate = connection.Features.Get<ITlsConnectionFeature>()?.ClientCertificate;
            return await peers.ReadAsync(header, certificate is null ? null : FarmTls.IdentityOf(certificate), content, connection.ConnectionClosed);
        }
        catch (VniException e)
        {
            return Refusal(e);
        }
    }

    private async Task<PeerReply> WithSignsOfLifeAsync(Task<PeerReply> answering)
    {
        try
        {
            while (true)
            {
                try
                {
                    return await answering.WaitAsync(StreamWire.SignOfLife, clock);
                }
                catch (TimeoutException) when (!answering.IsCompleted)
                {
                    await WriteAsync(StreamWire.Zero);
                }
            }
        }
        catch (IOException) when (!answering.IsCompleted)
        {
            return await answering; // It notices by itself, and must not outlive the connection.
        }
    }

    private async Task WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        await using var guarded = new StallGuardedStream(_output, PeerWire.StallLimit, clock, connection.ConnectionClosed);
        await guarded.WriteAsync(bytes, connection.ConnectionClosed);
        await guarded.FlushAsync(connection.ConnectionClosed);
    }

    /// <summary>
    /// Reads what the sender wrote before it heard the answer: a connection that is closed with something unread is reset, and the answer lost.
    /// </summary>
    private async Task<bool> DrainAsync(Stream rest)
    {
        using var patience = new CancellationTokenSource(PeerWire.StallLimit, clock);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(connection.ConnectionClosed, patience.Token);
        var buffer = new byte[StreamWire.MaximumFrame];
        while (await rest.ReadAsync(buffer, ended.Token) > 0) continue;
        return true;
    }

    private static PeerReply Refusal(VniException e) => new() { Format = PeerEnvelope.CurrentFormat, Error = ErrorBody.Of(e) };
}
