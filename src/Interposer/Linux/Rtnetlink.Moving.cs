using System.Net;
using System.Runtime.InteropServices;

namespace Vni.Interposer.Linux;

/// <summary>An address of an interface as RTM_GETADDR describes it.</summary>
/// <param name="Index">The interface.</param>
/// <param name="PrefixLength">Bits of its subnet.</param>
/// <param name="Scope">As <c>linux/rtnetlink.h</c> numbers them: 0 everywhere, 253 this link alone.</param>
/// <param name="Ip">The address itself; <c>null</c> when it has none that can be read.</param>
internal sealed record InterfaceAddress(int Index, int PrefixLength, byte Scope, IPAddress? Ip)
{
    /// <summary>Takes a reply apart.</summary>
    public static InterfaceAddress Parse(ReadOnlySpan<byte> payload) => Rtnetlink.ParseAddress(payload);
}

/// <summary>Addresses and routes as they are, and the same on another interface.</summary>
internal static partial class Rtnetlink
{
    private const byte RTPROT_KERNEL = 2;
    private const int RTA_TABLE = 15;
    private const uint RTM_F_CLONED = 0x200;

    /// <summary>What the kernel works out by itself: IFA_LABEL is the interface's name, IFA_CACHEINFO ages, IFA_FLAGS are
    /// what it found; RTA_CACHEINFO likewise.</summary>
    private static readonly int[] DerivedOfAddress = [3, 6, 8], DerivedOfRoute = [12];

    /// <summary>Asks for the addresses of all interfaces, IPv4 and IPv6; for <see cref="NetlinkSocket.Dump"/>.</summary>
    public static NetlinkMessage GetAddresses() => new NetlinkMessage(RouteMessage.RTM_GETADDR, 0, "all").Fixed(default(AddressHeader));

    /// <summary>Asks for all routes, IPv4 and IPv6; for <see cref="NetlinkSocket.Dump"/>.</summary>
    public static NetlinkMessage GetRoutes() => new NetlinkMessage(RouteMessage.RTM_GETROUTE, 0, "all").Fixed(default(RouteHeader));

    /// <summary>Gives another interface an address that was read; its being there is no error.</summary>
    public static NetlinkMessage CopyAddress(ReadOnlySpan<byte> read, int index)
    {
        var header = MemoryMarshal.Read<AddressHeader>(read);
        header.Index = index;
        header.Flags = 0;
        return Copy(new NetlinkMessage(RouteMessage.RTM_NEWADDR, Create, $"{ParseAddress(read).Ip}").Fixed(header), read[Marshal.SizeOf<AddressHeader>()..], DerivedOfAddress)
            .Tolerate(Libc.EEXIST);
    }

    /// <summary>Takes an address that was read from its interface; its being gone is no error.</summary>
    public static NetlinkMessage DeleteAddress(ReadOnlySpan<byte> read) =>
        Copy(new NetlinkMessage(RouteMessage.RTM_DELADDR, 0, $"{ParseAddress(read).Ip}").Fixed(MemoryMarshal.Read<AddressHeader>(read)), read[Marshal.SizeOf<AddressHeader>()..], DerivedOfAddress)
            .Tolerate(Libc.EADDRNOTAVAIL);

    /// <summary>Whether a route that was read leaves through an interface, and is not one that the kernel makes with an address.</summary>
    public static bool IsRouteOf(ReadOnlySpan<byte> read, int index)
    {
        var header = MemoryMarshal.Read<RouteHeader>(read);
        var attributes = new NetlinkAttributes(read[Marshal.SizeOf<RouteHeader>()..]);
        return header is { Protocol: not RTPROT_KERNEL, Type: RTN_UNICAST } && (header.Flags & RTM_F_CLONED) == 0
            && attributes.Number(RTA_OIF) == index && (attributes.Number(RTA_TABLE) ?? header.Table) == RT_TABLE_MAIN;
    }

    /// <summary>Leads a route that was read through another interface.</summary>
    public static NetlinkMessage MoveRoute(ReadOnlySpan<byte> read, int index)
    {
        var header = MemoryMarshal.Read<RouteHeader>(read);
        header.Flags = 0; // RTNH_F_LINKDOWN and the like: what the kernel found.
        return Copy(new NetlinkMessage(RouteMessage.RTM_NEWROUTE, Replace, "route").Fixed(header), read[Marshal.SizeOf<RouteHeader>()..], [.. DerivedOfRoute, RTA_OIF])
            .Number(RTA_OIF, index);
    }

    /// <summary>Removes a route that was read; its being gone is no error.</summary>
    public static NetlinkMessage DeleteRoute(ReadOnlySpan<byte> read)
    {
        var header = MemoryMarshal.Read<RouteHeader>(read);
        header.Flags = 0;
        return Copy(new NetlinkMessage(RouteMessage.RTM_DELROUTE, 0, "route").Fixed(header), read[Marshal.SizeOf<RouteHeader>()..], DerivedOfRoute).Tolerate(Libc.ESRCH);
    }

    /// <summary>Sets how many bytes a frame may carry.</summary>
    public static NetlinkMessage SetMtu(int index, string name, int mtu) => LinkMessage(RouteMessage.RTM_SETLINK, 0, name, index).Number(IFLA_MTU, mtu);

    internal static InterfaceAddress ParseAddress(ReadOnlySpan<byte> payload)
    {
        var header = MemoryMarshal.Read<AddressHeader>(payload);
        var attributes = new NetlinkAttributes(payload[Marshal.SizeOf<AddressHeader>()..]);
        var bytes = attributes.Find(IFA_LOCAL);
        if (bytes.Length == 0) bytes = attributes.Find(IFA_ADDRESS);
        return new InterfaceAddress(header.Index, header.PrefixLength, header.Scope, bytes.Length is 4 or 16 ? new IPAddress(bytes) : null);
    }

    private static NetlinkMessage Copy(NetlinkMessage to, ReadOnlySpan<byte> attributes, ReadOnlySpan<int> except)
    {
        for (var rest = attributes; rest.Length >= 4;)
        {
            var length = MemoryMarshal.Read<ushort>(rest);
            if (length < 4 || length > rest.Length) break;
            int type = MemoryMarshal.Read<ushort>(rest[2..]);
            if (!except.Contains(type)) to.Bytes(type, rest[4..length]);
            rest = rest[Math.Min((length + 3) & ~3, rest.Length)..];
        }

        return to;
    }
}
