using System.Net;
using System.Net.Sockets;
using Vni.EndToEnd.Tests.Farming;

namespace Vni.EndToEnd.Tests;

/// <summary>Address, MAC and hostname belong to the instance, and to nobody else [D1, D2, D4 to D9].</summary>
public sealed class IdentityTests(FarmFixture fixture) : FarmTests(fixture)
{
    [Fact]
    public async Task Without_a_wish_address_and_hostname_come_from_the_range()
    {
        var first = await Farm.VniJsonAsync("run", "--name", "first", "--", App("static"));
        var second = await Farm.VniJsonAsync("run", "--name", "second", "--", App("static"));
        Assert.NotEqual(first.Text("ip"), second.Text("ip"));
        foreach (var view in new[] { first, second })
        {
            var ip = IPAddress.Parse(view.Text("ip"));
            Assert.True(IPNetwork.Parse("10.117.0.0/16").Contains(ip));
            Assert.Equal("vni-" + ip.ToString().Replace('.', '-'), view.Text("hostname"));
            Assert.Equal($"02:00:{string.Join(':', ip.GetAddressBytes().Select(b => b.ToString("x2", null)))}", view.Text("mac"));
        }
    }

    [Fact]
    public async Task Without_a_name_one_is_made_and_it_is_unique()
    {
        var first = await Farm.VniJsonAsync("run", "--", App("static"));
        var second = await Farm.VniJsonAsync("run", "--", App("static"));
        Assert.NotEqual(first.Text("aid"), second.Text("aid"));
    }

    [Fact]
    public async Task Every_way_of_asking_inside_gives_the_virtual_hostname_and_address()
    {
        await Farm.VniAsync("run", "--name", "asked", "--ip", "10.117.9.9", "--hostname", "asked-host", "--", App("static"));
        foreach (var way in new[] { "hostname", "uname -n", "cat /proc/sys/kernel/hostname", "cat /etc/hostname", "/usr/bin/python3 -c 'import socket; print(socket.gethostname())'" })
        {
            Assert.Equal("asked-host\n", await Farm.VniAsync("exec", "asked", "--", "/bin/sh", "-c", way));
        }

        Assert.Contains("10.117.9.9", await Farm.VniAsync("exec", "asked", "--", "getent", "ahosts", "asked-host"), StringComparison.Ordinal);
        Assert.Equal("10.117.9.9", (await Farm.VniAsync("exec", "asked", "--", "hostname", "-I")).Trim());
    }

    [Fact]
    public async Task A_wildcard_listener_answers_on_the_virtual_address_alone()
    {
        await Farm.VniAsync("run", "--name", "wild", "--ip", "10.117.9.1", "--", App("static"));
        await Farm.VniAsync("run", "--name", "other", "--ip", "10.117.9.2", "--", "/bin/sleep", "1000");
        await using var client = await LineClient.ConnectAsync(Farm.Client, "10.117.9.1");
        Assert.Equal(1, await client.CountAsync());
        foreach (var elsewhere in new[] { "10.117.9.2", Farm.Gateway })
        {
            var refusal = await Assert.ThrowsAsync<SocketException>(() => Farm.Client.ConnectAsync(elsewhere, 7000));
            Assert.Equal(SocketError.ConnectionRefused, refusal.SocketErrorCode);
        }

        await Assert.ThrowsAsync<SocketException>(() => Farm.Node.ConnectAsync("127.0.0.1", 7000));
    }

