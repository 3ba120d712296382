using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Vni.Actors;
using Vni.Actors.Identity;
using Vni.Interposer;
using Vni.Interposer.Linux;
using Vni.Interposer.Network;
using Vni.Linux.Tests.Checkpoint;
using Xunit;

namespace Vni.Linux.Tests.Network;

/// <summary>Two nodes whose bridges are joined by a switch.</summary>
public sealed class UplinkTests : IDisposable
{
    private const int Port = 7000;
    private static readonly Aid Moving = Aid.Parse("moving"), Peer = Aid.Parse("peer"), Far = Aid.Parse("far");
    private readonly NetworkNamespace _switch = new();
    private readonly Node _a, _b;

    public UplinkTests()
    {
        _switch.Run(() =>
        {
            using var netlink = new NetlinkSocket();
            netlink.Execute(Rtnetlink.NewBridge("switch", PhysicalAddress.Parse("02:01:00:00:00:01").GetAddressBytes()));
        });
        Tool(_switch, "ip link set dev switch up");
        _a = new Node(_switch, "a", 1);
        _b = new Node(_switch, "b", 2);
    }

    public void Dispose()
    {
        _a.Dispose();
        _b.Dispose();
        _switch.Dispose();
    }

    [Fact]
    public void The_nodes_addresses_and_routes_become_the_bridges_and_both_nodes_reach_each_other()
    {
        for (var round = 0; round < 2; round++)
        {
            _a.Start();
            _b.Start();
            Assert.DoesNotContain("inet ", Tool(_a.Namespace, "ip -4 address show dev up0"));
            var bridge = Tool(_a.Namespace, "ip -4 address show dev vniup0");
            Assert.Contains("inet 10.219.0.101/24 brd 10.219.0.255", bridge);
            Assert.Contains("inet 192.0.2.1/32", bridge);
            Assert.Equal("default via 10.219.0.250 dev vniup0 proto static metric 7", Tool(_a.Namespace, "ip route show default").Trim());
            Assert.Equal("198.51.100.0/24 via 10.219.0.251 dev vniup0 src 192.0.2.1", Tool(_a.Namespace, "ip route show 198.51.100.0/24").Trim().Replace("  ", " "));
            Assert.Contains("inet6 2001:db8::1/64", Tool(_a.Namespace, "ip -6 address show dev vniup0"));
            Assert.Equal(1400, _a.Namespace.Find("vniup0")!.Mtu);
            Assert.Equal(_a.Namespace.Find("up0")!.Address, _a.Namespace.Find("vniup0")!.Address);
            using var hears = _b.Namespace.Open(SocketType.Dgram);
            hears.Bind(new IPEndPoint(IPAddress.Parse("10.219.0.102"), Port));
            using var says = _a.Namespace.Open(SocketType.Dgram);
            says.SendTo([7], new IPEndPoint(IPAddress.Parse("10.219.0.102"), Port));
            Assert.Equal(7, Receive(hears));
        }
    }

    [Fact]
    public void An_address_that_moves_is_reached_from_both_nodes_wherever_it_is()
    {
        _a.Start();
        _b.Start();
        using var peer = _a.Plug(Peer, 6);
        using var far = _b.Plug(Far, 7);
        using var nearCaller = Call(peer, 5);
        using var farCaller = Call(far, 5);
        using var first = _a.Plug(Moving, 5);
        using var heardAtA = Hear(first);
        Exchange(nearCaller, heardAtA);
        Exchange(farCaller, heardAtA);

        // Moved: held at A, announced by B. A's entry is static and its tap is still there, and yet its frames go to B.
        _a.Run(n => n.Park(Moving, Node.IdentityOf(5)));
        using var second = _b.Plug(Moving, 5);
        using var heardAtB = Hear(second);
        Exchange(farCaller, heardAtB);
        Exchange(nearCaller, heardAtB);
        _a.Run(n => n.Remove(Moving));
        Exchange(nearCaller, heardAtB);
        Exchange(farCaller, heardAtB);
    }

    [Fact]
    public void A_move_that_is_taken_back_brings_the_address_back()
    {
        _a.Start();
        _b.Start();
        using var peer = _a.Plug(Peer, 6);
        using var far = _b.Plug(Far, 7);
        using var first = _a.Plug(Moving, 5);
        using var heard = Hear(first);
        using var nearCaller = Call(peer, 5);
        using var farCaller = Call(far, 5);
        Exchange(nearCaller, heard);
        Exchange(farCaller, heard);

        _a.Run(n => n.Park(Moving, Node.IdentityOf(5)));
        _b.Run(n => n.Park(Moving, Node.IdentityOf(5)));
        _b.Announce(5);
        farCaller.Send([1]);
        Assert.Equal(0, heard.Available);
        _b.Run(n => n.Remove(Moving));
        _a.Run(n => n.Plug(Moving, Node.IdentityOf(5)));
        Exchange(nearCaller, heard);
        Exchange(farCaller, heard);
    }

