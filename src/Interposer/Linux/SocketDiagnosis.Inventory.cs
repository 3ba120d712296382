using System.Net;
using System.Runtime.InteropServices;
using System.Text;

namespace Vni.Interposer.Linux;

/// <content>Finding all sockets of a kind, also of address family <c>AF_UNIX</c> (<c>linux/unix_diag.h</c>).</content>
internal static partial class SocketDiagnosis
{
    public const byte IPPROTO_TCP = 6, IPPROTO_UDP = 17, AF_UNIX = 1;

    /// <summary>States of <c>linux/tcp_states.h</c>, which unix sockets use too.</summary>
    public const byte TCP_ESTABLISHED = 1, TCP_LISTEN = 10;

    public const byte SOCK_DGRAM = 2;

    private const uint UDIAG_SHOW_NAME = 1, UDIAG_SHOW_PEER = 4;
    private const int UNIX_DIAG_NAME = 0, UNIX_DIAG_PEER = 2;
    private const int InternetInode = 68, UnixHeader = 16;

    /// <summary>A request for all sockets of one address family and protocol.</summary>
    public static NetlinkMessage GetSockets(byte family, byte protocol) =>
        new NetlinkMessage(SOCK_DIAG_BY_FAMILY, nameof(SOCK_DIAG_BY_FAMILY), 0, "sockets").Fixed(new Request { Family = family, Protocol = protocol, States = uint.MaxValue });

    /// <summary>A request for all unix sockets.</summary>
    public static NetlinkMessage GetUnixSockets() =>
        new NetlinkMessage(SOCK_DIAG_BY_FAMILY, nameof(SOCK_DIAG_BY_FAMILY), 0, "unix sockets")
            .Fixed(new UnixRequest { Family = AF_UNIX, States = uint.MaxValue, Show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER });

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

    /// <summary>What <see cref="GetUnixSockets"/> has found.</summary>
    public static UnixSocket ReadUnixSocket(ReadOnlySpan<byte> found)
    {
        var attributes = new NetlinkAttributes(found[UnixHeader..]);
        return new UnixSocket(
            MemoryMarshal.Read<uint>(found[4..]), found[1], found[2], NameOf(attributes.Find(UNIX_DIAG_NAME)), (uint)(attributes.Number(UNIX_DIAG_PEER) ?? 0));
    }

    private static string? NameOf(ReadOnlySpan<byte> name) => name switch
    {
        [] => null,
        [0, .. var rest] => "@" + Encoding.UTF8.GetString(rest).Replace('\0', '@'), // As ss(8) and /proc/net/unix write it.
        _ => Encoding.UTF8.GetString(name.TrimEnd((byte)0)),
    };

    private static int Port(ushort network) => BitConverter.IsLittleEndian ? System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(network) : network;

    /// <summary><c>struct unix_diag_req</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct UnixRequest
    {
        public byte Family, Protocol;
        public ushort Padding;
        public uint States, Inode, Show, Cookie0, Cookie1;
    }
}

/// <param name="Inode">As in the link <c>socket:[INODE]</c> of a descriptor; 0: no process holds it.</param>
/// <param name="State">A state of TCP; for UDP <see cref="SocketDiagnosis.TCP_ESTABLISHED"/> when connected.</param>
/// <param name="Local">Its own address.</param>
/// <param name="Remote">The far end's; port 0: none.</param>
internal readonly record struct InternetSocket(uint Inode, byte State, IPEndPoint Local, IPEndPoint Remote);

/// <param name="Inode">As above.</param>
/// <param name="Type">As <c>socket(2)</c> takes it.</param>
/// <param name="State">As above.</param>
/// <param name="Name">A path, or <c>@</c> and an abstract name; <c>null</c>: none. An accepted one has its listener's.</param>
/// <param name="Peer">Inode of the other end; 0: none.</param>
internal readonly record struct UnixSocket(uint Inode, byte Type, byte State, string? Name, uint Peer);
