namespace Vni.Interposer.Resources;

/// <summary>What of a live instance is known without looking into it.</summary>
/// <param name="InitPid">Its first process, on the node.</param>
/// <param name="Pids">The members of its cgroup; those outside its PID namespace, such as CRIU, are left out of everything.</param>
/// <param name="Port">Name of its port on the node.</param>
/// <param name="Cgroup">Its cgroup's directory.</param>
internal sealed record InstanceOnNode(int InitPid, IReadOnlyList<int> Pids, string Port, string Cgroup);
