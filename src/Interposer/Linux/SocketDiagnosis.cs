using System.Buffers.Binary;
using System.Net;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Vni.Interposer.Linux;

/// <summary>Finding sockets, and ending TCP connections, in the network namespace of the calling thread: sock_diag(7), <c>linux/inet_diag.h</c>.</summary>
internal static partial class SocketDiagnosis
{
    public const byte AF_INET = 2, AF_INET6 = 10;
    internal const ushort SOCK_DIAG_BY_FAMILY = 20;
    private const ushort SOCK_DESTROY = 21;

    /// <summary>All states but <c>TCP_TIME_WAIT</c> (6), <c>TCP_CLOSE</c> (7) and <c>TCP_LISTEN</c> (10), <c>linux/tcp_states.h</c>.</summary>
    private const uint Connected = 0xfff & ~(1u << 6 | 1u << 7 | 1u << 10) & ~1u;

    /// <summary>A request for the connections of one address family.</summary>
    public static NetlinkMessage GetConnections(byte family) =>
        new NetlinkMessage(SOCK_DIAG_BY_FAMILY, nameof(SOCK_DIAG_BY_FAMILY), 0, "TCP").Fixed(new Request { Family = family, Protocol = IPPROTO_TCP, States = Connected });

    /// <summary>A request for the sockets of one address family that listen.</summary>
    public static NetlinkMessage GetListeners(byte family) =>
        new NetlinkMessage(SOCK_DIAG_BY_FAMILY, nameof(SOCK_DIAG_BY_FAMILY), 0, "TCP").Fixed(new Request { Family = family, Protocol = IPPROTO_TCP, States = 1u << 10 });

    /// <summary>Reads what <see cref="GetListeners"/> has found.</summary>
    public static TcpListener ListenerOf(ReadOnlySpan<byte> found)
    {
        var listener = MemoryMarshal.Read<FoundWhole>(found);
        return new TcpListener(listener.Inode, BinaryPrimitives.ReverseEndianness(listener.Head.Socket.SourcePort), listener.ReceiveQueue);
    }

    /// <summary>The far end's address of a connection that <see cref="GetConnections"/> has found.</summary>
    public static IPAddress RemoteOf(ReadOnlySpan<byte> found)
    {
        var header = MemoryMarshal.Read<Found>(found);
        ReadOnlySpan<byte> remote = header.Socket.Destination;
        return new IPAddress(header.Family == AF_INET6 ? remote : remote[..4]) is var address && address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
    }

    /// <summary>Ends it as if the far end had reset it, and sends that a reset (RFC 9293, 3.10.5); nothing happens to one that has gone.
    /// Needs a kernel with <c>CONFIG_INET_DIAG_DESTROY</c>: else <c>EOPNOTSUPP</c>.</summary>
    public static NetlinkMessage Destroy(ReadOnlySpan<byte> found)
    {
        var header = MemoryMarshal.Read<Found>(found);
        return new NetlinkMessage(SOCK_DESTROY, nameof(SOCK_DESTROY), 0, $"a connection to {RemoteOf(found)}")
            .Fixed(new Request { Family = header.Family, Protocol = IPPROTO_TCP, States = uint.MaxValue, Socket = header.Socket })
            .Tolerate(Libc.ENOENT);
    }

    /// <summary><c>struct inet_diag_req_v2</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Request
    {
        public byte Family, Protocol, Extensions, Padding;
        public uint States;
        public SocketId Socket;
    }

    /// <summary><c>struct inet_diag_sockid</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct SocketId
    {
        public ushort SourcePort, DestinationPort;
        public Address Source, Destination;
        public uint Interface, Cookie0, Cookie1;
    }

    /// <summary>The beginning of <c>struct inet_diag_msg</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Found
    {
        public byte Family, State, Timer, Retransmissions;
        public SocketId Socket;
    }

    /// <summary><c>struct inet_diag_msg</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct FoundWhole
    {
        public Found Head;
        public uint Expires, ReceiveQueue, SendQueue, User, Inode;
    }

    [InlineArray(16)]
    private struct Address
    {
        private byte _first;
    }
}

/// <summary>A TCP socket that listens.</summary>
/// <param name="Inode">The socket.</param>
/// <param name="Port">Where it listens.</param>
/// <param name="Pending">Connections that wait to be accepted.</param>
internal readonly record struct TcpListener(ulong Inode, int Port, uint Pending);
