using Vni.Interposer.Checkpoint;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Operations;

/// <summary>A process in an instance's cgroup.</summary>
/// <param name="Pid">On the node.</param>
/// <param name="VirtualPid">In the instance; <c>null</c> for a process of the node, such as CRIU.</param>
/// <param name="IsHarness">Whether it has become the harness: between clone(2) and that it is still what made it.</param>
internal sealed record InstanceMember(int Pid, int? VirtualPid, bool IsHarness)
{
    /// <summary>Reads <c>/proc/PID/status</c> and <c>/proc/PID/cmdline</c>; <c>null</c> when the process has ended.</summary>
    public static InstanceMember? TryRead(int pid)
    {
        var status = ProcFile.TryRead($"/proc/{pid}/status");
        var command = ProcFile.TryRead($"/proc/{pid}/cmdline");
        if (status is null || command is null) return null;
        var parsed = new ProcStatus(status);
        return parsed.State == 'Z' ? null : new InstanceMember(
            pid,
            parsed.Depth > 1 ? parsed.VirtualPid : null,
            command.StartsWith("appshot\0init\0", StringComparison.Ordinal));
    }
}
