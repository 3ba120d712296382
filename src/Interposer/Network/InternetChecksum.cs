using System.Buffers.Binary;

namespace Vni.Interposer.Network;

/// <summary>The checksum of IP, ICMP and UDP (RFC 1071).</summary>
internal static class InternetChecksum
{
    /// <summary>Of a header or a message in which the checksum is still zero.</summary>
    public static ushort Of(ReadOnlySpan<byte> data) => Fold(Sum(data));

    /// <summary>Of a message over IPv6, with the pseudo-header of RFC 8200, section 8.1.</summary>
    /// <param name="addresses">Source and destination, 32 bytes.</param>
    /// <param name="protocol">Next header: 17 UDP, 58 ICMPv6.</param>
    /// <param name="message">With a checksum of zero.</param>
    public static ushort OfIpv6(ReadOnlySpan<byte> addresses, byte protocol, ReadOnlySpan<byte> message) =>
        Fold(Sum(addresses) + (uint)message.Length + protocol + Sum(message));

    public static void Write(Span<byte> to, ushort checksum) => BinaryPrimitives.WriteUInt16BigEndian(to, checksum);

    private static uint Sum(ReadOnlySpan<byte> data)
    {
        var sum = 0u;
        for (; data.Length >= 2; data = data[2..]) sum += BinaryPrimitives.ReadUInt16BigEndian(data);
        return data.IsEmpty ? sum : sum + ((uint)data[0] << 8);
    }

    private static ushort Fold(uint sum)
    {
        while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
        return (ushort)~sum;
    }
}
