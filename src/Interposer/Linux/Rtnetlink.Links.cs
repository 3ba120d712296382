using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Vni.Interposer.Linux;

/// <summary>An interface as RTM_GETLINK describes it.</summary>
/// <param name="Index">Its number in its namespace.</param>
/// <param name="Name">Its name.</param>
/// <param name="Kind"><c>bridge</c>, <c>veth</c>, <c>tun</c>, ...; <c>null</c> for hardware and the loopback.</param>
/// <param name="Alias">What <c>ip link set alias</c> sets.</param>
/// <param name="Mtu">Bytes of payload.</param>
/// <param name="Master">Index of the bridge it is a port of; 0: none.</param>
/// <param name="Address">MAC.</param>
/// <param name="Up">Whether it is set up.</param>
internal sealed record Link(int Index, string Name, string? Kind, string? Alias, int Mtu, int Master, byte[] Address, bool Up)
{
    /// <summary>Takes a reply apart; <c>null</c> for none.</summary>
    public static Link? Parse(byte[]? answer) => answer is null ? null : Rtnetlink.ParseLink(answer);
}

/// <summary>Interfaces.</summary>
internal static partial class Rtnetlink
{
    private const int IFLA_ADDRESS = 1, IFLA_IFNAME = 3, IFLA_MTU = 4, IFLA_MASTER = 10, IFLA_TXQLEN = 13, IFLA_LINKINFO = 18,
        IFLA_IFALIAS = 20, IFLA_NET_NS_FD = 28, IFLA_NUM_TX_QUEUES = 31, IFLA_NUM_RX_QUEUES = 32;

    private const int IFLA_INFO_KIND = 1, IFLA_INFO_DATA = 2, VETH_INFO_PEER = 1, IFLA_BR_STP_STATE = 5, IFLA_BR_MCAST_SNOOPING = 23;
    private const uint IFF_UP = 1;

    /// <summary>Asks for one interface by name; no answer when there is none. The kernel settles a carrier change that is
    /// under way before it answers (Linux 6.8 and later).</summary>
    public static NetlinkMessage GetLink(string name) =>
        LinkMessage(RouteMessage.RTM_GETLINK, 0, name).Text(IFLA_IFNAME, name).Tolerate(Libc.ENODEV);

    /// <summary>Asks for all interfaces; for <see cref="NetlinkSocket.Dump"/>.</summary>
    public static NetlinkMessage GetLinks() => LinkMessage(RouteMessage.RTM_GETLINK, 0, "all");

    /// <summary>Makes a bridge that runs no spanning tree, so that ports forward at once, and does not snoop multicast.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="address">Its MAC; without one the bridge takes its lowest port's, and changes it as ports come and go.</param>
    public static NetlinkMessage NewBridge(string name, ReadOnlySpan<byte> address) =>
        LinkMessage(RouteMessage.RTM_NEWLINK, Create, name).Text(IFLA_IFNAME, name).Bytes(IFLA_ADDRESS, address)
            .Nest(IFLA_LINKINFO, info => info.Text(IFLA_INFO_KIND, "bridge").Nest(IFLA_INFO_DATA, bridge => bridge
                .Number(IFLA_BR_STP_STATE, 0).Byte(IFLA_BR_MCAST_SNOOPING, 0)));

    /// <summary>Makes a bridge send frames to groups through all ports that take such, whether a listener was heard there or not.</summary>
    public static NetlinkMessage EndSnooping(int index, string name) =>
        LinkMessage(RouteMessage.RTM_NEWLINK, 0, name, index)
            .Nest(IFLA_LINKINFO, info => info.Text(IFLA_INFO_KIND, "bridge").Nest(IFLA_INFO_DATA, bridge => bridge.Byte(IFLA_BR_MCAST_SNOOPING, 0)));

