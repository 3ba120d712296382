using System.Net;
using Vni.Actors.Identity;
using Vni.Actors;
using Vni.Interposer.Linux;
using Vni.Interposer.Network;
using Vni.Interposer;
using Xunit;

namespace Vni.Linux.Tests.Network;

/// <summary>Ports as a daemon finds, replaces and removes them.</summary>
public sealed class PortLifeTests
{
    [Fact]
    public void Starting_twice_is_starting_once()
    {
        using var node = new TestNode();
        var before = node.Namespace.Find("vnitest0")!;
        node.Run(n => n.Start());
        var after = node.Namespace.Find("vnitest0")!;
        Assert.Equal((before.Index, "bridge", true), (after.Index, after.Kind, after.Up));
        Assert.Equal(VirtualIdentity.MacOf(TestNode.Gateway), string.Join(':', after.Address.Select(b => b.ToString("x2"))));
    }

    [Fact]
    public void A_bridge_must_be_a_bridge()
    {
        using var place = new NetworkNamespace();
        using var network = new NodeNetwork(new NetworkOptions { Bridge = "lo", Subnet = IPAddress.Parse("10.217.0.0"), PrefixLength = 24 });
        var refused = Assert.Throws<VniException>(() => place.Run(network.Start));
        Assert.Equal(ErrorCodes.NodeIncapable, refused.Code);
    }

    [Fact]
    public void A_bridge_that_was_there_is_used_and_keeps_its_mac_when_ports_come_and_go()
    {
        using var place = new NetworkNamespace();
        place.Run(() =>
        {
            using var ip = System.Diagnostics.Process.Start("ip", ["link", "add", "vnitest0", "type", "bridge"]);
            ip.WaitForExit();
        });
        var found = place.Find("vnitest0")!;
        using var network = new NodeNetwork(Options("vnitest0"));
        place.Run(() =>
        {
            network.Start();
            for (var i = 1; i < 9; i++) network.Park(Aid.Parse($"a{i}"), TestNode.IdentityOf($"10.217.0.1{i}")); // MACs are random.
        });
        var after = place.Find("vnitest0")!;
        Assert.Equal((found.Index, true), (after.Index, after.Up));
        Assert.Equal(found.Address, after.Address);
    }

    [Fact]
    public void Ports_are_found_by_a_daemon_that_did_not_make_them_and_not_by_one_of_another_bridge()
    {
        using var node = new TestNode();
        using var instance = node.Connect();
        var dormant = Aid.Parse("dormant");
        node.Run(n => n.Park(dormant, TestNode.IdentityOf("10.217.0.7")));

        using var second = new NodeNetwork(Options("vnitest0"));
        using var other = new NodeNetwork(Options("vnitest1"));
        Assert.Equal([TestNode.Aid.Value, "dormant"], node.Namespace.Run(() =>
        {
            second.Start();
            return second.FindPorts();
        }));
        Assert.Empty(node.Namespace.Run(() =>
        {
            other.Start();
            return other.FindPorts();
        }));
    }

    [Fact]
    public void A_new_daemon_plugs_and_parks_a_port_that_another_made()
    {
        using var node = new TestNode();
        using var instance = node.Connect();
        node.Run(n => n.Plug(TestNode.Aid, TestNode.Identity));
        node.Run(n => n.Park(TestNode.Aid, TestNode.Identity));
        node.Network.Dispose(); // The parked port goes with the process; the pair stays.

        using var second = new NodeNetwork(Options("vnitest0"));
        using var receiver = TestNode.Hear(instance);
        using var sender = node.Client.Open(System.Net.Sockets.SocketType.Dgram);
        node.Namespace.Run(() =>
        {
            second.Start();
            second.Park(TestNode.Aid, TestNode.Identity);
            sender.SendTo([1], new IPEndPoint(IPAddress.Parse(TestNode.Identity.Ip), TestNode.Port));
            second.Plug(TestNode.Aid, TestNode.Identity);
        });
        Assert.Equal(1, receiver.Receive(new byte[4]));
    }

    [Fact]
    public void Removing_leaves_nothing_and_may_be_repeated()
    {
        using var node = new TestNode();
        var before = node.Namespace.Links().Select(l => l.Name).ToList();
        using var instance = node.Connect();
        node.Run(n => n.Park(TestNode.Aid, TestNode.Identity));

        node.Run(n => n.Disconnect(TestNode.Aid));
        Assert.Equal([TestNode.Aid.Value], node.Run(n => n.FindPorts()));
        Assert.True(SpinWait.SpinUntil(() => instance.Links().Select(l => l.Name).SequenceEqual(["lo"]), TimeSpan.FromSeconds(30)));
        node.Run(n => n.Remove(TestNode.Aid));
        node.Run(n => n.Remove(TestNode.Aid));

        Assert.Empty(node.Run(n => n.FindPorts()));
        Assert.Equal(before, node.Namespace.Links().Select(l => l.Name));
    }

    [Fact]
    public void Connecting_again_replaces_what_an_earlier_life_left()
    {
        using var node = new TestNode();
        using var first = node.Connect();
        using var second = node.Connect();
        Assert.Equal(["lo"], first.Links().Select(l => l.Name));
        Assert.Equal(["lo", "eth0"], second.Links().Select(l => l.Name));
    }

    [Fact]
    public void Plugging_what_is_not_connected_fails_and_the_port_goes_on_holding()
    {
        using var node = new TestNode();
        node.Run(n => n.Park(TestNode.Aid, TestNode.Identity));
        Assert.Throws<VniException>(() => node.Run(n => n.Plug(TestNode.Aid, TestNode.Identity)));
        Assert.Equal([TestNode.Aid.Value], node.Run(n => n.FindPorts()));
    }

    [Fact]
    public void The_kernel_explains_what_it_refuses()
    {
        using var place = new NetworkNamespace();
        var refused = Assert.Throws<LinuxException>(() => place.Run(() =>
        {
            using var netlink = new NetlinkSocket();
            netlink.Execute(Rtnetlink.NewDefaultRoute(1, IPAddress.Parse("192.0.2.1")));
        }));
        Assert.Equal("RTM_NEWROUTE 'default via 192.0.2.1': ENETUNREACH (Network is unreachable): Nexthop has invalid gateway", refused.Message);
    }

    private static NetworkOptions Options(string bridge) => new()
    {
        Bridge = bridge, Subnet = IPAddress.Parse("10.217.0.0"), PrefixLength = 24, Gateway = TestNode.Gateway,
    };
}
