namespace Vni.Interposer.Linux;

/// <summary>Ports and forwarding entries of a bridge.</summary>
internal static partial class Rtnetlink
{
    private const int IFLA_PROTINFO = 12, IFLA_BRPORT_LEARNING = 8, IFLA_BRPORT_UNICAST_FLOOD = 9, IFLA_BRPORT_MCAST_FLOOD = 27;
    private const byte NTF_MASTER = 0x04;

    /// <summary>Sets what a port does with addresses that it does not know.</summary>
    /// <param name="index">The port.</param>
    /// <param name="name">Its name.</param>
    /// <param name="learning">Whether source addresses of frames from it make or move forwarding entries.</param>
    /// <param name="flooding">Whether it gets unicast frames without an entry.</param>
    /// <param name="multicast">Whether it gets frames to groups.</param>
    public static NetlinkMessage SetPort(int index, string name, bool learning, bool flooding, bool multicast) =>
        new NetlinkMessage(RouteMessage.RTM_SETLINK, 0, name).Fixed(new LinkHeader { Family = AF_BRIDGE, Index = index })
            .Nest(IFLA_PROTINFO, port => port.Byte(IFLA_BRPORT_LEARNING, learning ? (byte)1 : (byte)0)
                .Byte(IFLA_BRPORT_UNICAST_FLOOD, flooding ? (byte)1 : (byte)0)
                .Byte(IFLA_BRPORT_MCAST_FLOOD, multicast ? (byte)1 : (byte)0));

    /// <summary>
    /// Lets frames for a MAC leave through a port, moving the entry if there is one: what <c>bridge fdb replace MAC dev
    /// PORT master static</c> does. Static (<c>NUD_NOARP</c>): it does not age, and unlike a local entry
    /// (<c>NUD_PERMANENT</c>) it does not mean the bridge itself.
    /// </summary>
    public static NetlinkMessage SetForwarding(int index, string name, ReadOnlySpan<byte> mac) =>
        new NetlinkMessage(RouteMessage.RTM_NEWNEIGH, Replace, name)
            .Fixed(new NeighbourHeader { Family = AF_BRIDGE, Index = index, State = NUD_NOARP, Flags = NTF_MASTER })
            .Bytes(NDA_LLADDR, mac);

    /// <summary>Ends <see cref="SetForwarding"/>: frames for the MAC go where it was last heard from, or everywhere.</summary>
    public static NetlinkMessage DeleteForwarding(int index, string name, ReadOnlySpan<byte> mac) =>
        new NetlinkMessage(RouteMessage.RTM_DELNEIGH, 0, name)
            .Fixed(new NeighbourHeader { Family = AF_BRIDGE, Index = index, Flags = NTF_MASTER })
            .Bytes(NDA_LLADDR, mac);
}
