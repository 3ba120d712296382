using Vni.Actors;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Interposer.Checkpoint.Findings;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Checkpoint;

/// <summary>
/// Looks, before a dump, for what CRIU 4.2 refuses: everything in one pass, before anything has been touched and in words
/// that name process and reason. What it does not find CRIU still refuses, without harm; <c>docs/quiescing.md</c> has both lists. Of
/// frozen processes what is read is consistent; processes that run may change meanwhile.
/// </summary>
internal static class Preflight
{
    /// <summary>Refuses what cannot be saved.</summary>
    /// <param name="aid">The application, for the sentence.</param>
    /// <param name="findings">What was found.</param>
    /// <exception cref="VniException"><see cref="ErrorCodes.NotDumpable"/> with every finding; <see cref="Transient"/> if
    /// all of them go away by themselves.</exception>
    public static void Require(Aid aid, IReadOnlyList<Finding> findings)
    {
        if (findings.Count == 0) return;
        throw Transient.Mark(
            new VniException(ErrorCodes.NotDumpable, $"application {aid} cannot be saved: {string.Join("; ", findings.Select(f => f.Text))}") { Findings = findings },
            findings.All(f => f.Transient));
    }

    /// <summary>Everything that stands against a dump of an instance of this node, by process.</summary>
    /// <param name="pids">Its processes, by pid of the node.</param>
    /// <param name="visitors">Processes of visitors, whose locks are their own matter.</param>
    /// <param name="sockets">Of its network namespace.</param>
    public static IReadOnlyList<Finding> Find(IReadOnlyList<int> pids, IReadOnlyList<int> visitors, SocketReading sockets) =>
        Find(ProcReader.Node, pids, visitors, sockets.Read, ProcFile.TryRead("/proc/locks") ?? "", null);

    /// <summary>The same, and what takes some ten milliseconds to search for, of an instance that is not frozen: files that are
    /// watched, message queues.</summary>
    /// <param name="init">Its first process.</param>
    /// <param name="pids">Its processes, by pid of the node.</param>
    /// <param name="visitors">Processes of visitors.</param>
    /// <param name="sockets">Of its network namespace.</param>
    /// <exception cref="LinuxException">It has ended.</exception>
    public static IReadOnlyList<Finding> Search(int init, IReadOnlyList<int> pids, IReadOnlyList<int> visitors, SocketReading sockets) =>
        [.. Find(ProcReader.Node, pids, visitors, sockets.Read, ProcFile.TryRead("/proc/locks") ?? "", WatchedTree.Inodes), .. MessageQueues.Find(ProcReader.Node, init)];

    /// <inheritdoc cref="Find(IReadOnlyList{int}, IReadOnlyList{int}, SocketReading)"/>
    /// <param name="proc">What is known of processes.</param>
    /// <param name="pids">Its processes.</param>
    /// <param name="visitors">Processes of visitors.</param>
    /// <param name="sockets">Reads the sockets of its network namespace: TCP listeners, unix sockets.</param>
    /// <param name="locks">Content of <c>/proc/locks</c>.</param>
    /// <param name="inodesBelow">Inodes in a directory; <c>null</c>: watches are not looked at.</param>
    internal static IReadOnlyList<Finding> Find(
        IProcReader proc, IReadOnlyList<int> pids, IReadOnlyList<int> visitors, Func<bool, bool, SocketTable> sockets, string locks, Func<string, string, IEnumerable<ulong>>? inodesBelow)
    {
        var findings = new List<Finding>();
        var suspects = new List<Suspect>();
        foreach (var pid in pids)
        {
            if (proc.Read(pid, "status") is { } text) suspects.Add(new Suspect(proc, pid, new ProcStatus(text), findings));
        }

        if (suspects.Find(s => s.Status.VirtualPid == 1) is not { } init) return findings;
        var (namespaces, mounts, found) = (States.NamespacesOf(proc, init.Pid), new Mounts(proc, init.Pid), new Sockets());
        foreach (var suspect in suspects)
        {
            States.Find(suspect, init.Status.Depth, namespaces);
            if (suspect.Status.State == 'Z') continue; // It holds nothing any more.
            mounts.Find(suspect);
            Descriptors.Find(suspect, mounts, found);
            Mappings.Find(suspect, mounts);
        }

        found.Find(sockets(found.HasTcp, found.HasUnix));
        Locks.Find(locks, proc, mounts, new HashSet<int>([.. pids, .. visitors]), findings);
        if (inodesBelow is not null) Watches.Find(proc, init.Pid, suspects, inodesBelow);
        return findings;
    }
}
