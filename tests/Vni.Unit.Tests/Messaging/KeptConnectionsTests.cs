using System.Net;
using System.Net.Sockets;
using Vni.Cluster.Messaging;
using Vni.Unit.Tests.Fakes;
using Xunit;

namespace Vni.Unit.Tests.Messaging;

/// <summary>Connections between two streams.</summary>
public sealed class KeptConnectionsTests : IDisposable
{
    private readonly ManualTimeProvider _time = new();
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly KeptConnections _kept;

    public KeptConnectionsTests()
    {
        _kept = new(_time);
        _listener.Start();
    }

    public void Dispose()
    {
        _kept.Dispose();
        _listener.Dispose();
    }

    [Fact]
    public async Task A_kept_connection_is_taken_once()
    {
        var (connection, other) = await ConnectAsync();
        using (connection)
        using (other)
        {
            _kept.Keep("n2", connection);
            Assert.Same(connection, _kept.Take("n2", "here"));
            Assert.Null(_kept.Take("n2", "here"));
        }
    }

    [Fact]
    public async Task A_connection_to_where_the_node_was_is_not_taken()
    {
        var (connection, other) = await ConnectAsync();
        using (other)
        {
            _kept.Keep("n2", connection);
            Assert.Null(_kept.Take("n3", "here"));
            Assert.Null(_kept.Take("n2", "there"));
            Assert.Equal(0, await other.ReceiveAsync(new byte[1]));
        }
    }

    [Fact]
    public async Task A_connection_that_the_other_side_closed_is_not_taken()
    {
        var (connection, other) = await ConnectAsync();
        _kept.Keep("n2", connection);
        other.Dispose();
        Assert.Null(_kept.Take("n2", "here"));
    }

    [Fact]
    public async Task A_connection_that_nobody_wants_is_closed()
    {
        var (connection, other) = await ConnectAsync();
        using (other)
        {
            _kept.Keep("n2", connection);
            _time.Advance(TimeSpan.FromSeconds(10));
            Assert.Null(_kept.Take("n2", "here"));
            Assert.Equal(0, await other.ReceiveAsync(new byte[1]));
        }
    }

    [Fact]
    public async Task A_third_connection_to_a_node_is_closed()
    {
        var all = new[] { await ConnectAsync(), await ConnectAsync(), await ConnectAsync() };
        foreach (var (connection, _) in all) _kept.Keep("n2", connection);
        Assert.Equal(0, await all[2].Other.ReceiveAsync(new byte[1]));
        _kept.Dispose();
        Assert.Equal(0, await all[0].Other.ReceiveAsync(new byte[1]));
        foreach (var (_, other) in all) other.Dispose();
    }

    private async Task<(StreamConnection Connection, Socket Other)> ConnectAsync()
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(_listener.LocalEndpoint);
        return (new StreamConnection("n2", "here", socket, new NetworkStream(socket, ownsSocket: true)), await _listener.AcceptSocketAsync());
    }
}
