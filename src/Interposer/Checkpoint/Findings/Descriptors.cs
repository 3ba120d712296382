using Vni.Actors.Interposition;

namespace Vni.Interposer.Checkpoint.Findings;

/// <summary>What a process has open.</summary>
internal static class Descriptors
{
    /// <summary>As much CRIU puts into its images of a file that has lost its name: what it is told by <see cref="CriuRequests"/>.</summary>
    private const ulong GhostLimit = CriuRequests.GhostLimit;

    /// <summary>Anonymous inodes that CRIU saves.</summary>
    private static readonly HashSet<string> KnownAnonymous = ["[eventfd]", "[eventpoll]", "[signalfd]", "[timerfd]", "inotify", "[fanotify]", "[pidfd]"];

    /// <summary>Socket families and protocols that CRIU saves.</summary>
    private static readonly HashSet<string> KnownSockets = ["TCP", "TCPv6", "UDP", "UDPv6", "UDP-Lite", "UDPLITEv6", "UNIX", "UNIX-STREAM", "NETLINK", "PACKET"];

    /// <param name="suspect">The process.</param>
    /// <param name="mounts">The instance's.</param>
    /// <param name="sockets">Gets its sockets.</param>
    public static void Find(Suspect suspect, Mounts mounts, Sockets sockets)
    {
        for (var fd = 0; fd < suspect.Status.DescriptorSlots; fd++)
        {
            var name = $"fd/{fd}";
            if (suspect.Proc.ReadLink(suspect.Pid, name) is not { } target) continue;
            if (target.StartsWith("anon_inode:", StringComparison.Ordinal)) FindAnonymous(suspect, fd, target["anon_inode:".Length..]);
            else if (target.StartsWith("socket:[", StringComparison.Ordinal)) FindSocket(suspect, fd, name, target, sockets);
            else if (target == "/secretmem (deleted)") suspect.Add(FindingKinds.SecretMemory, $"has secret memory open (fd {fd})", Suspect.CloseIt);
            else if (target.StartsWith('/') && !target.StartsWith("/memfd:", StringComparison.Ordinal)) FindFile(suspect, fd, name, target, mounts);
        }
    }

    private static void FindAnonymous(Suspect suspect, int fd, string kind)
    {
        if (KnownAnonymous.Contains(kind)) return;
        if (kind == "[io_uring]") suspect.Add(FindingKinds.IoUring, $"has an io_uring instance open (fd {fd})", "configure it to use another way of input and output");
        else suspect.Add(FindingKinds.KernelObject, $"has a kernel object that cannot be saved, {kind.Trim('[', ']')}, open (fd {fd})", Suspect.CloseIt);
    }

    private static void FindSocket(Suspect suspect, int fd, string name, string target, Sockets sockets)
    {
        if (suspect.Proc.SocketProtocol(suspect.Pid, name) is not { } protocol) return;
        if (KnownSockets.Contains(protocol))
        {
            sockets.Add(suspect, fd, protocol, target);
            return;
        }

        var family = protocol.Replace("AF_", "", StringComparison.Ordinal);
        var remedy = protocol.StartsWith("MPTCP", StringComparison.Ordinal) ? "turn Multipath TCP off, in a Go program with GODEBUG=multipathtcp=0" : Suspect.CloseIt;
        suspect.Add(FindingKinds.Socket, $"has a socket of a kind that cannot be saved, {family}, open (fd {fd})", remedy);
    }

    private static void FindFile(Suspect suspect, int fd, string name, string target, Mounts mounts)
    {
        if (suspect.Proc.Look(suspect.Pid, name) is not { } look) return;
        if (look.Device is { } device && !IsKnown(device))
        {
            suspect.Add(FindingKinds.Device, $"has device {target} ({device.Major}:{device.Minor}) open (fd {fd})", Suspect.CloseIt);
        }
        else if (mounts.IsMessageQueue(look))
        {
            suspect.Add(FindingKinds.PosixMessageQueue, $"has a POSIX message queue open by a mount of its own, {target} (fd {fd})", "have it use mq_open(3)");
        }
        else if (!mounts.Has(suspect, look) && !(mounts.HasQueues && suspect.Proc.IsMessageQueue(suspect.Pid, name)))
        {
            suspect.Add(FindingKinds.OutsideFile, $"has {target}, which is on no mount of the instance, open (fd {fd})", Suspect.CloseIt);
        }
        else if (look is { IsRegular: true, Links: 0, Allocated: > GhostLimit })
        {
            suspect.Add(FindingKinds.LargeDeletedFile, $"has a deleted file of {look.Allocated} bytes, more than {GhostLimit}, open (fd {fd}, {target})", "let it close the file before the snapshot");
        }
    }

    /// <summary>null, zero, full, random, urandom (1:3, 5, 7, 8, 9), the terminals of the instance's own devpts, and
    /// <c>/dev/tty</c>, <c>/dev/ptmx</c>; see <c>Documentation/admin-guide/devices.txt</c> in Linux.</summary>
    private static bool IsKnown(DeviceNumber device) => device is
        { Character: true, Major: 1, Minor: 3 or 5 or 7 or 8 or 9 } or { Character: true, Major: 5, Minor: 0 or 2 } or { Character: true, Major: >= 136 and <= 143 };
}
