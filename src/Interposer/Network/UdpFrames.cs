using System.Buffers.Binary;

namespace Vni.Interposer.Network;

/// <summary>Writes a UDP datagram as the Ethernet frames in which it could have come (RFC 768, RFC 791, RFC 8200).</summary>
internal static class UdpFrames
{
    private const int Ethernet = 14, Ip = 20, Ip6 = 40, FragmentHeader = 8, Udp = 8;
    private const byte UdpProtocol = 17, FragmentProtocol = 44, HopLimit = 64;

    /// <summary>Payload of a fragment: a multiple of 8, and with its header no longer than the least MTU that links of today have.</summary>
    private const int Fragment = 1256;

    /// <summary>The frames of one datagram.</summary>
    /// <param name="to">The receiver.</param>
    /// <param name="port">Its port.</param>
    /// <param name="sender">The sender's address, 4 bytes or, for a receiver that has an IPv6 address, 16.</param>
    /// <param name="senderPort">Its port.</param>
    /// <param name="datagram">What it holds.</param>
    /// <param name="identification">Tells the fragments of this datagram from those of others.</param>
    public static IReadOnlyList<ReadOnlyMemory<byte>> Write(PortAddress to, ushort port, ReadOnlySpan<byte> sender, ushort senderPort, ReadOnlySpan<byte> datagram, ushort identification)
    {
        var packet = new byte[Udp + datagram.Length];
        BinaryPrimitives.WriteUInt16BigEndian(packet, senderPort);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), port);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(4), (ushort)packet.Length);
        datagram.CopyTo(packet.AsSpan(Udp)); // The checksum is left out, as one may over IPv4: it has been checked already.
        if (sender.Length == 16) return WriteIpv6(to, sender, packet, identification);
        var frames = new List<ReadOnlyMemory<byte>>();
        for (var at = 0; at < packet.Length; at += Fragment)
        {
            var part = packet.AsSpan(at, Math.Min(Fragment, packet.Length - at));
            var frame = NewFrame(to, 0x0800, Ip + part.Length);
            var header = frame.AsSpan(Ethernet, Ip);
            header[0] = 0x45;
            BinaryPrimitives.WriteUInt16BigEndian(header[2..], (ushort)(Ip + part.Length));
            BinaryPrimitives.WriteUInt16BigEndian(header[4..], identification);
            BinaryPrimitives.WriteUInt16BigEndian(header[6..], (ushort)(at / 8 | (at + part.Length < packet.Length ? 0x2000 : 0)));
            (header[8], header[9]) = (HopLimit, UdpProtocol);
            sender.CopyTo(header[12..]);
            to.Ip.GetAddressBytes().CopyTo(header[16..]);
            InternetChecksum.Write(header[10..], InternetChecksum.Of(header));
            part.CopyTo(frame.AsSpan(Ethernet + Ip));
            frames.Add(frame);
        }

        return frames;
    }

    private static List<ReadOnlyMemory<byte>> WriteIpv6(PortAddress to, ReadOnlySpan<byte> sender, byte[] packet, ushort identification)
    {
        byte[] addresses = [.. sender, .. to.Ip6!.GetAddressBytes()];
        var checksum = InternetChecksum.OfIpv6(addresses, UdpProtocol, packet);
        InternetChecksum.Write(packet.AsSpan(6), checksum == 0 ? ushort.MaxValue : checksum); // Zero means none, which is not allowed here.
        var frames = new List<ReadOnlyMemory<byte>>();
        var extra = packet.Length > Fragment ? FragmentHeader : 0;
        for (var at = 0; at < packet.Length; at += Fragment - extra)
        {
            var part = packet.AsSpan(at, Math.Min(Fragment - extra, packet.Length - at));
            var frame = NewFrame(to, 0x86dd, Ip6 + extra + part.Length);
            var header = frame.AsSpan(Ethernet);
            header[0] = 0x60;
            BinaryPrimitives.WriteUInt16BigEndian(header[4..], (ushort)(extra + part.Length));
            (header[6], header[7]) = (extra > 0 ? FragmentProtocol : UdpProtocol, HopLimit);
            addresses.CopyTo(header[8..]);
            if (extra > 0)
            {
                header[Ip6] = UdpProtocol;
                BinaryPrimitives.WriteUInt16BigEndian(header[(Ip6 + 2)..], (ushort)(at | (at + part.Length < packet.Length ? 1 : 0))); // The offset counts eights, three bits to the left.
                BinaryPrimitives.WriteUInt32BigEndian(header[(Ip6 + 4)..], identification);
            }

            part.CopyTo(header[(Ip6 + extra)..]);
            frames.Add(frame);
        }

        return frames;
    }

    private static byte[] NewFrame(PortAddress to, ushort type, int length)
    {
        var frame = new byte[Ethernet + length];
        to.Mac.CopyTo(frame, 0);
        frame[6] = 0x02; // Locally administered: which of the sender's routers it came from is known to nobody.
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(12), type);
        return frame;
    }
}
