using System.Net;
using System.Net.Sockets;
using ARSoft.Tools.Net.Dns;
using Microsoft.Extensions.Logging.Abstractions;
using Vni.Actors;
using Vni.Actors.Names;
using Vni.Actors.Registry;
using Vni.Cluster.Names;
using Vni.Unit.Tests.Registry;
using Xunit;

namespace Vni.Unit.Tests.Names;

public sealed class NameServerTests
{
    private static readonly byte[] s_query = QueryEnvelopeTests.Query("shop.lab.example");

    [Fact]
    public async Task The_same_is_said_by_both_transports()
    {
        await using var server = await RunningServer.StartAsync();
        var datagram = await server.AskAsync(s_query);
        using var connection = await server.ConnectAsync();
        for (var i = 0; i < 3; i++) Assert.Equal(datagram, await RunningServer.AskAsync(connection, s_query));
        var message = DnsMessage.Parse(datagram);
        Assert.Equal("10.117.0.5", Assert.IsType<ARecord>(Assert.Single(message.AnswerRecords)).Address.ToString());
        Assert.True(message.IsAuthoritiveAnswer && !message.IsRecursionAllowed);
        Assert.Equal(5, message.AnswerRecords[0].TimeToLive);
    }

    [Fact]
    public async Task Extensions_are_answered_with_our_own_bounds_and_none_of_the_askers_options()
    {
        await using var server = await RunningServer.StartAsync();
        var answer = DnsMessage.Parse(await server.AskAsync(QueryEnvelopeTests.Query("shop.lab.example", 65535, [0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8])));
        Assert.Equal((1232, 0), (answer.EDnsOptions!.UdpPayloadSize, answer.EDnsOptions.Options.Count));
        var later = QueryEnvelopeTests.Query("shop.lab.example", 1232);
        later[^5] = 1; // Version 1 (RFC 6891, section 6.1.3).
        Assert.Equal(ReturnCode.BadVersion, DnsMessage.Parse(await server.AskAsync(later)).ReturnCode);
    }

    [Fact]
    public async Task What_is_not_a_good_query_is_answered_shortly_or_not_at_all()
    {
        await using var server = await RunningServer.StartAsync();
        using var connection = await server.ConnectAsync();
        byte[] malformed = [.. s_query, 0], update = [.. s_query];
        update[2] |= 5 << 3;
        foreach (var (packet, code) in new[] { (malformed, 1), (update, 4) })
        {
            foreach (var answer in new[] { await server.AskAsync(packet), (await RunningServer.AskAsync(connection, packet))! })
            {
                Assert.Equal(12, answer.Length);
                Assert.Equal((s_query[0], code), (answer[0], answer[3] & 0x0f));
            }
        }

        byte[] response = [.. s_query];
        response[2] |= 0x80;
        await server.SendAsync(response);
        Assert.Null(await RunningServer.AskAsync(connection, response));
    }

    [Fact]
    public async Task Bytes_that_no_hostname_has_are_repeated_as_they_are()
    {
        await using var server = await RunningServer.StartAsync();
        foreach (var (name, code) in new[] { ("shXp.lab.example", 3), ("shXp.example", 5) })
        {
            var query = QueryEnvelopeTests.Query(name);
            query[Array.IndexOf(query, (byte)'X')] = 0xff;
            var answer = await server.AskAsync(query);
            Assert.Equal(code, answer[3] & 0x0f);
            Assert.Equal(query[12..], answer[12..]);
        }
    }

    /// <summary>Whatever comes, the next one is served.</summary>
    [Fact]
    public async Task Garbage_does_not_stop_it()
    {
        await using var server = await RunningServer.StartAsync();
        var random = new Random(7);
        for (var i = 0; i < 3000; i++)
        {
            var packet = (i % 2 == 0 ? s_query : QueryEnvelopeTests.Query("5.0.117.10.in-addr.arpa", 4096)).ToArray();
            for (var n = random.Next(1, 6); n > 0; n--) packet[random.Next(packet.Length)] = (byte)random.Next(256);
            await server.SendAsync(packet[..random.Next(packet.Length + 1)]);
        }

        Assert.Equal(0, (await server.AskAsync(s_query))[3] & 0x0f);
        for (var i = 0; i < 20; i++)
        {
            using var connection = await server.ConnectAsync();
            await RunningServer.AskAsync(connection, [.. Enumerable.Range(0, random.Next(1, 2000)).Select(_ => (byte)(random.Next(256) | (i % 2 == 0 ? 0 : 0x80)))]).WaitAsync(TimeSpan.FromSeconds(30));
        }

        Assert.Equal(0, (await server.AskAsync(s_query))[3] & 0x0f);
    }

