using System.Buffers.Binary;
using System.Net;
using System.Net.NetworkInformation;
using Vni.Actors.Identity;

namespace Vni.Interposer.Network;

/// <summary>The addresses and MAC of an identity, as the kernel wants them.</summary>
internal sealed class PortAddress
{
    /// <param name="identity">Checked where it was allocated.</param>
    /// <exception cref="FormatException">Address or MAC are not well-formed.</exception>
    public PortAddress(VirtualIdentity identity)
    {
        Ip = IPAddress.Parse(identity.Ip);
        Ip6 = identity.Ip6 is { } ip6 ? IPAddress.Parse(ip6) : null;
        Mac = PhysicalAddress.Parse(identity.Mac).GetAddressBytes();
    }

    /// <summary>IPv4.</summary>
    public IPAddress Ip { get; }

    /// <summary>IPv6; <c>null</c>: none.</summary>
    public IPAddress? Ip6 { get; }

    /// <summary>Six bytes.</summary>
    public byte[] Mac { get; }

    /// <summary>What tells everybody on the segment where the addresses are.</summary>
    public IReadOnlyList<byte[]> Announcements() => Ip6 is null ? [Announcement()] : [Announcement(), NeighbourAdvertisement.Write(Ip6, Mac)];

    /// <summary>
    /// An ARP announcement (RFC 5227, section 2.3): a broadcast request for the address by its holder, 42 bytes. Who has
    /// the address in its neighbour table takes the MAC over, and switches learn where the MAC is now.
    /// </summary>
    public byte[] Announcement()
    {
        var frame = new byte[42];
        frame.AsSpan(0, 6).Fill(0xff);
        Mac.CopyTo(frame, 6);
        ReadOnlySpan<byte> arpRequest = [0x08, 0x06, 0x00, 0x01, 0x08, 0x00, 6, 4, 0x00, 0x01];
        arpRequest.CopyTo(frame.AsSpan(12));
        Mac.CopyTo(frame, 22);
        var ip = Ip.GetAddressBytes();
        ip.CopyTo(frame, 28);
        ip.CopyTo(frame, 38);
        return frame;
    }

    /// <summary>The address as a number: 10.0.0.1 is 0x0a000001.</summary>
    public static uint Number(IPAddress ip) => BinaryPrimitives.ReadUInt32BigEndian(ip.GetAddressBytes());
}
