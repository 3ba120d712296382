using System.Net;

namespace Vni.Interposer.Network;

/// <summary>An unsolicited neighbour advertisement (RFC 4861, sections 4.4 and 7.2.6): an address's holder tells all nodes of the link its MAC.</summary>
internal static class NeighbourAdvertisement
{
    private const int Ethernet = 14, Ip = 40, Message = 32;

    /// <summary>The frame, 86 bytes. Its override flag makes who knows another MAC take this one.</summary>
    public static byte[] Write(IPAddress address, ReadOnlySpan<byte> mac)
    {
        var frame = new byte[Ethernet + Ip + Message];
        ReadOnlySpan<byte> allNodes = [0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
        ReadOnlySpan<byte> groupMac = [0x33, 0x33, 0, 0, 0, 1], type = [0x86, 0xdd], head = [0x60, 0, 0, 0, 0, Message, 58, 255];
        groupMac.CopyTo(frame);
        mac.CopyTo(frame.AsSpan(6));
        type.CopyTo(frame.AsSpan(12));
        head.CopyTo(frame.AsSpan(Ethernet));
        address.GetAddressBytes().CopyTo(frame, Ethernet + 8);
        allNodes.CopyTo(frame.AsSpan(Ethernet + 24));
        var message = frame.AsSpan(Ethernet + Ip);
        (message[0], message[4]) = (136, 0x20); // Override: not a router, not asked.
        address.GetAddressBytes().CopyTo(message[8..]);
        (message[24], message[25]) = (2, 1); // Target link-layer address, one unit of eight bytes.
        mac.CopyTo(message[26..]);
        InternetChecksum.Write(message[2..], InternetChecksum.OfIpv6(frame.AsSpan(Ethernet + 8, 32), 58, message));
        return frame;
    }
}
