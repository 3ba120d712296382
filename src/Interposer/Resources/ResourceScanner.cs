using Vni.Actors.Resources;
using Vni.Interposer.Checkpoint;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Resources;

/// <summary>Reads the virtual resource ids of an instance from the node: no process of it takes part, so it may be frozen.</summary>
internal static class ResourceScanner
{
    /// <summary>All virtual ids of an instance.</summary>
    /// <param name="initPid">Its first process, on the node.</param>
    /// <param name="pids">The members of its cgroup; those outside its PID namespace, such as CRIU, are left out.</param>
    /// <exception cref="LinuxException">The instance has ended.</exception>
    public static ResourceTable Scan(int initPid, IReadOnlyList<int> pids) =>
        Namespaces.Run(initPid, NamespaceKind.Ipc, SysVObjects.Read) with { Processes = ScanProcesses(ProcReader.Node, initPid, pids) };

    /// <summary>Processes in order of virtual pid.</summary>
    internal static IReadOnlyList<ProcessResource> ScanProcesses(IProcReader proc, int initPid, IReadOnlyList<int> pids)
    {
        var depth = proc.Read(initPid, "status") is { } init ? new ProcStatus(init).Depth : int.MaxValue;
        var members = new Dictionary<int, ProcStatus>();
        foreach (var pid in pids)
        {
            if (proc.Read(pid, "status") is { } text && new ProcStatus(text) is var status && status.Depth >= depth && depth > 1) members[pid] = status;
        }

        return [.. members.Select(m => Describe(proc, m.Key, m.Value, members)).OrderBy(p => p.Pid)];
    }

    private static ProcessResource Describe(IProcReader proc, int pid, ProcStatus status, Dictionary<int, ProcStatus> members) => new(
        status.VirtualPid,
        members.TryGetValue(status.Parent, out var parent) ? parent.VirtualPid : 0,
        status.VirtualGroup,
        status.VirtualSession,
        status.Name,
        status.Threads <= 1 ? [status.VirtualPid] : [.. proc.Threads(pid).Select(t => proc.Read(pid, $"task/{t}/status")).OfType<string>().Select(t => new ProcStatus(t).VirtualPid).Order()]);
}
