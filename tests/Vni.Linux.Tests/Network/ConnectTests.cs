using System.Net;
using System.Net.Sockets;
using Vni.Actors.Snapshots;
using Vni.Actors;
using Vni.Interposer.Linux;
using Vni.Interposer.Network;
using Xunit;

namespace Vni.Linux.Tests.Network;

/// <summary>What stands in the instance's network namespace.</summary>
public sealed class ConnectTests
{
    [Fact]
    public void The_instance_has_its_address_its_mac_and_a_loopback_and_nothing_else()
    {
        using var node = new TestNode();
        using var instance = node.Connect();

        var links = instance.Links();
        Assert.Equal(["lo", "eth0"], links.Select(l => l.Name));
        Assert.All(links, link => Assert.True(link.Up));
        Assert.Equal(TestNode.Identity.Mac, string.Join(':', links[1].Address.Select(b => b.ToString("x2"))));
        Assert.Equal(TestNode.InstanceIndex, links[1].Index);
        Assert.Equal([TestNode.Identity.Ip, "127.0.0.1"], instance.Run(() => Addresses("/proc/thread-self/net/fib_trie")));
        Assert.DoesNotContain("eth0", instance.Run(() => File.ReadAllText("/proc/thread-self/net/if_inet6")));
        Assert.Contains("eth0\t00000000\t0100D90A", instance.Run(() => File.ReadAllText("/proc/thread-self/net/route")));
    }

    [Fact]
    public void Every_port_and_ping_are_for_everyone_in_the_instance()
    {
        using var node = new TestNode();
        using var instance = node.Connect();

        Assert.Equal("0", instance.Run(() => File.ReadAllText("/proc/sys/net/ipv4/ip_unprivileged_port_start")).Trim());
        // The test's user namespace maps one group; an instance's maps 65,536.
        Assert.Equal("0\t0", instance.Run(() => File.ReadAllText("/proc/sys/net/ipv4/ping_group_range")).Trim());
        Assert.Equal("1024", node.Namespace.Run(() => File.ReadAllText("/proc/sys/net/ipv4/ip_unprivileged_port_start")).Trim());
    }

    [Fact]
    public void Neighbours_are_read_and_given_to_the_next_namespace()
    {
        using var node = new TestNode();
        var client = new Neighbour(TestNode.ClientIp.ToString(), "02:00:0a:d9:00:09");
        using (var first = node.Connect())
        {
            using var listener = TestNode.Listen(first);
            node.Run(n => n.Plug(TestNode.Aid, TestNode.Identity));
            using var call = node.Call(SocketType.Stream);
            Assert.Equal(client, Assert.Single(node.Run(n => n.ReadNeighbours(first.Pid))));
        }

        using var second = node.Connect(client, new Neighbour("not an address", "02:00:0a:d9:00:09"));
        Assert.Equal(client, Assert.Single(node.Run(n => n.ReadNeighbours(second.Pid))));
    }

    [Fact]
    public void A_namespace_that_is_gone_is_said_to_be_gone_and_nothing_is_left()
    {
        using var node = new TestNode();
        var instance = new NetworkNamespace();
        var pid = instance.Pid;
        instance.Dispose();

        var refused = Assert.Throws<VniException>(() => node.Run(n => n.Connect(TestNode.Aid, TestNode.Identity, pid, [])));
        Assert.Contains("ENOENT", refused.Message);
        Assert.Empty(node.Run(n => n.FindPorts()));
    }

    [Fact]
    public void The_loopback_passes_only_marked_packets_while_it_is_locked()
    {
        using var node = new TestNode();
        using var instance = node.Connect();
        using var receiver = TestNode.Hear(instance);
        using var sender = instance.Open(SocketType.Dgram);
        sender.Connect(IPAddress.Loopback, TestNode.Port);
        using var marked = instance.Open(SocketType.Dgram);
        marked.SetRawSocketOption(1, 36, BitConverter.GetBytes(FrameFilters.CriuMark)); // SOL_SOCKET, SO_MARK
        marked.Connect(IPAddress.Loopback, TestNode.Port);
        var buffer = new byte[1];

        node.Run(n => n.LockLoopback(instance.Pid));
        node.Run(n => n.LockLoopback(instance.Pid));
        sender.Send([1]);
        marked.Send([2]);
        Assert.Equal(1, receiver.Receive(buffer));
        Assert.Equal(2, buffer[0]);

        node.Run(n => n.UnlockLoopback(instance.Pid));
        node.Run(n => n.UnlockLoopback(instance.Pid));
        sender.Send([3]);
        Assert.Equal(1, receiver.Receive(buffer));
        Assert.Equal(3, buffer[0]);
    }

    /// <summary>Local IPv4 addresses, from the kernel's routing table: lines <c>|-- ADDRESS</c> before <c>/32 host LOCAL</c>.</summary>
    private static List<string> Addresses(string table)
    {
        var lines = File.ReadAllLines(table);
        return lines.Index().Where(l => l.Item.Contains("/32 host LOCAL")).Select(l => lines[l.Index - 1].Split("-- ")[1])
            .Distinct().Order(StringComparer.Ordinal).ToList();
    }
}
