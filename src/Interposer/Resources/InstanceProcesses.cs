using System.Globalization;
using Vni.Actors.Resources;
using Vni.Interposer.Checkpoint;

namespace Vni.Interposer.Resources;

/// <summary>A process of an instance.</summary>
/// <param name="Pid">On the node.</param>
/// <param name="Status">What the kernel says of it.</param>
/// <param name="Threads">Thread ids, on the node and in the instance; empty where nobody asked.</param>
internal sealed record InstanceProcess(int Pid, ProcStatus Status, IReadOnlyList<(int Host, int Virtual)> Threads);

/// <summary>Processes, threads, process groups and sessions of an instance, in order of virtual pid.</summary>
internal static class InstanceProcesses
{
    public static IReadOnlyList<InstanceProcess> Read(IProcReader proc, int initPid, IReadOnlyList<int> pids, bool threads = true)
    {
        var depth = proc.Read(initPid, "status") is { } init ? new ProcStatus(init).Depth : int.MaxValue;
        var members = new List<InstanceProcess>(pids.Count);
        foreach (var pid in pids)
        {
            if (proc.Read(pid, "status") is { } text && new ProcStatus(text) is var status && status.Depth >= depth && depth > 1)
                members.Add(new InstanceProcess(pid, status, threads ? ThreadsOf(proc, pid, status) : []));
        }

        return [.. members.OrderBy(member => member.Status.VirtualPid)];
    }

    /// <summary>As manifests have them.</summary>
    public static IReadOnlyList<ProcessResource> Describe(IReadOnlyList<InstanceProcess> members)
    {
        var virtualPids = members.ToDictionary(member => member.Pid, member => member.Status.VirtualPid);
        return [.. members.Select(member => new ProcessResource(
            member.Status.VirtualPid,
            virtualPids.GetValueOrDefault(member.Status.Parent),
            member.Status.VirtualGroup,
            member.Status.VirtualSession,
            member.Status.Name,
            [.. member.Threads.Select(thread => thread.Virtual).Order()]))];
    }

    public static void AddTo(FoundResources found, IReadOnlyList<InstanceProcess> members)
    {
        var alive = members.Select(member => member.Status.VirtualPid).ToHashSet();
        foreach (var (pid, status, threads) in members)
        {
            found.Add(ResourceType.Process, Text(status.VirtualPid), Text(pid), status.VirtualPid, status.Name);
            foreach (var (host, virtualId) in threads) found.Add(ResourceType.Thread, Text(virtualId), Text(host), status.VirtualPid);
        }

        foreach (var (group, host) in members.Select(member => (member.Status.VirtualGroup, member.Status.Group)).Where(ids => ids.VirtualGroup > 0).Distinct().Order())
            found.Add(ResourceType.ProcessGroup, Text(group), Text(host), alive.Contains(group) ? group : 0);
        foreach (var (session, host) in members.Select(member => (member.Status.VirtualSession, member.Status.Session)).Where(ids => ids.VirtualSession > 0).Distinct().Order())
            found.Add(ResourceType.Session, Text(session), Text(host), alive.Contains(session) ? session : 0);
    }

    private static List<(int Host, int Virtual)> ThreadsOf(IProcReader proc, int pid, ProcStatus status)
    {
        if (status.Threads <= 1) return [(pid, status.VirtualPid)];
        var threads = new List<(int, int)>(status.Threads);
        foreach (var thread in proc.Threads(pid))
        {
            if (proc.Read(pid, $"task/{thread}/status") is { } text) threads.Add((thread, ProcStatus.VirtualPidOf(text)));
        }

        return threads;
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
