using System.Runtime.InteropServices;
using System.Text;

namespace Vni.Interposer.Linux;

/// <summary>Finding unix sockets in the network namespace of the calling thread: sock_diag(7), <c>linux/unix_diag.h</c>.</summary>
internal static class UnixDiagnosis
{
    private const byte AF_UNIX = 1, Listening = 10; // TCP_LISTEN
    private const uint UDIAG_SHOW_NAME = 0x1, UDIAG_SHOW_PEER = 0x4, UDIAG_SHOW_ICONS = 0x8, UDIAG_SHOW_RQLEN = 0x10;
    private const int UNIX_DIAG_NAME = 0, UNIX_DIAG_PEER = 2, UNIX_DIAG_ICONS = 3, UNIX_DIAG_RQLEN = 4;

    /// <summary>A request for all of them.</summary>
    public static NetlinkMessage GetAll() => new NetlinkMessage(SocketDiagnosis.SOCK_DIAG_BY_FAMILY, nameof(SocketDiagnosis.SOCK_DIAG_BY_FAMILY), 0, "unix")
        .Fixed(new Request { Family = AF_UNIX, States = uint.MaxValue, Show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER | UDIAG_SHOW_ICONS | UDIAG_SHOW_RQLEN });

    /// <summary>Reads what <see cref="GetAll"/> has found.</summary>
    public static UnixSocket Parse(ReadOnlySpan<byte> found)
    {
        var header = MemoryMarshal.Read<Found>(found);
        var attributes = new NetlinkAttributes(found[Marshal.SizeOf<Found>()..]);
        var queues = attributes.Find(UNIX_DIAG_RQLEN); // struct unix_diag_rqlen: to read, to be read by the other end
        var name = attributes.Find(UNIX_DIAG_NAME);
        return new UnixSocket(
            header.Inode,
            attributes.Number(UNIX_DIAG_PEER) is { } peer && peer != 0 ? (uint)peer : null,
            header.State == Listening ? [.. MemoryMarshal.Cast<byte, uint>(attributes.Find(UNIX_DIAG_ICONS)).ToArray().Select(inode => (ulong)inode)] : [],
            queues.Length >= 8 ? MemoryMarshal.Read<uint>(queues[4..]) : 0,
            name.Length == 0 ? null : name[0] == 0 ? "@" + Encoding.UTF8.GetString(name[1..]) : Encoding.UTF8.GetString(name.TrimEnd((byte)0)));
    }

    /// <summary><c>struct unix_diag_req</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Request
    {
        public byte Family, Protocol;
        public ushort Padding;
        public uint States, Inode, Show, Cookie0, Cookie1;
    }

    /// <summary><c>struct unix_diag_msg</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Found
    {
        public byte Family, Type, State, Padding;
        public uint Inode, Cookie0, Cookie1;
    }
}

/// <param name="Inode">The socket.</param>
/// <param name="Peer">The other end; <c>null</c>: none, or one that has not been accepted.</param>
/// <param name="Waiting">Of a listener: the other ends of connections that wait to be accepted; 0: one that is closed.</param>
/// <param name="Unread">Bytes that were sent by it and not yet read; of a listener, something else.</param>
/// <param name="Name">Path, or name after <c>@</c>; <c>null</c>: none.</param>
internal sealed record UnixSocket(ulong Inode, ulong? Peer, IReadOnlyList<ulong> Waiting, uint Unread, string? Name);
