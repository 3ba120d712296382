using Vni.Actors.Interposition;

namespace Vni.Interposer.Checkpoint.Findings;

/// <summary>What a process is in: its state, its tracer, its session, its namespaces.</summary>
internal static class States
{
    private static readonly string[] Namespaces = ["user", "ipc", "uts", "time"];

    /// <summary>The namespaces that all processes of an instance share.</summary>
    public static string?[] NamespacesOf(IProcReader proc, int init) => Array.ConvertAll(Namespaces, kind => proc.ReadLink(init, "ns/" + kind));

    /// <param name="suspect">The process.</param>
    /// <param name="depth">PID namespaces down to the instance's.</param>
    /// <param name="namespaces">What <see cref="NamespacesOf"/> says of the instance.</param>
    public static void Find(Suspect suspect, int depth, string?[] namespaces)
    {
        var status = suspect.Status;
        if (status.Tracer != 0) suspect.Add(FindingKinds.Traced, "is being traced (ptrace)", "detach the debugger");

        // A frozen process waits interruptibly; what still shows D is beyond the freezer's reach.
        if (status.State == 'D') suspect.Add(FindingKinds.Uninterruptible, "waits inside the kernel and cannot be stopped", "try again", transient: true);
        if (status is { State: 'Z', Threads: > 1 }) suspect.Add(FindingKinds.DeadLeader, "has a main thread that ended while others run on", "let it wait for them");
        if (status.Depth > depth) suspect.Add(FindingKinds.Namespace, "has a PID namespace of its own", Suspect.NoSandbox);
        else if (status.VirtualSession == 0 || status.VirtualGroup == 0) suspect.Add(FindingKinds.Session, "is in a session or process group of the node", "end it before the snapshot");
        if (status.State != 'Z') FindNamespaces(suspect, namespaces);
    }

    /// <summary>Names the processes that keep an instance from being frozen, by their threads.</summary>
    public static IReadOnlyList<Finding> Unfrozen(IProcReader proc, IReadOnlyList<int> pids)
    {
        var findings = new List<Finding>();
        foreach (var pid in pids)
        {
            if (proc.Read(pid, "status") is not { } text || new ProcStatus(text) is not { State: not 'Z' } status) continue;
            var stuck = proc.Threads(pid).Any(thread => proc.Read(pid, $"task/{thread}/status") is { } own && new ProcStatus(own).State == 'D');
            if (stuck) new Suspect(proc, pid, status, findings).Add(FindingKinds.Uninterruptible, "waits inside the kernel and cannot be stopped", "try again when its disk or network answers", transient: true);
        }

        return findings;
    }

    private static void FindNamespaces(Suspect suspect, string?[] expected)
    {
        for (var i = 0; i < Namespaces.Length; i++)
        {
            if (suspect.Proc.ReadLink(suspect.Pid, "ns/" + Namespaces[i]) is { } own && own != expected[i])
            {
                suspect.Add(FindingKinds.Namespace, $"has a {Namespaces[i]} namespace of its own", Suspect.NoSandbox);
            }
        }
    }
}
