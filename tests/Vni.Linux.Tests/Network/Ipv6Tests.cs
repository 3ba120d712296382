using System.Net;
using System.Net.Sockets;
using Vni.Actors.Identity;
using Vni.Actors.Snapshots;
using Vni.Interposer.Linux;
using Vni.Interposer.Network;
using Xunit;

namespace Vni.Linux.Tests.Network;

/// <summary>An instance that has an IPv6 address, too: its namespace, its port, and what it can get onto the bridge.</summary>
public sealed class Ipv6Tests
{
    private static readonly IPAddress Gateway6 = IPAddress.Parse("fd00:217::1"), Client6 = IPAddress.Parse("fd00:217::9"), Own6 = IPAddress.Parse("fd00:217::5");
    private static readonly VirtualIdentity Identity = TestNode.Identity with { Ip6 = Own6.ToString(), PrefixLength6 = 64 };
    private static readonly byte[] Mac = new PortAddress(Identity).Mac, OtherMac = [0x02, 0x00, 0x0a, 0xd9, 0x00, 0x06];
    private static readonly byte[] Own = Own6.GetAddressBytes(), Other = IPAddress.Parse("fd00:217::6").GetAddressBytes();

    [Fact]
    public void The_instance_has_its_own_address_at_once_and_no_other()
    {
        using var node = NewNode();
        using var instance = node.Connect(Identity);
        var addresses = instance.Run(() => File.ReadAllLines("/proc/thread-self/net/if_inet6")).Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries)).ToList();
        Assert.Equal(["00000000000000000000000000000001 lo", "fd000217000000000000000000000005 eth0"], addresses.Select(a => $"{a[0]} {a[5]}").Order(StringComparer.Ordinal));
        Assert.DoesNotContain(addresses, a => (Convert.ToInt32(a[4], 16) & 0x40) != 0); // IFA_F_TENTATIVE.
        Assert.Contains("00000000000000000000000000000000 00 00000000000000000000000000000000 00 fd000217000000000000000000000001", instance.Run(() => File.ReadAllText("/proc/thread-self/net/ipv6_route")));
    }

    [Fact]
    public void A_client_and_the_node_reach_a_dual_stack_listener_over_both()
    {
        using var node = NewNode();
        using var instance = node.Connect(Identity);
        node.Run(n => n.Plug(TestNode.Aid, Identity));
        using var listener = instance.Run(() => new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp) { DualMode = true });
        listener.Bind(new IPEndPoint(IPAddress.IPv6Any, TestNode.Port));
        listener.Listen();
        foreach (var (from, to, seen) in new[] { (node.Client, Own6, Client6.ToString()), (node.Client, IPAddress.Parse(Identity.Ip), "::ffff:" + TestNode.ClientIp), (node.Namespace, Own6, Gateway6.ToString()) })
        {
            using var call = Open(from, to.AddressFamily, SocketType.Stream);
            call.Connect(to, TestNode.Port);
            using var accepted = listener.Accept();
            Assert.Equal(seen, ((IPEndPoint)accepted.RemoteEndPoint!).Address.ToString());
        }
    }

    [Fact]
    public void Neighbours_of_both_kinds_are_read_and_given_to_the_next_namespace()
    {
        using var node = NewNode();
        Neighbour[] known = [new(TestNode.ClientIp.ToString(), "02:00:0a:d9:00:09"), new(Client6.ToString(), "02:00:0a:d9:00:09")];
        using var instance = node.Connect(Identity, known);
        Assert.Equal(known, node.Run(n => n.ReadNeighbours(instance.Pid)).OrderBy(n => n.Ip, StringComparer.Ordinal));
        using var without = node.Connect(TestNode.Identity, known);
        Assert.Equal(known[..1], node.Run(n => n.ReadNeighbours(without.Pid)));
    }

    [Fact]
    public async Task A_call_to_a_dormant_instance_is_answered_when_it_is_back()
    {
        using var node = NewNode();
        node.Run(n => n.Park(TestNode.Aid, Identity));
        using var caller = Open(node.Client, AddressFamily.InterNetworkV6, SocketType.Stream);
        var calling = Task.Run(() => caller.Connect(Own6, TestNode.Port)); // A solicitation comes first.

        using var instance = node.Connect(Identity);
        using var listener = instance.Run(() => new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 10_000 });
        listener.Bind(new IPEndPoint(IPAddress.IPv6Any, TestNode.Port));
        listener.Listen();
        node.Run(n => n.Plug(TestNode.Aid, Identity));
        using var accepted = listener.Accept();
        await calling;
        Assert.Equal(Client6, ((IPEndPoint)accepted.RemoteEndPoint!).Address);
    }

    [Fact]
    public void A_parked_port_holds_solicitations_for_its_address_alone()
    {
        using var node = NewNode();
        using var packets = node.Client.Run(() => new LinkPacket());
        node.Run(n => n.Park(TestNode.Aid, Identity));
        foreach (var target in new[] { Other, Own, Other }) packets.Send(TestNode.ClientIndex, Message(Client6.GetAddressBytes(), OtherMac, 135, target, [1, 1, .. OtherMac]));
        var held = Assert.Single(node.Run(n => n.TakeHeld(TestNode.Aid)));
        Assert.Equal(Own, held.Span[62..78].ToArray());
    }

    [Fact]
    public void Neighbours_that_know_another_mac_learn_of_the_announced_one()
    {
        using var node = NewNode();
        using var instance = node.Connect(Identity);
        node.Client.Run(() =>
        {
            using var netlink = new NetlinkSocket();
            netlink.Execute(Rtnetlink.NewNeighbour(TestNode.ClientIndex, Own6, OtherMac));
        });
        node.Run(n => n.Plug(TestNode.Aid, Identity));
        using var receiver = Open(instance, AddressFamily.InterNetworkV6, SocketType.Dgram);
        receiver.Bind(new IPEndPoint(IPAddress.IPv6Any, TestNode.Port));
        using var sender = Open(node.Client, AddressFamily.InterNetworkV6, SocketType.Dgram);
        sender.SendTo([7], new IPEndPoint(Own6, TestNode.Port));
        Assert.Equal(1, receiver.Receive(new byte[1]));
    }

    [Fact]
    public void Only_what_is_its_own_leaves_the_instance()
    {
        byte[] udp = [0x1b, 0x58, 0x1b, 0x58, 0, 8, 0, 0], echo = [128, 0, 0, 0, 0, 1, 0, 1], gone = [1, 4, 0, 0, 0, 0, 0, 0];
        Dictionary<string, byte[]> refused = new()
        {
            ["another address"] = Packet(Mac, Other, 17, udp),
            ["another MAC"] = Packet(OtherMac, Own, 17, udp),
            ["no address"] = Packet(Mac, new byte[16], 58, echo),
            ["an advertisement of another address"] = Message(Own, Mac, 136, Other, [2, 1, .. Mac]),
            ["an advertisement of another MAC"] = Message(Own, Mac, 136, Own, [2, 1, .. OtherMac]),
            ["an advertisement with two options"] = Message(Own, Mac, 136, Own, [2, 1, .. Mac, 2, 1, .. OtherMac]),
            ["an advertisement whose option is longer"] = Message(Own, Mac, 136, Own, [2, 2, .. Mac, 0, 0, 0, 0, 0, 0, 0, 0]),
            ["an advertisement that is cut"] = Message(Own, Mac, 136, Own, [])[..77],
            ["a solicitation with another MAC"] = Message(Own, Mac, 135, Other, [1, 1, .. OtherMac]),
            ["a solicitation with another option"] = Message(Own, Mac, 135, Other, [2, 1, .. Mac]),
            ["a router's advertisement"] = Packet(Mac, Own, 58, [134, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0]),
            ["a router's solicitation"] = Packet(Mac, Own, 58, [133, 0, 0, 0, 0, 0, 0, 0]),
            ["a redirect"] = Message(Own, Mac, 137, Own, Other),
            ["a listener report"] = Packet(Mac, Own, 58, [143, 0, 0, 0, 0, 0, 0, 0]),
            ["an advertisement after options"] = Packet(Mac, Own, 0, [58, 0, 1, 4, 0, 0, 0, 0, .. Message(Own, Mac, 136, Other, [])[54..]]),
            ["an advertisement after a routing header"] = Packet(Mac, Own, 43, [58, 0, 0, 0, 0, 0, 0, 0, .. Message(Own, Mac, 136, Other, [])[54..]]),
            ["an advertisement after options for the destination"] = Packet(Mac, Own, 60, [58, 0, 1, 4, 0, 0, 0, 0, .. Message(Own, Mac, 136, Other, [])[54..]]),
            ["an advertisement in a fragment"] = Packet(Mac, Own, 44, [58, 0, 0, 0, 0, 0, 0, 1, .. Message(Own, Mac, 136, Other, [])[54..]]),
            ["options in a fragment"] = Packet(Mac, Own, 44, [60, 0, 0, 0, 0, 0, 0, 1, 58, 0, 1, 4, 0, 0, 0, 0]),
            ["an unknown protocol"] = Packet(Mac, Own, 59, []),
            ["a tunnel"] = Packet(Mac, Own, 41, Packet(Mac, Other, 17, udp)[14..]),
            ["a frame without a whole header"] = Packet(Mac, Own, 17, udp)[..53],
        };
        Dictionary<string, byte[]> passed = new()
        {
            ["UDP"] = Packet(Mac, Own, 17, udp),
            ["TCP"] = Packet(Mac, Own, 6, new byte[20]),
            ["a fragment of UDP"] = Packet(Mac, Own, 44, [17, 0, 0, 1, 0, 0, 0, 1, .. udp]),
            ["an echo"] = Packet(Mac, Own, 58, echo),
            ["an error"] = Packet(Mac, Own, 58, gone),
            ["an advertisement"] = Message(Own, Mac, 136, Own, [2, 1, .. Mac]),
            ["an advertisement without a MAC"] = Message(Own, Mac, 136, Own, []),
            ["a solicitation"] = Message(Own, Mac, 135, Other, [1, 1, .. Mac]),
        };

        using var node = NewNode();
        using var instance = node.Connect(Identity);
        node.Run(n => n.Plug(TestNode.Aid, Identity));
        List<KeyValuePair<string, byte[]>> frames = [.. refused, .. passed];
        using var ears = node.Client.Listen();
        using var packets = instance.Run(() => new LinkPacket());
        for (var i = 0; i < frames.Count; i++)
        {
            byte[] numbered = [.. frames[i].Value];
            ((ReadOnlySpan<byte>)[0x03, 0, 0, 0, 0, (byte)i]).CopyTo(numbered); // The destination, a group address, says which frame it is.
            packets.Send(TestNode.InstanceIndex, numbered);
        }

        Assert.Equal(passed.Keys, Arrivals(ears, frames));
    }

    [Fact]
    public void Without_an_ipv6_address_none_of_it_leaves_the_instance()
    {
        using var node = NewNode();
        using var instance = node.Connect(TestNode.Identity);
        node.Run(n => n.Plug(TestNode.Aid, TestNode.Identity));
        Assert.DoesNotContain("eth0", instance.Run(() => File.ReadAllText("/proc/thread-self/net/if_inet6")));
        using var ears = node.Client.Listen();
        using var packets = instance.Run(() => new LinkPacket());
        List<KeyValuePair<string, byte[]>> frames =
        [
            new("IPv6", Packet(Mac, Own, 17, [0x1b, 0x58, 0x1b, 0x58, 0, 8, 0, 0])),
            new("ARP", [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, .. Mac, 0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1, .. Mac, 10, 217, 0, 5, 0, 0, 0, 0, 0, 0, 10, 217, 0, 9]),
        ];
        for (var i = 0; i < frames.Count; i++)
        {
            ((ReadOnlySpan<byte>)[0x03, 0, 0, 0, 0, (byte)i]).CopyTo(frames[i].Value);
            packets.Send(TestNode.InstanceIndex, frames[i].Value);
        }

        Assert.Equal(["ARP"], Arrivals(ears, frames));
    }

    private static TestNode NewNode()
    {
        var node = new TestNode(new NetworkAddresses6(IPNetwork.Parse("fd00:217::/64"), Gateway6, Client6));
        return node;
    }

    private static Socket Open(NetworkNamespace at, AddressFamily family, SocketType type) =>
        at.Run(() => new Socket(family, type, ProtocolType.Unspecified) { ReceiveTimeout = 10_000, SendTimeout = 10_000 });

    private static List<string> Arrivals(RawSocket ears, List<KeyValuePair<string, byte[]>> frames)
    {
        var arrived = new List<string>();
        var buffer = new byte[2048];
        while (true)
        {
            var length = ears.Receive(buffer);
            if (buffer[0] != 0x03 || length < 14) continue;
            arrived.Add(frames[buffer[5]].Key);
            if (buffer[5] == frames.Count - 1) return arrived;
        }
    }

    private static byte[] Message(byte[] from, byte[] mac, byte type, byte[] target, byte[] options) => Packet(mac, from, 58, [type, 0, 0, 0, 0, 0, 0, 0, .. target, .. options]);

    private static byte[] Packet(byte[] mac, byte[] from, byte protocol, byte[] rest) =>
        [0x33, 0x33, 0xff, 0, 0, 5, .. mac, 0x86, 0xdd, 0x60, 0, 0, 0, (byte)(rest.Length >> 8), (byte)rest.Length, protocol, 255, .. from, .. Client6.GetAddressBytes(), .. rest];
}
