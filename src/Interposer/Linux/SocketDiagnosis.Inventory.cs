using System.Net;
using System.Runtime.InteropServices;

namespace Vni.Interposer.Linux;

/// <content>Finding all sockets of a protocol.</content>
internal static partial class SocketDiagnosis
{
    public const byte IPPROTO_TCP = 6, IPPROTO_UDP = 17;

    /// <summary>States of <c>linux/tcp_states.h</c>, which unix sockets use too.</summary>
    public const byte TCP_ESTABLISHED = 1, TCP_LISTEN = 10;

    public const byte SOCK_DGRAM = 2;

    private const int InternetInode = 68;

    /// <summary>A request for all sockets of one address family and protocol.</summary>
    public static NetlinkMessage GetSockets(byte family, byte protocol) =>
        new NetlinkMessage(SOCK_DIAG_BY_FAMILY, nameof(SOCK_DIAG_BY_FAMILY), 0, "sockets").Fixed(new Request { Family = family, Protocol = protocol, States = uint.MaxValue });

    /// <summary>What <see cref="GetSockets"/> has found.</summary>
    public static InternetSocket ReadSocket(ReadOnlySpan<byte> found)
    {
        var header = MemoryMarshal.Read<Found>(found);
        ReadOnlySpan<byte> source = header.Socket.Source, destination = header.Socket.Destination;
        var size = header.Family == AF_INET6 ? 16 : 4;
        return new InternetSocket(
            MemoryMarshal.Read<uint>(found[InternetInode..]),
            header.State,
            new IPEndPoint(new IPAddress(source[..size]), Port(header.Socket.SourcePort)),
            new IPEndPoint(new IPAddress(destination[..size]), Port(header.Socket.DestinationPort)));
    }

    private static int Port(ushort network) => BitConverter.IsLittleEndian ? System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(network) : network;
}

/// <param name="Inode">As in the link <c>socket:[INODE]</c> of a descriptor; 0: no process holds it.</param>
/// <param name="State">A state of TCP; for UDP <see cref="SocketDiagnosis.TCP_ESTABLISHED"/> when connected.</param>
/// <param name="Local">Its own address.</param>
/// <param name="Remote">The far end's; port 0: none.</param>
internal readonly record struct InternetSocket(uint Inode, byte State, IPEndPoint Local, IPEndPoint Remote);
