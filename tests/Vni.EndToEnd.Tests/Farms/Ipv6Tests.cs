using System.Net;
using System.Net.Sockets;
using System.Text;
using Vni.EndToEnd.Tests.Farming;

namespace Vni.EndToEnd.Tests.Farms;

/// <summary>A farm whose applications have IPv6 addresses, too.</summary>
public sealed class Ipv6Fixture : IAsyncLifetime
{
    private FarmUp? _farm;

    internal FarmUp Farm => _farm!;

    public async Task InitializeAsync() => _farm = await FarmUp.MakeAsync("--nodes", "2", "--ipv6");

    public async Task DisposeAsync() => await (_farm?.DisposeAsync() ?? ValueTask.CompletedTask);
}

/// <summary>IPv6 addresses do all that IPv4 addresses do.</summary>
public sealed class Ipv6Tests(Ipv6Fixture fixture) : IClassFixture<Ipv6Fixture>, IAsyncLifetime
{
    private const string Client6 = "fd00:117::200";

    private FarmUp Farm => fixture.Farm;

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await Farm.RemoveAllAsync();
        await Farm.AssertNothingLeftAsync();
    }

    [Fact]
    public async Task A_dual_stack_server_keeps_its_connections_of_both_kinds_through_migrations_a_snapshot_and_a_restore()
    {
        var application = await Farm.RunAsync("n1", "sequence", App("sequence"), "7000", "both");
        var (ip, ip6) = (application.Text("ip"), application.Text("ip6"));
        Assert.Equal("fd00:117::1:" + Convert.ToHexStringLower(IPAddress.Parse(ip).GetAddressBytes()[2..]).TrimStart('0'), ip6);
        await using var six = await ClientsOrderedLoad.ConnectAsync(Farm.Client, ip6, 7000, n => $"line {n}", n => $"{n} line {n}", window: 200);
        await using var four = await ClientsOrderedLoad.ConnectAsync(Farm.Client, ip, 7000, n => $"line {n}", n => $"{n} line {n}", window: 20);
        await using (var datagrams = await ClientsOrderedLoad.DatagramsAsync(Farm.Client, ip6, 7000, n => $"datagram {n}", n => $"{n} datagram {n}", TimeSpan.FromMilliseconds(20)))
        {
            foreach (var node in new[] { "n1", "n2", "n1", "n2" })
            {
                await Farm.MigrateUnlessThereAsync("sequence", node);
                await Task.WhenAll(six.AdvanceAsync(200), four.AdvanceAsync(), datagrams.AdvanceAsync());
            }

            await datagrams.FinishAsync();
        }

        await Farm.VniAsync("n2", "snapshot", "sequence");
        await Farm.VniAsync("n2", "restore", "sequence");
        await Task.WhenAll(six.AdvanceAsync(200), four.AdvanceAsync());
        await six.FinishAsync();
        await four.FinishAsync();

        // A client that asks for the address while nobody is there is answered by who comes back.
        await Farm.VniAsync("n2", "snapshot", "sequence");
        await Farm.Client.IpAsync("-6 neigh flush dev eth0");
        var late = Farm.Client.ConnectAsync(ip6, 7000);
        await Farm.VniAsync("n2", "restore", "sequence");
        (await late).Dispose();
    }

    [Fact]
    public async Task A_connection_that_the_application_has_made_survives()
    {
        using var listener = await Farm.Client.RunAsync(() =>
        {
            var made = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp);
            made.Bind(new IPEndPoint(IPAddress.Parse(Client6), 7000));
            made.Listen();
            return made;
        });
        var accepting = listener.AcceptAsync();
        var application = await Farm.RunAsync("n1", "caller", "/usr/bin/python3", App("caller.py"), Client6, "7000");
        using var socket = await accepting;
        Assert.Equal(application.Text("ip6"), ((IPEndPoint)socket.RemoteEndPoint!).Address.ToString());
        var served = ServeAsync(socket);
        await using var client = await LineClient.ConnectAsync(Farm.Client, application.Text("ip"));
        foreach (var node in new[] { "n1", "n2", "n1" })
        {
            await Farm.MigrateUnlessThereAsync("caller", node);
            var goal = long.Parse(await client.AskAsync("?")) + 50;
            await Eventually.GetAsync($"answer {goal}", async () => long.Parse(await client.AskAsync("?")), done => done >= goal);
        }

        Assert.False(served.IsCompleted, "the connection was closed");
    }

    [Fact]
    public async Task An_address_belongs_to_one_application_which_may_also_do_without()
    {
        const string Bind = """
            import socket, sys, time
            bound = []
            for address in sys.argv[1:]:
                s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
                s.setsockopt(socket.IPPROTO_IPV6, 78, 1)
                try: s.bind((address, 0)); bound.append(address)
                except PermissionError: pass
            print("bound", *bound, flush=True)
            time.sleep(1000)
            """;
        var given = await Farm.VniJsonAsync("n1", "run", "--name", "first", "--ip6", "FD00:117::1:abcd", "--", "/bin/sleep", "1000");
        Assert.Equal("fd00:117::1:abcd", given.Text("ip6"));
        Assert.Contains("is held by application first", await Farm.RefusedAsync("n2", "address_in_use", "run", "--ip6", "fd00:117::1:abcd", "--", "/bin/sleep", "1000"));
        await Farm.RefusedAsync("n2", "address_out_of_range", "run", "--ip6", "fd00:118::1", "--", "/bin/sleep", "1000");
        await Farm.RefusedAsync("n2", "invalid_argument", "run", "--ip6", "10.117.1.5", "--", "/bin/sleep", "1000");

        var second = await Farm.VniJsonAsync("n1", "run", "--name", "second", "--ip6", "fd00:117::1:abce", "--", "/usr/bin/python3", "-c", Bind, "fd00:117::1:abcd", "fd00:117::200", "::", "fd00:117::1:abce");
        Assert.EndsWith("bound :: fd00:117::1:abce", (await Eventually.GetAsync("its attempts", () => Farm.VniAsync("n1", "logs", "second"), log => log.Contains("bound", StringComparison.Ordinal))).TrimEnd(), StringComparison.Ordinal);
        Assert.Contains(second.Text("ip6"), await Farm.VniAsync("n1", "exec", "second", "--", "/bin/sh", "-c", "getent ahosts $(hostname)"));

        Assert.Equal(System.Text.Json.JsonValueKind.Null, (await Farm.VniJsonAsync("n1", "run", "--name", "none", "--ip6", "none", "--", "/bin/sleep", "1000")).GetProperty("ip6").ValueKind);
        Assert.DoesNotContain("eth0", await Farm.VniAsync("n1", "exec", "none", "--", "/bin/cat", "/proc/net/if_inet6"));
        Assert.Contains("IPV6", await Farm.VniAsync("n1", "ps"));
    }

    private string App(string name) => Path.Combine(Farm.Apps, name);

    /// <summary>Answers lines as <c>sequence</c> does, until the connection ends.</summary>
    private static async Task ServeAsync(Socket socket)
    {
        await using var stream = new NetworkStream(socket);
        using var reader = new StreamReader(stream, Encoding.ASCII);
        for (var number = 1; await reader.ReadLineAsync() is { } line; number++) await stream.WriteAsync(Encoding.ASCII.GetBytes($"{number} {line}\n"));
    }
}
