using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using ARSoft.Tools.Net.Dns;

namespace Vni.Cluster.Names;

/// <summary>Queries by UDP. Of those that are not answered on the spot a limited number is under way; while there are more, the kernel's queue holds them, and drops what it cannot.</summary>
internal sealed class UdpTransport : IServerTransport
{
    private const int MostAtOnce = 1024;

    /// <summary>Waiting for the kernel to have memory again.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    /// <summary>The library wants the length in front.</summary>
    private const int Prefix = DnsRawPackage.LENGTH_HEADER_LENGTH;

    private readonly SemaphoreSlim _slots = new(MostAtOnce);
    private readonly Socket _socket;
    private readonly IPEndPoint _local;
    private readonly QueryIntake _intake;
    private readonly TimeProvider _time;

    /// <exception cref="SocketException">The address cannot be used.</exception>
    internal UdpTransport(IPEndPoint endPoint, QueryIntake intake, TimeProvider time)
    {
        (_local, _intake, _time) = (endPoint, intake, time);
        _socket = new Socket(endPoint.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            _socket.ReceiveBufferSize = 4 << 20;
            _socket.Bind(endPoint);
        }
        catch
        {
            _socket.Dispose();
            throw;
        }
    }

    /// <inheritdoc />
    public ushort DefaultAllowedResponseSize => QueryEnvelope.LeastPayload;

    /// <inheritdoc />
    public bool SupportsMultipleResponses => false;

    /// <inheritdoc />
    public bool AllowTruncatedResponses => true;

    /// <inheritdoc />
    public TransportProtocol TransportProtocol => TransportProtocol.Udp;

    /// <inheritdoc />
    public void Bind()
    {
        // It is bound from the beginning, so that whoever makes it learns whether that is possible.
    }

    /// <inheritdoc />
    public void Close() => _socket.Close();

    /// <inheritdoc />
    public void Dispose()
    {
        _socket.Dispose();
        _slots.Dispose();
    }

    /// <summary>The next query for the zone. The library's loop must never see an exception: it would end the process.</summary>
    public async Task<IServerConnection?> AcceptConnectionAsync(CancellationToken token = default)
    {
        var free = false;
        try
        {
            await _slots.WaitAsync(token);
            free = true;
            var buffer = new byte[Prefix + QueryEnvelope.LongestQuery + 1];
            while (true)
            {
                var received = await _socket.ReceiveFromAsync(buffer.AsMemory(Prefix), SocketFlags.None, Anyone(), token);
                var client = (IPEndPoint)received.RemoteEndPoint;
                switch (_intake.Look(buffer, Prefix, received.ReceivedBytes, client.Address, out var envelope, out var answerLength))
                {
                    case QueryFate.Settled:
                        if (answerLength > 0) await SendAsync(buffer.AsMemory(Prefix, answerLength), client, token);
                        continue;
                    case QueryFate.Others:
                        free = false;
                        _ = ForwardAsync(buffer, received.ReceivedBytes, client, envelope, token);
                        return null;
                    default:
                        free = false;
                        BinaryPrimitives.WriteUInt16BigEndian(buffer, (ushort)received.ReceivedBytes);
                        return new Exchange(this, new DnsReceivedRawPackage(buffer[..(Prefix + received.ReceivedBytes)], client, _local));
                }
            }
        }
        catch (SocketException)
        {
            await Task.Delay(Pause, _time, token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return null;
        }
        catch (Exception e) when (e is ObjectDisposedException or OperationCanceledException)
        {
            return null; // The end.
        }
        finally
        {
            if (free) Release();
        }
    }

    private async Task ForwardAsync(byte[] buffer, int length, IPEndPoint client, QueryEnvelope envelope, CancellationToken token)
    {
        try
        {
            await SendAsync(await _intake.ForwardAsync(buffer, Prefix, length, envelope, stream: false, token), client, token);
        }
        catch (OperationCanceledException)
        {
            // The end.
        }
        finally
        {
            Release();
        }
    }

    private async Task<bool> SendAsync(ReadOnlyMemory<byte> message, IPEndPoint client, CancellationToken token)
    {
        try
        {
            return await _socket.SendToAsync(message, SocketFlags.None, client, token) == message.Length;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return false; // It can ask again.
        }
    }

    private void Release()
    {
        try
        {
            _slots.Release();
        }
        catch (ObjectDisposedException)
        {
            // The end.
        }
    }

    private IPEndPoint Anyone() => _local.AddressFamily == AddressFamily.InterNetwork ? s_anyone : s_anyone6;

    private static readonly IPEndPoint s_anyone = new(IPAddress.Any, 0);
    private static readonly IPEndPoint s_anyone6 = new(IPAddress.IPv6Any, 0);

    /// <summary>One query and its answer.</summary>
    private sealed class Exchange(UdpTransport transport, DnsReceivedRawPackage query) : IServerConnection
    {
        private int _disposed;

        public IServerTransport Transport => transport;

        public IPEndPoint RemoteEndPoint => query.RemoteEndpoint;

        public IPEndPoint LocalEndPoint => query.LocalEndpoint;

        public bool CanRead { get; private set; } = true;

        public Task<bool> InitializeAsync(CancellationToken token = default) => Task.FromResult(true);

        public Task<DnsReceivedRawPackage?> ReceiveAsync(CancellationToken token = default)
        {
            CanRead = false;
            return Task.FromResult<DnsReceivedRawPackage?>(query);
        }

        public Task<bool> SendAsync(DnsRawPackage package, CancellationToken token = default) =>
            transport.SendAsync(package.ToArraySegment(includeLengthHeader: false).AsMemory(0, package.Length), query.RemoteEndpoint, token);

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _disposed, 1) == 0) transport.Release();
        }
    }
}