    /// <summary>
    /// Makes a veth pair, both ends down; one queue each, or the kernel makes one per processor. The request goes to the
    /// namespace of the end whose index is chosen, because kernels before 6.14 look for that index where they are asked,
    /// and ignore the index of a peer.
    /// </summary>
    /// <param name="index">Index of the end here.</param>
    /// <param name="name">Its name.</param>
    /// <param name="address">Its MAC.</param>
    /// <param name="mtu">Of both ends.</param>
    /// <param name="outer">Name of the other end.</param>
    /// <param name="outerNamespace">The network namespace that end is made in.</param>
    public static NetlinkMessage NewVeth(int index, string name, ReadOnlySpan<byte> address, int mtu, string outer, SafeFileHandle outerNamespace) =>
        LinkMessage(RouteMessage.RTM_NEWLINK, Create, outer, index).Text(IFLA_IFNAME, name).Bytes(IFLA_ADDRESS, address)
            .Number(IFLA_MTU, mtu).Number(IFLA_NUM_TX_QUEUES, 1).Number(IFLA_NUM_RX_QUEUES, 1)
            .Nest(IFLA_LINKINFO, info => info.Text(IFLA_INFO_KIND, "veth").Nest(IFLA_INFO_DATA, data => data
                .Nest(VETH_INFO_PEER, peer => peer.Fixed(default(LinkHeader)).Text(IFLA_IFNAME, outer)
                    .Number(IFLA_MTU, mtu).Number(IFLA_NUM_TX_QUEUES, 1).Number(IFLA_NUM_RX_QUEUES, 1)
                    .Number(IFLA_NET_NS_FD, (int)outerNamespace.DangerousGetHandle()))));

    /// <summary>Removes an interface; its being gone is no error.</summary>
    public static NetlinkMessage DeleteLink(string name) =>
        LinkMessage(RouteMessage.RTM_DELLINK, 0, name).Text(IFLA_IFNAME, name).Tolerate(Libc.ENODEV);

    /// <summary>Gives an interface, by name, an alias of at most 255 bytes.</summary>
    public static NetlinkMessage SetAlias(string name, string alias) =>
        LinkMessage(RouteMessage.RTM_SETLINK, 0, name).Text(IFLA_IFNAME, name).Bytes(IFLA_IFALIAS, System.Text.Encoding.UTF8.GetBytes(alias));

    /// <summary>Gives an interface a MAC.</summary>
    public static NetlinkMessage SetAddress(int index, string name, ReadOnlySpan<byte> address) =>
        LinkMessage(RouteMessage.RTM_SETLINK, 0, name, index).Bytes(IFLA_ADDRESS, address);

    /// <summary>Sets how many frames wait when nobody takes them, and the MTU.</summary>
    public static NetlinkMessage SetQueue(int index, string name, int frames, int mtu) =>
        LinkMessage(RouteMessage.RTM_SETLINK, 0, name, index).Number(IFLA_TXQLEN, frames).Number(IFLA_MTU, mtu);

    /// <summary>Sets an interface up.</summary>
    public static NetlinkMessage SetUp(int index, string name) => LinkMessage(RouteMessage.RTM_SETLINK, 0, name, index, IFF_UP);

    /// <summary>Makes an interface a port of a bridge; 0: of none.</summary>
    public static NetlinkMessage SetMaster(int index, string name, int bridge) =>
        LinkMessage(RouteMessage.RTM_SETLINK, 0, name, index).Number(IFLA_MASTER, bridge);

    internal static Link ParseLink(ReadOnlySpan<byte> payload)
    {
        var header = MemoryMarshal.Read<LinkHeader>(payload);
        var attributes = new NetlinkAttributes(payload[Marshal.SizeOf<LinkHeader>()..]);
        return new Link(
            header.Index,
            attributes.Text(IFLA_IFNAME) ?? "",
            new NetlinkAttributes(attributes.Find(IFLA_LINKINFO)).Text(IFLA_INFO_KIND),
            attributes.Text(IFLA_IFALIAS),
            attributes.Number(IFLA_MTU) ?? 0,
            attributes.Number(IFLA_MASTER) ?? 0,
            attributes.Find(IFLA_ADDRESS).ToArray(),
            (header.Flags & IFF_UP) != 0);
    }

    private static NetlinkMessage LinkMessage(RouteMessage type, ushort flags, string subject, int index = 0, uint set = 0) =>
        new NetlinkMessage(type, flags, subject).Fixed(new LinkHeader { Index = index, Flags = set, Change = set });
}
