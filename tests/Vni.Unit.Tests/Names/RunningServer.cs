using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Vni.Actors;
using Vni.Actors.Registry;
using Vni.Cluster.Names;
using Vni.Unit.Tests.Fakes;
using Vni.Unit.Tests.Registry;

namespace Vni.Unit.Tests.Names;

/// <summary>A name server on loopback, with an application called <c>shop</c>, and clients that speak bytes.</summary>
internal sealed class RunningServer : IAsyncDisposable
{
    private static readonly RegistryKeys s_keys = new("lab");
    private readonly TemporaryStore _store = new();
    private readonly List<Socket> _sockets = [];
    private NameServer? _server;

    public IPEndPoint EndPoint { get; private set; } = new(IPAddress.Loopback, 0);

    /// <summary>The server's clock.</summary>
    public ManualTimeProvider Time => _store.Time;

    public static async Task<RunningServer> StartAsync(params IPEndPoint[] forward)
    {
        var running = new RunningServer();
        var registry = running._store.Open();
        await TemporaryStore.PutAsync(registry, s_keys.Applications + "a", """{"identity":{"ip":"10.117.0.5","prefixLength":16,"mac":"x","hostname":"shop"}}""");
        for (var attempt = 0; running._server is null; attempt++)
        {
            running.EndPoint = new IPEndPoint(IPAddress.Loopback, FreePort());
            try
            {
                running._server = NameServer.Start([running.EndPoint], new NameServerOptions { Forward = forward }, Zone.Settings, registry, s_keys, running.Time, NullLogger.Instance);
            }
            catch (VniException) when (attempt < 10)
            {
                // Somebody else has taken the port meanwhile.
            }
        }

        while ((await running.AskAsync(QueryEnvelopeTests.Query("shop.lab.example")))[3] == 2) await Task.Yield(); // SERVFAIL: not read yet.
        return running;
    }

    /// <summary>Sends a datagram and waits for one.</summary>
    public async Task<byte[]> AskAsync(byte[] packet)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        await socket.ConnectAsync(EndPoint);
        await socket.SendAsync(packet);
        var buffer = new byte[65535];
        return buffer[..await socket.ReceiveAsync(buffer)];
    }

    public async Task SendAsync(byte[] packet)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        await socket.SendToAsync(packet, EndPoint);
    }

    /// <summary>A connection, closed with the server.</summary>
    public async Task<Socket> ConnectAsync()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        _sockets.Add(socket);
        await socket.ConnectAsync(EndPoint);
        return socket;
    }

    /// <summary>Asks on a connection; <c>null</c>: it is closed.</summary>
    public static async Task<byte[]?> AskAsync(Socket socket, byte[] packet)
    {
        var framed = new byte[2 + packet.Length];
        BinaryPrimitives.WriteUInt16BigEndian(framed, (ushort)packet.Length);
        packet.CopyTo(framed, 2);
        try
        {
            await socket.SendAsync(framed);
            var length = await ReadAsync(socket, 2);
            return length is null ? null : await ReadAsync(socket, BinaryPrimitives.ReadUInt16BigEndian(length));
        }
        catch (SocketException)
        {
            return null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        _sockets.ForEach(socket => socket.Dispose());
        await (_server?.DisposeAsync() ?? ValueTask.CompletedTask);
        await _store.DisposeAsync();
    }

    public static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    private static async Task<byte[]?> ReadAsync(Socket socket, int length)
    {
        var buffer = new byte[length];
        for (var have = 0; have < length;)
        {
            var read = await socket.ReceiveAsync(buffer.AsMemory(have));
            if (read == 0) return null;
            have += read;
        }

        return buffer;
    }
}