    [Fact]
    public async Task One_address_may_hold_sixteen_connections_and_leaves_room_when_they_go()
    {
        await using var server = await RunningServer.StartAsync();
        var held = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => server.ConnectAsync()));
        foreach (var connection in held) Assert.NotNull(await RunningServer.AskAsync(connection, s_query));
        using (var more = await server.ConnectAsync()) Assert.Null(await RunningServer.AskAsync(more, s_query));
        held[0].Dispose();
        while (true)
        {
            using var again = await server.ConnectAsync();
            if (await RunningServer.AskAsync(again, s_query) is not null) break;
        }
    }

    /// <summary>ARSoft.Tools.Net 3.6.1 disposes of a connection when it answers faster than it comes to wait for the next query.</summary>
    [Fact]
    public async Task A_connection_is_open_until_its_client_goes_whatever_the_library_does()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(listener.LocalEndPoint!);
        var (intake, end, closed) = (new QueryIntake(new ZoneAnswers(Zone.Settings), new Forwarder([], [], TimeProvider.System)), (IPEndPoint)client.LocalEndPoint!, 0);
        var connection = new TcpConnection(null!, await listener.AcceptAsync(), end, end, intake, TimeProvider.System, () => closed++);
        connection.Dispose();
        Assert.True(connection.CanRead);
        await client.SendAsync((byte[])[0, (byte)s_query.Length, .. s_query]);
        Assert.Equal(s_query, (await connection.ReceiveAsync())!.ToArraySegment(includeLengthHeader: false).ToArray());
        client.Shutdown(SocketShutdown.Send);
        Assert.True(await connection.SendAsync(new DnsRawPackage([0, (byte)s_query.Length, .. s_query])));
        Assert.Null(await connection.ReceiveAsync());
        Assert.Equal((false, 1), (connection.CanRead, closed));
    }

    [Fact]
    public async Task A_connection_on_which_nothing_happens_is_closed()
    {
        await using var server = await RunningServer.StartAsync();
        using var silent = await server.ConnectAsync();
        Assert.NotNull(await RunningServer.AskAsync(silent, s_query));
        await silent.SendAsync(new byte[] { 0 }); // Half of a length.
        var end = silent.ReceiveAsync(new byte[1]);
        while (!end.IsCompleted)
        {
            server.Time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        // A reset says the same: the half of a length may not have been read yet.
        if (await Record.ExceptionAsync(() => end) is { } reset) Assert.Equal(SocketError.ConnectionReset, Assert.IsType<SocketException>(reset).SocketErrorCode);
        else Assert.Equal(0, await end);
    }

    [Fact]
    public async Task Until_the_registry_has_been_read_nothing_is_said_not_to_exist()
    {
        await using var store = new TemporaryStore();
        var endPoint = new IPEndPoint(IPAddress.Loopback, RunningServer.FreePort());
        var registry = new FrozenRegistry(store.Open());
        await using var server = NameServer.Start([endPoint], new NameServerOptions(), Zone.Settings, registry, new RegistryKeys("lab"), store.Time, NullLogger.Instance);
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        await socket.ConnectAsync(endPoint);
        await socket.SendAsync(s_query);
        var answer = new byte[512];
        Assert.True(await socket.ReceiveAsync(answer) > 12);
        Assert.Equal(2, answer[3] & 0x0f);
    }

    [Fact]
    public async Task An_address_that_is_taken_is_refused_by_name()
    {
        await using var first = await RunningServer.StartAsync();
        await using var store = new TemporaryStore();
        var refused = Assert.Throws<VniException>(() => NameServer.Start([first.EndPoint], new NameServerOptions(), Zone.Settings, store.Open(), new RegistryKeys("lab"), store.Time, NullLogger.Instance));
        Assert.Equal(ErrorCodes.Conflict, refused.Code);
        Assert.StartsWith($"cannot answer names at {first.EndPoint}: ", refused.Message);
    }

    /// <summary>A registry that does not answer.</summary>
    private sealed class FrozenRegistry(IRegistry inner) : IRegistry
    {
        public Task<RangeResult> RangeAsync(KeyRange range, CancellationToken cancellationToken) => new TaskCompletionSource<RangeResult>().Task.WaitAsync(cancellationToken);

        public Task<TransactionResult> TransactAsync(Transaction transaction, CancellationToken cancellationToken) => inner.TransactAsync(transaction, cancellationToken);

        public Task<Lease> GrantLeaseAsync(TimeSpan timeToLive, CancellationToken cancellationToken) => inner.GrantLeaseAsync(timeToLive, cancellationToken);

        public Task<Lease?> KeepAliveAsync(long leaseId, CancellationToken cancellationToken) => inner.KeepAliveAsync(leaseId, cancellationToken);

        public Task RevokeLeaseAsync(long leaseId, CancellationToken cancellationToken) => inner.RevokeLeaseAsync(leaseId, cancellationToken);

        public Task<Lease?> GetLeaseAsync(long leaseId, CancellationToken cancellationToken) => inner.GetLeaseAsync(leaseId, cancellationToken);

        public IAsyncEnumerable<WatchBatch> WatchAsync(KeyRange range, long fromRevision, CancellationToken cancellationToken) => inner.WatchAsync(range, fromRevision, cancellationToken);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
