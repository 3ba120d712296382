using System.Net;
using System.Runtime.InteropServices;

namespace Vni.Interposer.Linux;

/// <summary>Addresses, routes and neighbours, IPv4 and IPv6.</summary>
internal static partial class Rtnetlink
{
    private const int IFA_ADDRESS = 1, IFA_LOCAL = 2, IFA_BROADCAST = 4, RTA_OIF = 4, RTA_GATEWAY = 5, NDA_DST = 1, NDA_LLADDR = 2;
    private const byte IFA_F_NODAD = 0x02;
    private const byte RT_TABLE_MAIN = 254, RTPROT_STATIC = 4, RTN_UNICAST = 1;
    private const ushort NUD_INCOMPLETE = 0x01, NUD_STALE = 0x04, NUD_FAILED = 0x20, NUD_NOARP = 0x40;

    /// <summary>Adds an address with its subnet; its being there is no error. An IPv6 address is there at once: nobody is asked whether he has
    /// it already (duplicate address detection, RFC 4862, section 5.4, takes a second).</summary>
    public static NetlinkMessage NewAddress(int index, IPAddress address, int prefixLength)
    {
        if (FamilyOf(address) == AF_INET6)
        {
            return new NetlinkMessage(RouteMessage.RTM_NEWADDR, Create, $"{address}/{prefixLength}")
                .Fixed(new AddressHeader { Family = AF_INET6, PrefixLength = (byte)prefixLength, Flags = IFA_F_NODAD, Index = index })
                .Bytes(IFA_LOCAL, address.GetAddressBytes()).Bytes(IFA_ADDRESS, address.GetAddressBytes()).Tolerate(Libc.EEXIST);
        }

        var bytes = address.GetAddressBytes();
        byte[] broadcast = [.. bytes];
        for (var bit = prefixLength; bit < 32; bit++) broadcast[bit / 8] |= (byte)(0x80 >> (bit % 8));
        return new NetlinkMessage(RouteMessage.RTM_NEWADDR, Create, $"{address}/{prefixLength}")
            .Fixed(new AddressHeader { Family = AF_INET, PrefixLength = (byte)prefixLength, Index = index })
            .Bytes(IFA_LOCAL, bytes).Bytes(IFA_ADDRESS, bytes).Bytes(IFA_BROADCAST, broadcast).Tolerate(Libc.EEXIST);
    }

    /// <summary>Sets the default route of the gateway's address family.</summary>
    public static NetlinkMessage NewDefaultRoute(int index, IPAddress gateway) =>
        new NetlinkMessage(RouteMessage.RTM_NEWROUTE, Replace, $"default via {gateway}")
            .Fixed(new RouteHeader { Family = FamilyOf(gateway), Table = RT_TABLE_MAIN, Protocol = RTPROT_STATIC, Type = RTN_UNICAST })
            .Bytes(RTA_GATEWAY, gateway.GetAddressBytes()).Number(RTA_OIF, index);

    /// <summary>Enters a neighbour as stale: used at once, confirmed while in use.</summary>
    public static NetlinkMessage NewNeighbour(int index, IPAddress address, ReadOnlySpan<byte> mac) =>
        new NetlinkMessage(RouteMessage.RTM_NEWNEIGH, Replace, address.ToString())
            .Fixed(new NeighbourHeader { Family = FamilyOf(address), Index = index, State = NUD_STALE })
            .Bytes(NDA_DST, address.GetAddressBytes()).Bytes(NDA_LLADDR, mac);

    /// <summary>Asks for the IPv4 and IPv6 neighbours of all interfaces; for <see cref="NetlinkSocket.Dump"/>.</summary>
    public static NetlinkMessage GetNeighbours() =>
        new NetlinkMessage(RouteMessage.RTM_GETNEIGH, 0, "all").Fixed(default(NeighbourHeader));

    /// <summary>Takes a reply to <see cref="GetNeighbours"/> apart; <c>null</c> when it is of another interface or has no
    /// MAC that was learned.</summary>
    public static (IPAddress Address, byte[] Mac)? ParseNeighbour(ReadOnlySpan<byte> payload, int index)
    {
        var header = MemoryMarshal.Read<NeighbourHeader>(payload);
        var attributes = new NetlinkAttributes(payload[Marshal.SizeOf<NeighbourHeader>()..]);
        var address = attributes.Find(NDA_DST);
        var mac = attributes.Find(NDA_LLADDR);
        var learned = header.Index == index && (header.State & (NUD_INCOMPLETE | NUD_FAILED | NUD_NOARP)) == 0;
        return learned && address.Length is 4 or 16 && mac.Length == 6 ? (new IPAddress(address), mac.ToArray()) : null;
    }

    private static byte FamilyOf(IPAddress address) => address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? AF_INET6 : AF_INET;
}
