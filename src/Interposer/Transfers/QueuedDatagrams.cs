using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using Vni.Actors.Identity;
using Vni.Interposer.Checkpoint;
using Vni.Interposer.Linux;
using Vni.Interposer.Network;

namespace Vni.Interposer.Transfers;

/// <summary>
/// UDP datagrams that came before an instance was frozen and that it has not read: CRIU does not save them. They travel as frames, before
/// those that the port has held since. What an instance has sent to itself is left out: its kernel would not believe such frames.
/// </summary>
internal static class QueuedDatagrams
{
    private static ReadOnlySpan<byte> MappedPrefix => [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

    /// <summary>All of them as frames; those of one socket in their order.</summary>
    /// <param name="identity">Of the instance.</param>
    /// <param name="init">A process in its network namespace.</param>
    /// <param name="pids">Its processes, frozen, with a port that is parked.</param>
    public static IReadOnlyList<ReadOnlyMemory<byte>> Read(VirtualIdentity identity, int init, IReadOnlyList<int> pids)
    {
        var waiting = new Dictionary<string, ushort>(StringComparer.Ordinal);
        foreach (var table in new[] { "udp", "udp6" }) FindWaiting(ProcFile.TryRead($"/proc/{init}/net/{table}") ?? "", waiting);
        var frames = new List<ReadOnlyMemory<byte>>();
        if (waiting.Count == 0) return frames;
        var address = new PortAddress(identity);
        foreach (var pid in pids)
        {
            var slots = ProcFile.TryRead($"/proc/{pid}/status") is { } status ? new ProcStatus(status).DescriptorSlots : 0;
            for (var fd = 0; fd < slots && waiting.Count > 0; fd++)
            {
                if (ProcLinks.TryReadLink($"/proc/{pid}/fd/{fd}") is { } link && waiting.Remove(link, out var port)) Read(pid, fd, port, address, frames);
            }
        }

        return frames;
    }

    /// <summary>Port by socket, as <c>/proc/PID/fd</c> shows it, of those in a table of <c>/proc/net</c> in which anything waits.</summary>
    internal static void FindWaiting(string table, Dictionary<string, ushort> waiting)
    {
        foreach (var line in table.Split('\n').Skip(1))
        {
            // sl, local address:port, remote, state, tx:rx, timer, retransmits, uid, timeout, inode, ...
            var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length < 10 || fields[4].EndsWith(":00000000", StringComparison.Ordinal)) continue;
            waiting[$"socket:[{fields[9]}]"] = ushort.Parse(fields[1].AsSpan(fields[1].IndexOf(':', StringComparison.Ordinal) + 1), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        }
    }

    /// <summary>Address, 4 or 16 bytes, and port of a sender in the kernel's layout; <c>null</c>: it is neither of IPv4 nor of IPv6.</summary>
    internal static (byte[] Address, ushort Port)? Sender(ReadOnlySpan<byte> address)
    {
        if (address.Length < 8) return null;
        var port = BinaryPrimitives.ReadUInt16BigEndian(address[2..]);
        return BitConverter.ToUInt16(address) switch
        {
            SocketDiagnosis.AF_INET => (address.Slice(4, 4).ToArray(), port),
            SocketDiagnosis.AF_INET6 when address.Length >= 24 && address.Slice(8, 12).SequenceEqual(MappedPrefix) => (address.Slice(20, 4).ToArray(), port),
            SocketDiagnosis.AF_INET6 when address.Length >= 24 => (address.Slice(8, 16).ToArray(), port),
            _ => null,
        };
    }

    private static void Read(int pid, int fd, ushort port, PortAddress address, List<ReadOnlyMemory<byte>> frames) =>
        SocketQueue.Peek(pid, fd, (from, datagram) =>
        {
            if (Sender(from) is not var (ip, senderPort) || new IPAddress(ip) is var sender && (IPAddress.IsLoopback(sender) || sender.Equals(address.Ip) || sender.Equals(address.Ip6))) return;
            if (ip.Length == 16 && address.Ip6 is null) return;
            frames.AddRange(UdpFrames.Write(address, port, ip, senderPort, datagram, (ushort)frames.Count));
        });
}
