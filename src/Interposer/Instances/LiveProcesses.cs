using System.Globalization;
using Vni.Actors.Interposition;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Instances;

/// <summary>Looks at the processes of an instance through the node's <c>/proc</c>; proc_pid_status(5).</summary>
internal static class LiveProcesses
{
    /// <summary>The members of a cgroup that live, in order of virtual pid.</summary>
    /// <param name="cgroup">The instance's.</param>
    /// <param name="names">Names in the declaration, by virtual pid.</param>
    public static IReadOnlyList<LiveProcess> List(Cgroup cgroup, IReadOnlyDictionary<int, string> names)
    {
        var found = new List<Status>();
        foreach (var pid in cgroup.Pids())
        {
            if (ProcFile.TryRead($"/proc/{pid}/status") is { } text && Status.Parse(text) is { } status) found.Add(status);
        }

        var virtualPids = found.ToDictionary(s => s.HostPid, s => s.Pid);
        return [.. found.OrderBy(s => s.Pid).Select(s => new LiveProcess(
            s.Pid,
            s.HostPid,
            virtualPids.GetValueOrDefault(s.HostParent), // 0 for the harness: its parent is outside.
            names.GetValueOrDefault(s.Pid),
            CommandOf(s),
            s.Threads,
            s.Memory))];
    }

    private static string CommandOf(Status status)
    {
        var arguments = (ProcFile.TryRead($"/proc/{status.HostPid}/cmdline") ?? "").TrimEnd('\0').Replace('\0', ' ');
        return arguments.Length > 0 ? arguments : $"[{status.Name}]";
    }

    /// <summary>What is used of <c>/proc/PID/status</c>.</summary>
    internal sealed record Status(string Name, int HostPid, int Pid, int HostParent, int Threads, long Memory)
    {
        /// <summary><c>null</c> for a process that has ended and waits to be reaped.</summary>
        public static Status? Parse(string text)
        {
            var fields = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (var line in text.Split('\n'))
            {
                var colon = line.IndexOf(':', StringComparison.Ordinal);
                if (colon > 0) fields[line[..colon]] = line[(colon + 1)..].Trim();
            }

            if (fields.GetValueOrDefault("State", "Z").StartsWith('Z')) return null;
            var pids = fields["NSpid"].Split('\t'); // One per PID namespace, from the reader's to the process's own.
            return new Status(
                fields["Name"],
                Number(pids[0]),
                Number(pids[^1]),
                Number(fields["PPid"]),
                Number(fields["Threads"]),
                fields.TryGetValue("VmRSS", out var memory) ? Number(memory.Split(' ')[0]) * 1024L : 0);
        }

        private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
    }
}
