using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Vni.Actors.Identity;
using Vni.Actors.Snapshots;
using Vni.Interposer.Linux;
using Vni.Interposer.Network;
using Vni.Interposer;
using Xunit;

namespace Vni.Linux.Tests.Network;

/// <summary>What a test node has of IPv6.</summary>
internal sealed record NetworkAddresses6(IPNetwork Subnet, IPAddress Gateway, IPAddress Client);

/// <summary>A node in a namespace of its own: bridge, the network plane, and a client on the bridge that is no instance.</summary>
internal sealed class TestNode : IDisposable
{
    public const int ClientIndex = 16, InstanceIndex = 16, Port = 7000;
    public static readonly IPAddress Gateway = IPAddress.Parse("10.217.0.1"), ClientIp = IPAddress.Parse("10.217.0.9");
    public static readonly Aid Aid = Aid.Parse("an-application-whose-name-is-longer-than-an-interface-may-be");
    public static readonly VirtualIdentity Identity = IdentityOf("10.217.0.5");

    public TestNode(NetworkAddresses6? six = null)
    {
        Network = new NodeNetwork(new NetworkOptions
        {
            Bridge = "vnitest0", Subnet = IPAddress.Parse("10.217.0.0"), PrefixLength = 24, Gateway = Gateway, Subnet6 = six?.Subnet, Gateway6 = six?.Gateway,
        });
        Run(n => n.Start());
        using var here = Namespaces.Open(Namespace.Pid, NamespaceKind.Network);
        Client.Run(() =>
        {
            using var netlink = new NetlinkSocket();
            var mac = PhysicalAddress.Parse(VirtualIdentity.MacOf(ClientIp)).GetAddressBytes();
            netlink.Execute(Rtnetlink.NewVeth(ClientIndex, "eth0", mac, 1500, "client", here));
            if (six is null) Sysctl.TrySet("net/ipv6/conf/eth0/disable_ipv6", "1");
            netlink.Execute(Rtnetlink.SetUp(ClientIndex, "eth0"), Rtnetlink.NewAddress(ClientIndex, ClientIp, 24));
            if (six is not null) netlink.Execute(Rtnetlink.NewAddress(ClientIndex, six.Client, six.Subnet.PrefixLength));
        });
        Attach("client");
    }

    public NetworkNamespace Namespace { get; } = new();

    public NetworkNamespace Client { get; } = new();

    public NodeNetwork Network { get; }

    public static VirtualIdentity IdentityOf(string ip) => new(ip, 24, VirtualIdentity.MacOf(IPAddress.Parse(ip)), "host");

    public T Run<T>(Func<NodeNetwork, T> work) => Namespace.Run(() => work(Network));

    public void Run(Action<NodeNetwork> work) => Namespace.Run(() => work(Network));

    /// <summary>Sets an interface up and makes it a port of the bridge.</summary>
    private void Attach(string name)
    {
        var (port, bridge) = (Namespace.Find(name)!.Index, Namespace.Find("vnitest0")!.Index);
        Namespace.Run(() =>
        {
            using var netlink = new NetlinkSocket();
            netlink.Execute(Rtnetlink.SetUp(port, name));
            netlink.Execute(Rtnetlink.GetLink(name)); // Being asked, the kernel settles the carrier; a port without one drops.
            netlink.Execute(Rtnetlink.SetMaster(port, name, bridge));
        });
        Client.Find("eth0");
    }

    /// <summary>A new instance, connected but not plugged.</summary>
    public NetworkNamespace Connect(params IReadOnlyList<Neighbour> neighbours) => Connect(Identity, neighbours);

    /// <summary>The same with another identity.</summary>
    public NetworkNamespace Connect(VirtualIdentity identity, params IReadOnlyList<Neighbour> neighbours)
    {
        var instance = new NetworkNamespace(ownUser: true);
        try
        {
            Run(n => n.Connect(Aid, identity, instance.Pid, neighbours));
            return instance;
        }
        catch
        {
            instance.Dispose();
            throw;
        }
    }

    /// <summary>A TCP listener of the instance on all its addresses.</summary>
    public static Socket Listen(NetworkNamespace instance)
    {
        var socket = instance.Open(SocketType.Stream);
        socket.Bind(new IPEndPoint(IPAddress.Any, Port));
        socket.Listen();
        return socket;
    }

    /// <summary>A UDP socket of the instance on all its addresses.</summary>
    public static Socket Hear(NetworkNamespace instance)
    {
        var socket = instance.Open(SocketType.Dgram);
        socket.Bind(new IPEndPoint(IPAddress.Any, Port));
        return socket;
    }

    /// <summary>A socket of the client, connected to the instance.</summary>
    public Socket Call(SocketType type)
    {
        var socket = Client.Open(type);
        socket.Connect(IPAddress.Parse(Identity.Ip), Port);
        return socket;
    }

    public void Dispose()
    {
        Network.Dispose();
        Client.Dispose();
        Namespace.Dispose();
    }
}
