using Vni.Actors.Interposition;

namespace Vni.Interposer.Checkpoint.Findings;

/// <summary>One process that is being looked at.</summary>
/// <param name="proc">What is known of processes.</param>
/// <param name="pid">Its pid on the node.</param>
/// <param name="status">Its status.</param>
/// <param name="findings">Where what is found goes.</param>
internal sealed class Suspect(IProcReader proc, int pid, ProcStatus status, List<Finding> findings)
{
    /// <summary>What is said of whatever has a namespace of its own.</summary>
    public const string NoSandbox = "run it without a sandbox of its own";

    /// <summary>What is said of whatever is open or mapped.</summary>
    public const string CloseIt = "close it before the snapshot";

    public IProcReader Proc => proc;

    public int Pid => pid;

    public ProcStatus Status => status;

    /// <summary>Whether something of a kind was found of it.</summary>
    public bool Has(string kind) => findings.Exists(f => f.HostPid == pid && f.Kind == kind);

    public void Add(string kind, string what, string remedy, bool transient = false) =>
        findings.Add(new Finding(status.VirtualPid, pid, status.Name, kind, what, remedy, transient));
}