    [Theory]
    [InlineData("no-such", "there is none of that name")]
    [InlineData("vniup0", "it is that bridge")]
    [InlineData("lo", "it is the loopback")]
    [InlineData("other", "it is a bridge itself")]
    [InlineData("taken", "it is a port of 'other' already")]
    public void What_cannot_be_the_uplink_is_said(string name, string why)
    {
        Tool(_a.Namespace, "ip link add other type bridge; ip link add taken type veth peer name taken2; ip link set taken master other");
        var e = Assert.Throws<VniException>(() => _a.Start(name));
        Assert.Equal(ErrorCodes.NodeIncapable, e.Code);
        Assert.Contains($"interface '{name}' cannot be the uplink of bridge 'vniup0': {why}", e.Message);
        Assert.Contains("inet 10.219.0.101/24", Tool(_a.Namespace, "ip -4 address show dev up0"));
    }

    private static void Exchange(Socket from, Socket to)
    {
        from.Send([42]);
        Assert.Equal(42, Receive(to));
    }

    private static byte Receive(Socket socket)
    {
        var buffer = new byte[16];
        Assert.Equal(1, socket.Receive(buffer));
        return buffer[0];
    }

    private static Socket Hear(NetworkNamespace instance)
    {
        var socket = instance.Open(SocketType.Dgram);
        socket.Bind(new IPEndPoint(IPAddress.Any, Port));
        return socket;
    }

    private static Socket Call(NetworkNamespace instance, byte last)
    {
        var socket = instance.Open(SocketType.Dgram);
        socket.Connect(IPAddress.Parse($"10.219.0.{last}"), Port);
        return socket;
    }

    private static string Tool(NetworkNamespace within, string script) => Programs.Run("nsenter", "-n", "-t", within.Pid.ToString(), "sh", "-ec", script);

    /// <summary>A node with an interface to the switch that has what a machine's has: addresses and routes.</summary>
    private sealed class Node : IDisposable
    {
        private NodeNetwork? _network;

        public Node(NetworkNamespace @switch, string name, int number)
        {
            using (var here = Namespaces.Open(@switch.Pid, NamespaceKind.Network))
            {
                Namespace.Run(() =>
                {
                    using var netlink = new NetlinkSocket();
                    netlink.Execute(Rtnetlink.NewVeth(16, "up0", PhysicalAddress.Parse($"02:01:00:00:01:0{number}").GetAddressBytes(), 1400, name, here));
                });
            }

            Tool(@switch, $"ip link set dev {name} master switch up");
            Tool(Namespace, $"""
                sysctl -q -w net.ipv6.conf.up0.accept_dad=0 net.ipv6.conf.default.accept_dad=0
                ip link set up0 up
                ip address add 10.219.0.10{number}/24 brd + dev up0
                ip address add 192.0.2.{number}/32 dev up0
                ip -6 address add 2001:db8::{number}/64 dev up0
                ip route add default via 10.219.0.250 dev up0 proto static metric 7
                ip route add 198.51.100.0/24 via 10.219.0.251 dev up0 src 192.0.2.{number}
                """);
        }

        public NetworkNamespace Namespace { get; } = new();

        public static VirtualIdentity IdentityOf(byte last) => new($"10.219.0.{last}", 24, VirtualIdentity.MacOf(IPAddress.Parse($"10.219.0.{last}")), "host");

        public void Start(string uplink = "up0")
        {
            _network?.Dispose();
            _network = new NodeNetwork(new NetworkOptions { Bridge = "vniup0", Subnet = IPAddress.Parse("10.219.0.0"), PrefixLength = 24, Uplink = uplink });
            Run(n => n.Start());
        }

        public void Run(Action<NodeNetwork> work) => Namespace.Run(() => work(_network!));

        public NetworkNamespace Plug(Aid aid, byte last)
        {
            var instance = new NetworkNamespace(ownUser: true);
            Run(n => n.Connect(aid, IdentityOf(last), instance.Pid, []));
            Run(n => n.Plug(aid, IdentityOf(last)));
            return instance;
        }

        public void Announce(byte last) => Namespace.Run(() =>
        {
            using var packets = new LinkPacket();
            packets.Send(Namespace.Find("vniup0")!.Index, new PortAddress(IdentityOf(last)).Announcement());
        });

        public void Dispose()
        {
            _network?.Dispose();
            Namespace.Dispose();
        }
    }
}
