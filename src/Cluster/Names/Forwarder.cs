using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Vni.Cluster.Names;

/// <summary>
/// Asks other servers what is none of ours, and hands on what they say as it is. Each question goes out from a port and with
/// an id of its own, and an answer counts only if it comes from the server that was asked, with that id and that question (RFC 5452).
/// The asker's spelling of the name goes out and comes back.
/// </summary>
internal sealed class Forwarder(IReadOnlyList<IPEndPoint> servers, IReadOnlyList<IPNetwork> clients, TimeProvider time)
{
    /// <summary>Questions that may be under way; each has a socket.</summary>
    private const int MostAtOnce = 256;

    private const int LongestMessage = 65535;

    /// <summary>How long one server is waited for. A resolver asks again after 5 s, and by then two have been tried.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private int _underWay;

    /// <summary>Whether questions of this client are forwarded.</summary>
    internal bool Serves(IPAddress client) => servers.Count > 0 && (IPAddress.IsLoopback(client) || clients.Any(network => network.Contains(client)));

    /// <summary>The answer of the first server that has one; <c>null</c>: none has.</summary>
    /// <param name="query">A query that <see cref="QueryEnvelope"/> found good.</param>
    /// <param name="envelope">What it found.</param>
    /// <param name="stream">By TCP, as the asker does, who may have been told to by a truncated answer.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    internal async Task<byte[]?> AskAsync(ReadOnlyMemory<byte> query, QueryEnvelope envelope, bool stream, CancellationToken cancellationToken)
    {
        try
        {
            if (Interlocked.Increment(ref _underWay) > MostAtOnce) return null;
            byte[]? second = null;
            foreach (var server in servers)
            {
                if (await AskAsync(server, query, envelope, stream, cancellationToken) is not { } answer) continue;
                if ((answer[3] & 0x0f) is 0 or 3) return answer; // It exists, or not: all else may be the server's own trouble.
                second ??= answer;
            }

            return second;
        }
        finally
        {
            Interlocked.Decrement(ref _underWay);
        }
    }

    private async Task<byte[]?> AskAsync(IPEndPoint server, ReadOnlyMemory<byte> query, QueryEnvelope envelope, bool stream, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(Patience, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            var sent = Prepare(query, envelope);
            return stream ? await ByStreamAsync(server, sent, query, envelope, both.Token) : await ByDatagramAsync(server, sent, query, envelope, both.Token);
        }
        catch (Exception e) when (e is SocketException or EndOfStreamException or IOException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return null;
        }
    }

    private static async Task<byte[]?> ByDatagramAsync(IPEndPoint server, byte[] sent, ReadOnlyMemory<byte> query, QueryEnvelope envelope, CancellationToken cancellationToken)
    {
        using var socket = new Socket(server.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        await socket.ConnectAsync(server, cancellationToken);
        await socket.SendAsync(sent, cancellationToken);
        var buffer = new byte[QueryEnvelope.MostPayload + 1];
        while (true)
        {
            var length = await socket.ReceiveAsync(buffer, cancellationToken);
            if (length > envelope.PayloadSize) continue; // More than was asked for.
            if (Accept(buffer.AsSpan(0, length), sent, query.Span, envelope) is { } answer) return answer;
        }
    }

    private static async Task<byte[]?> ByStreamAsync(IPEndPoint server, byte[] sent, ReadOnlyMemory<byte> query, QueryEnvelope envelope, CancellationToken cancellationToken)
    {
        using var socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(server, cancellationToken);
        await using var connection = new NetworkStream(socket);
        var framed = new byte[2 + sent.Length];
        BinaryPrimitives.WriteUInt16BigEndian(framed, (ushort)sent.Length);
        sent.CopyTo(framed, 2);
        await connection.WriteAsync(framed, cancellationToken);
        var buffer = new byte[LongestMessage];
        await connection.ReadExactlyAsync(buffer.AsMemory(0, 2), cancellationToken);
        var length = BinaryPrimitives.ReadUInt16BigEndian(buffer);
        await connection.ReadExactlyAsync(buffer.AsMemory(0, length), cancellationToken);
        return Accept(buffer.AsSpan(0, length), sent, query.Span, envelope);
    }

    /// <summary>The query with an id that nobody can guess, and a payload that will not be fragmented.</summary>
    private static byte[] Prepare(ReadOnlyMemory<byte> query, QueryEnvelope envelope)
    {
        var sent = query.ToArray();
        RandomNumberGenerator.Fill(sent.AsSpan(0, 2));
        if (envelope.HasOptions) BinaryPrimitives.WriteUInt16BigEndian(sent.AsSpan(envelope.QuestionEnd + QueryEnvelope.PayloadOffset), (ushort)envelope.PayloadSize);
        return sent;
    }

    /// <summary>The answer with the asker's id and spelling; <c>null</c>: it is no answer to what was sent.</summary>
    private static byte[]? Accept(ReadOnlySpan<byte> received, byte[] sent, ReadOnlySpan<byte> query, QueryEnvelope envelope)
    {
        if (received.Length < envelope.QuestionEnd || (received[2] & 0x80) == 0 || !received[..2].SequenceEqual(sent.AsSpan(0, 2)) || received[4] != 0 || received[5] != 1) return null;
        for (var i = QueryEnvelope.HeaderLength; i < envelope.QuestionEnd; i++)
        {
            if (Lower(sent[i]) != Lower(received[i])) return null;
        }

        var answer = received.ToArray();
        query[..2].CopyTo(answer);
        query[QueryEnvelope.HeaderLength..envelope.QuestionEnd].CopyTo(answer.AsSpan(QueryEnvelope.HeaderLength));
        return answer;
    }

    private static byte Lower(byte b) => b is >= (byte)'A' and <= (byte)'Z' ? (byte)(b | 0x20) : b;
}
