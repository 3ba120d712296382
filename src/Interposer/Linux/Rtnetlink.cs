using System.Runtime.InteropServices;

namespace Vni.Interposer.Linux;

/// <summary>Kinds of request, from <c>linux/rtnetlink.h</c>, under the names that errors show.</summary>
internal enum RouteMessage : ushort
{
    RTM_NEWLINK = 16,
    RTM_DELLINK = 17,
    RTM_GETLINK = 18,
    RTM_SETLINK = 19,
    RTM_NEWADDR = 20,
    RTM_DELADDR = 21,
    RTM_GETADDR = 22,
    RTM_NEWROUTE = 24,
    RTM_DELROUTE = 25,
    RTM_GETROUTE = 26,
    RTM_NEWNEIGH = 28,
    RTM_DELNEIGH = 29,
    RTM_GETNEIGH = 30,
    RTM_NEWQDISC = 36,
    RTM_DELQDISC = 37,
    RTM_NEWTFILTER = 44,
    RTM_DELTFILTER = 45,
}

/// <summary>
/// The requests that this project makes of route netlink, each as one message. Constants are those of
/// <c>linux/rtnetlink.h</c>, <c>if_link.h</c>, <c>if_addr.h</c>, <c>neighbour.h</c> and <c>pkt_sched.h</c>.
/// </summary>
internal static partial class Rtnetlink
{
    /// <summary>Index of <c>lo</c> in every network namespace.</summary>
    internal const int LoopbackIndex = 1;

    private const byte AF_UNSPEC = 0, AF_INET = 2, AF_BRIDGE = 7, AF_INET6 = 10;
    private const ushort Create = NetlinkMessage.NLM_F_CREATE | NetlinkMessage.NLM_F_EXCL;
    private const ushort Replace = NetlinkMessage.NLM_F_CREATE | NetlinkMessage.NLM_F_REPLACE;

    /// <summary><c>struct ifinfomsg</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct LinkHeader
    {
        public byte Family;
        public byte Padding;
        public ushort HardwareType;
        public int Index;
        public uint Flags;
        public uint Change;
    }

    /// <summary><c>struct ifaddrmsg</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct AddressHeader
    {
        public byte Family;
        public byte PrefixLength;
        public byte Flags;
        public byte Scope;
        public int Index;
    }

    /// <summary><c>struct rtmsg</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct RouteHeader
    {
        public byte Family;
        public byte DestinationLength;
        public byte SourceLength;
        public byte Tos;
        public byte Table;
        public byte Protocol;
        public byte Scope;
        public byte Type;
        public uint Flags;
    }

    /// <summary><c>struct ndmsg</c>: neighbours, and forwarding entries of a bridge.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct NeighbourHeader
    {
        public byte Family;
        public byte Padding1;
        public ushort Padding2;
        public int Index;
        public ushort State;
        public byte Flags;
        public byte Type;
    }

    /// <summary><c>struct tcmsg</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct TrafficHeader
    {
        public byte Family;
        public byte Padding1;
        public ushort Padding2;
        public int Index;
        public uint Handle;
        public uint Parent;
        public uint Info;
    }
}
