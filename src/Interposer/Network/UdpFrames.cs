using System.Buffers.Binary;

namespace Vni.Interposer.Network;

/// <summary>Writes a UDP datagram as the Ethernet frames in which it could have come (RFC 768, RFC 791).</summary>
internal static class UdpFrames
{
    private const int Ethernet = 14, Ip = 20, Udp = 8;

    /// <summary>Payload of a fragment: a multiple of 8, and with its header no longer than the least MTU that links of today have.</summary>
    private const int Fragment = 1256;

    /// <summary>The frames of one datagram.</summary>
    /// <param name="to">The receiver.</param>
    /// <param name="port">Its port.</param>
    /// <param name="sender">The sender's IPv4 address, 4 bytes.</param>
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
        var frames = new List<ReadOnlyMemory<byte>>();
        for (var at = 0; at < packet.Length; at += Fragment)
        {
            var part = packet.AsSpan(at, Math.Min(Fragment, packet.Length - at));
            var frame = new byte[Ethernet + Ip + part.Length];
            to.Mac.CopyTo(frame, 0);
            frame[6] = 0x02; // Locally administered: which of the sender's routers it came from is known to nobody.
            BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(12), 0x0800);
            var header = frame.AsSpan(Ethernet, Ip);
            header[0] = 0x45;
            BinaryPrimitives.WriteUInt16BigEndian(header[2..], (ushort)(Ip + part.Length));
            BinaryPrimitives.WriteUInt16BigEndian(header[4..], identification);
            BinaryPrimitives.WriteUInt16BigEndian(header[6..], (ushort)(at / 8 | (at + part.Length < packet.Length ? 0x2000 : 0)));
            (header[8], header[9]) = (64, 17);
            sender.CopyTo(header[12..]);
            to.Ip.GetAddressBytes().CopyTo(header[16..]);
            BinaryPrimitives.WriteUInt16BigEndian(header[10..], Checksum(header));
            part.CopyTo(frame.AsSpan(Ethernet + Ip));
            frames.Add(frame);
        }

        return frames;
    }

    private static ushort Checksum(ReadOnlySpan<byte> header)
    {
        var sum = 0;
        for (var i = 0; i < header.Length; i += 2) sum += BinaryPrimitives.ReadUInt16BigEndian(header[i..]);
        while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
        return (ushort)~sum;
    }
}
