using System.Runtime.InteropServices;
using System.Text;

namespace Vni.Interposer.Linux;

/// <summary>Finding unix sockets in the network namespace of the calling thread: sock_diag(7), <c>linux/unix_diag.h</c>.</summary>
internal static class UnixDiagnosis
{
    private const byte AF_UNIX = 1;
    private const uint UDIAG_SHOW_NAME = 0x1, UDIAG_SHOW_PEER = 0x4, UDIAG_SHOW_ICONS = 0x8, UDIAG_SHOW_RQLEN = 0x10;
    private const int UNIX_DIAG_NAME = 0, UNIX_DIAG_PEER = 2, UNIX_DIAG_ICONS = 3, UNIX_DIAG_RQLEN = 4;

    /// <summary>A request for all of them.</summary>
    /// <param name="queues">Whether what waits in them is wanted, too.</param>
    public static NetlinkMessage GetAll(bool queues) =>
        new NetlinkMessage(SocketDiagnosis.SOCK_DIAG_BY_FAMILY, nameof(SocketDiagnosis.SOCK_DIAG_BY_FAMILY), 0, "unix sockets").Fixed(new Request
        {
            Family = AF_UNIX,
            States = uint.MaxValue,
            Show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER | (queues ? UDIAG_SHOW_ICONS | UDIAG_SHOW_RQLEN : 0),
        });

    /// <summary>Reads what <see cref="GetAll"/> has found.</summary>
    public static UnixSocket Parse(ReadOnlySpan<byte> found)
    {
        var header = MemoryMarshal.Read<Found>(found);
        var attributes = new NetlinkAttributes(found[Marshal.SizeOf<Found>()..]);
        var queues = attributes.Find(UNIX_DIAG_RQLEN); // struct unix_diag_rqlen: to read, to be read by the other end
        return new UnixSocket(header.Inode, header.Type, header.State, NameOf(attributes.Find(UNIX_DIAG_NAME)), (uint)(attributes.Number(UNIX_DIAG_PEER) ?? 0))
        {
            Waiting = header.State == SocketDiagnosis.TCP_LISTEN ? MemoryMarshal.Cast<byte, uint>(attributes.Find(UNIX_DIAG_ICONS)).ToArray() : [],
            Unread = queues.Length >= 8 ? MemoryMarshal.Read<uint>(queues[4..]) : 0,
        };
    }

    private static string? NameOf(ReadOnlySpan<byte> name) => name switch
    {
        [] => null,
        [0, .. var rest] => "@" + Encoding.UTF8.GetString(rest).Replace('\0', '@'), // As ss(8) and /proc/net/unix write it.
        _ => Encoding.UTF8.GetString(name.TrimEnd((byte)0)),
    };

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

/// <param name="Inode">As in the link <c>socket:[INODE]</c> of a descriptor; 0: no process holds it.</param>
/// <param name="Type">As <c>socket(2)</c> takes it.</param>
/// <param name="State">A state of TCP.</param>
/// <param name="Name">A path, or <c>@</c> and an abstract name; <c>null</c>: none. An accepted one has its listener's.</param>
/// <param name="Peer">The other end; 0: none, or one that has not been accepted.</param>
internal sealed record UnixSocket(uint Inode, byte Type, byte State, string? Name, uint Peer)
{
    /// <summary>Of a listener: the other ends of connections that wait to be accepted; 0: one that is closed.</summary>
    public IReadOnlyList<uint> Waiting { get; init; } = [];

    /// <summary>Bytes that were sent by it and not yet read; of a listener, something else.</summary>
    public uint Unread { get; init; }
}
