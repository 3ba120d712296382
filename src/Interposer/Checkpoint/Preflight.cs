using Vni.Actors;
using Vni.Actors.Identity;

namespace Vni.Interposer.Checkpoint;

/// <param name="Pid">Pid on the node; 0: not about one process.</param>
/// <param name="Text">Who has what, and what to do: the half of a sentence.</param>
/// <param name="Transient">Whether it goes away when the processes run on for a moment.</param>
internal sealed record Finding(int Pid, string Text, bool Transient = false);

/// <summary>
/// Looks, before a dump, for what CRIU 4.2 refuses: everything in one pass, before anything has been touched and in words
/// that name process and reason. What it does not find CRIU still refuses, without harm: so it does not look where looking
/// costs more than a rare second try, such as for connections not yet accepted (3 ms for <c>/proc/PID/net/tcp</c>). The
/// processes are frozen, so what is read is consistent.
/// </summary>
internal static class Preflight
{
    private static readonly string[] Namespaces = ["user", "ipc", "uts", "time"];

    /// <summary>Anonymous inodes that CRIU saves.</summary>
    private static readonly HashSet<string> KnownAnonymous = ["[eventfd]", "[eventpoll]", "[signalfd]", "[timerfd]", "inotify", "[fanotify]", "[pidfd]"];

    /// <summary>Socket families and protocols that CRIU saves.</summary>
    private static readonly HashSet<string> KnownSockets = ["TCP", "TCPv6", "UDP", "UDPv6", "UDP-Lite", "UDPLITEv6", "UNIX", "UNIX-STREAM", "NETLINK", "PACKET"];

    /// <summary>Refuses what cannot be saved.</summary>
    /// <param name="aid">The application, for the sentence.</param>
    /// <param name="pids">Its processes, frozen, by pid of the node.</param>
    /// <exception cref="VniException"><see cref="ErrorCodes.NotDumpable"/> with every finding; <see cref="Transient"/> if
    /// all of them go away by themselves.</exception>
    public static void Check(Aid aid, IReadOnlyList<int> pids)
    {
        var findings = Find(ProcReader.Node, pids);
        if (findings.Count == 0) return;
        throw Transient.Mark(
            new VniException(ErrorCodes.NotDumpable, $"application {aid} cannot be saved: {string.Join("; ", findings.Select(f => f.Text))}"),
            findings.All(f => f.Transient));
    }

    /// <summary>Everything that stands against a dump, by process.</summary>
    public static IReadOnlyList<Finding> Find(IProcReader proc, IReadOnlyList<int> pids)
    {
        var findings = new List<Finding>();
        var processes = new List<(int Pid, ProcStatus Status)>();
        foreach (var pid in pids)
        {
            if (proc.Read(pid, "status") is { } text) processes.Add((pid, new ProcStatus(text)));
        }

        if (processes.Find(p => p.Status is { VirtualPid: 1 }) is not { Status: not null } init) return findings;
        var namespaces = Namespaces.Select(kind => proc.ReadLink(init.Pid, "ns/" + kind)).ToArray();
        foreach (var (pid, status) in processes)
        {
            CheckState(pid, status, init.Status.Depth, findings);
            if (status.State == 'Z') continue; // It holds nothing any more.
            CheckNamespaces(proc, pid, status, namespaces, findings);
            CheckDescriptors(proc, pid, status, findings);
            CheckMappings(proc, pid, status, findings);
        }
        return findings;
    }

    private static void CheckState(int pid, ProcStatus status, int depth, List<Finding> findings)
    {
        void Add(string text, bool transient = false) => findings.Add(new Finding(pid, $"{status.Describe()} {text}", transient));
        if (status.Tracer != 0) Add("is being traced (ptrace): detach the debugger");

        // A frozen process waits interruptibly; what still shows D is in vfork(2) until its child executes a program.
        if (status.State == 'D') Add("waits inside the kernel for a child that it has just made: try again", transient: true);
        if (status is { State: 'Z', Threads: > 1 }) Add("has a main thread that ended while others run on: let it wait for them");
        if (status.Depth > depth) Add("has a PID namespace of its own: run it without a sandbox of its own");
        else if (status.VirtualSession == 0 || status.VirtualGroup == 0) Add("is in a session or process group of the node: end it before the snapshot");
    }

    private static void CheckNamespaces(IProcReader proc, int pid, ProcStatus status, string?[] expected, List<Finding> findings)
    {
        for (var i = 0; i < Namespaces.Length; i++)
        {
            if (proc.ReadLink(pid, "ns/" + Namespaces[i]) is { } own && own != expected[i])
            {
                findings.Add(new Finding(pid, $"{status.Describe()} has a {Namespaces[i]} namespace of its own: run it without a sandbox of its own"));
            }
        }
    }

    private static void CheckDescriptors(IProcReader proc, int pid, ProcStatus status, List<Finding> findings)
    {
        for (var fd = 0; fd < status.DescriptorSlots; fd++)
        {
            var name = $"fd/{fd}";
            if (proc.ReadLink(pid, name) is { } target && Refusal(proc, pid, name, target) is { } refusal)
            {
                findings.Add(new Finding(pid, $"{status.Describe()} has {refusal} open (fd {fd}): close it before the snapshot"));
            }
        }
    }

    private static string? Refusal(IProcReader proc, int pid, string name, string target)
    {
        if (target.StartsWith("anon_inode:", StringComparison.Ordinal))
        {
            var kind = target["anon_inode:".Length..];
            return KnownAnonymous.Contains(kind) ? null : kind == "[io_uring]" ? "an io_uring instance" : $"a kernel object that cannot be saved, {kind.Trim('[', ']')},";
        }

        if (target.StartsWith("socket:", StringComparison.Ordinal))
        {
            return proc.SocketProtocol(pid, name) is { } protocol && !KnownSockets.Contains(protocol) ? $"a socket of a kind that cannot be saved, {protocol.Replace("AF_", "", StringComparison.Ordinal)}," : null;
        }

        if (target == "/secretmem (deleted)") return "secret memory";
        return target.StartsWith('/') && proc.Device(pid, name) is { } device && !IsKnown(device) ? $"device {target} ({device.Major}:{device.Minor})" : null;
    }

    /// <summary>null, zero, full, random, urandom (1:3, 5, 7, 8, 9), the terminals of the instance's own devpts, and
    /// <c>/dev/tty</c>, <c>/dev/ptmx</c>; see <c>Documentation/admin-guide/devices.txt</c> in Linux.</summary>
    private static bool IsKnown(DeviceNumber device) => device is
        { Character: true, Major: 1, Minor: 3 or 5 or 7 or 8 or 9 } or { Character: true, Major: 5, Minor: 0 or 2 } or { Character: true, Major: >= 136 and <= 143 };

    /// <summary>A ring stays in being while it is mapped, also when its descriptor is closed.</summary>
    private static void CheckMappings(IProcReader proc, int pid, ProcStatus status, List<Finding> findings)
    {
        var known = findings.Exists(f => f.Pid == pid && f.Text.Contains("io_uring", StringComparison.Ordinal));
        if (!known && proc.Read(pid, "maps") is { } maps && maps.Contains("anon_inode:[io_uring]", StringComparison.Ordinal))
        {
            findings.Add(new Finding(pid, $"{status.Describe()} has an io_uring instance mapped: close it before the snapshot"));
        }
    }
}
