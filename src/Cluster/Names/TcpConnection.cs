using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using ARSoft.Tools.Net.Dns;

namespace Vni.Cluster.Names;

/// <summary>A client's connection: one query after the other.</summary>
internal sealed class TcpConnection(IServerTransport transport, Socket socket, IPEndPoint client, IPEndPoint local, QueryIntake intake, TimeProvider time, Action left) : IServerConnection
{
    private const int Prefix = DnsRawPackage.LENGTH_HEADER_LENGTH;

    /// <summary>Longest that a connection may be silent, and that a message may take to come or to go.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Free while no query is being answered.</summary>
    private readonly SemaphoreSlim _turn = new(1);
    private int _closed;

    /// <inheritdoc />
    public IServerTransport Transport => transport;

    /// <inheritdoc />
    public IPEndPoint RemoteEndPoint => client;

    /// <inheritdoc />
    public IPEndPoint LocalEndPoint => local;

    /// <inheritdoc />
    public bool CanRead => Volatile.Read(ref _closed) == 0;

    /// <inheritdoc />
    public Task<bool> InitializeAsync(CancellationToken token = default) => Task.FromResult(true);

    /// <summary>The next query for the zone; <c>null</c>: the connection is closed.</summary>
    public async Task<DnsReceivedRawPackage?> ReceiveAsync(CancellationToken token = default)
    {
        try
        {
            while (true)
            {
                using var limit = new CancellationTokenSource(Patience, time);
                using var patience = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, token);
                await _turn.WaitAsync(patience.Token);
                var buffer = new byte[Prefix + QueryEnvelope.LongestQuery];
                if (!await ReadAsync(buffer.AsMemory(0, Prefix), patience.Token)) break;
                int length = BinaryPrimitives.ReadUInt16BigEndian(buffer);
                if (length > QueryEnvelope.LongestQuery || !await ReadAsync(buffer.AsMemory(Prefix, length), patience.Token)) break;
                switch (intake.Look(buffer, Prefix, length, client.Address, out var envelope, out var answerLength))
                {
                    case QueryFate.Ours:
                        return new DnsReceivedRawPackage(buffer[..(Prefix + length)], client, local);
                    case QueryFate.Others:
                        if (!await SendAsync(await intake.ForwardAsync(buffer, Prefix, length, envelope, stream: true, token), token)) break;
                        continue;
                    default:
                        if (answerLength == 0 || !await SendAsync(buffer.AsMemory(Prefix, answerLength), token)) break;
                        continue;
                }

                break;
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // Gone, silent for too long, or the end.
        }

        Close();
        return null;
    }

    /// <inheritdoc />
    public async Task<bool> SendAsync(DnsRawPackage package, CancellationToken token = default) =>
        await SendAsync(package.ToArraySegment(includeLengthHeader: false).AsMemory(0, package.Length), token);

    /// <summary>Does nothing. The library calls it when an answer is on its way before it has come to wait for the next query, and so while
    /// the client goes on asking; that the connection is at its end is known here.</summary>
    public void Dispose()
    {
    }

    private void Close()
    {
        if (Interlocked.Exchange(ref _closed, 1) != 0) return;
        socket.Dispose();
        left();
    }

    private async Task<bool> SendAsync(ReadOnlyMemory<byte> message, CancellationToken token)
    {
        using var limit = new CancellationTokenSource(Patience, time);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, token);
        try
        {
            var framed = new byte[Prefix + message.Length];
            BinaryPrimitives.WriteUInt16BigEndian(framed, (ushort)message.Length);
            message.CopyTo(framed.AsMemory(Prefix));
            for (var sent = 0; sent < framed.Length;) sent += await socket.SendAsync(framed.AsMemory(sent), patience.Token);
            _turn.Release();
            return true;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            Close();
            return false;
        }
    }

    private async Task<bool> ReadAsync(Memory<byte> buffer, CancellationToken token)
    {
        while (!buffer.IsEmpty)
        {
            var read = await socket.ReceiveAsync(buffer, token);
            if (read == 0) return false;
            buffer = buffer[read..];
        }

        return true;
    }
}