    [Fact]
    public async Task Localhost_is_private_to_the_instance()
    {
        await Farm.RunAsync("mine", App("static"));
        await Farm.RunAsync("yours", "/bin/sleep", "1000");
        const string Connect = "import socket; socket.create_connection(('127.0.0.1', 7000)); print('connected')";
        Assert.Equal("connected\n", await Farm.VniAsync("exec", "mine", "--", "/usr/bin/python3", "-c", Connect));
        Assert.Contains("ConnectionRefusedError", (await Farm.TryVniAsync("exec", "yours", "--", "/usr/bin/python3", "-c", Connect)).Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(SocketType.Stream, ProtocolType.Tcp)]
    [InlineData(SocketType.Dgram, ProtocolType.Udp)]
    public async Task What_goes_out_comes_from_the_virtual_address(SocketType type, ProtocolType protocol)
    {
        await Farm.VniAsync("run", "--name", "sender", "--ip", "10.117.9.3", "--", "/bin/sleep", "1000");
        using var listener = await Farm.Client.RunAsync(() => new Socket(AddressFamily.InterNetwork, type, protocol));
        listener.Bind(new IPEndPoint(IPAddress.Any, 7777));
        if (type == SocketType.Stream) listener.Listen();
        var kind = type == SocketType.Stream ? "SOCK_STREAM" : "SOCK_DGRAM";
        var sent = Farm.VniAsync("exec", "sender", "--", "/usr/bin/python3", "-c",
            $"import socket; s=socket.socket(socket.AF_INET, socket.{kind}); s.connect(('{Farm.ClientIp}', 7777)); s.send(b'x')");
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        EndPoint seen;
        if (type == SocketType.Stream)
        {
            using var accepted = await listener.AcceptAsync(limit.Token);
            seen = accepted.RemoteEndPoint!;
        }
        else
        {
            seen = (await listener.ReceiveFromAsync(new byte[16], new IPEndPoint(IPAddress.Any, 0), limit.Token)).RemoteEndPoint;
        }

        await sent;
        Assert.Equal("10.117.9.3", ((IPEndPoint)seen).Address.ToString());
    }

    [Fact]
    public async Task Each_conflict_is_refused_and_names_the_holder()
    {
        await Farm.VniAsync("run", "--name", "holder", "--ip", "10.117.9.4", "--hostname", "held", "--", App("static"));
        var name = await Farm.RefusedAsync("name_in_use", "run", "--name", "holder", "--", App("static"));
        var address = await Farm.RefusedAsync("address_in_use", "run", "--name", "thief", "--ip", "10.117.9.4", "--", App("static"));
        var hostname = await Farm.RefusedAsync("hostname_in_use", "run", "--name", "thief", "--hostname", "held", "--", App("static"));
        Assert.All([name, address, hostname], sentence => Assert.Contains("holder", sentence, StringComparison.Ordinal));
        await Farm.RefusedAsync("not_found", "inspect", "thief");
    }

    [Fact]
    public async Task Stopped_and_dormant_applications_keep_their_identity()
    {
        foreach (var (aid, ip, command) in new[] { ("asleep", "10.117.9.5", "snapshot"), ("halted", "10.117.9.6", "stop") })
        {
            await Farm.VniAsync("run", "--name", aid, "--ip", ip, "--", App("static"));
            await Farm.VniAsync(command, aid);
            Assert.Contains(aid, await Farm.RefusedAsync("address_in_use", "run", "--name", "thief", "--ip", ip, "--", App("static")), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_removed_application_leaves_its_identity_to_others()
    {
        string[] run = ["run", "--name", "first", "--ip", "10.117.9.7", "--hostname", "inherited", "--", App("static")];
        await Farm.VniAsync(run);
        await Farm.VniAsync("rm", "--force", "first");
        run[2] = "second";
        await Farm.VniAsync(run);
        await using var client = await LineClient.ConnectAsync(Farm.Client, "10.117.9.7");
        Assert.Equal(1, await client.CountAsync());
    }

    [Fact]
    public async Task Two_that_want_the_same_address_at_once_do_not_both_get_it()
    {
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 6).Select(n => Farm.TryVniAsync("run", "--name", $"racer-{n}", "--ip", "10.117.9.8", "--", App("static"))));
        Assert.Single(outcomes, o => o.Status == 0);
        Assert.All(outcomes.Where(o => o.Status != 0), o => Assert.Contains("address_in_use", o.Error, StringComparison.Ordinal));
        Assert.Single((await Farm.VniJsonAsync("ps")).EnumerateArray());
    }
}
