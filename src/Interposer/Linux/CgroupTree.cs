using System.Globalization;
using Vni.Actors;
using Vni.Actors.Applications;
using Vni.Actors.Identity;

namespace Vni.Interposer.Linux;

/// <summary>Where the hierarchies are mounted; a v1 controller is <c>null</c> where v1 does not have it.</summary>
/// <param name="Unified">The v2 hierarchy.</param>
/// <param name="MemoryV1">The v1 hierarchy of the memory controller.</param>
/// <param name="CpuV1">The v1 hierarchy of the cpu controller.</param>
internal sealed record CgroupMounts(string Unified, string? MemoryV1, string? CpuV1)
{
    /// <summary>Reads <c>/proc/self/mounts</c>, see fstab(5); <c>null</c> where there is no v2 hierarchy. That is
    /// <c>/sys/fs/cgroup</c>, or <c>/sys/fs/cgroup/unified</c> on machines that have both.</summary>
    public static CgroupMounts? Parse(string mounts)
    {
        string? unified = null, memory = null, cpu = null;
        foreach (var line in mounts.Split('\n'))
        {
            var fields = line.Split(' ');
            if (fields.Length < 4) continue;
            var options = fields[3].Split(',');
            if (fields[2] == "cgroup2") unified ??= Unescape(fields[1]);
            else if (fields[2] == "cgroup" && options.Contains("memory")) memory ??= Unescape(fields[1]);
            else if (fields[2] == "cgroup" && options.Contains("cpu")) cpu ??= Unescape(fields[1]);
        }

        return unified is null ? null : new CgroupMounts(unified, memory, cpu);
    }

    private static string Unescape(string path) =>
        path.Replace("\\040", " ").Replace("\\011", "\t").Replace("\\012", "\n").Replace("\\134", "\\");
}

/// <summary>
/// The cgroups of one node: <c>vni-NODE/AID</c> for the chain of an instance, and <c>vni-NODE/AID.visitors</c> beside it,
/// which is neither frozen nor dumped with it.
/// </summary>
internal sealed class CgroupTree
{
    private const string VisitorsSuffix = ".visitors"; // No AID holds a dot.
    private const string SessionsName = "criu.sessions";
    private readonly CgroupMounts _mounts;
    private readonly EpollLoop _loop;
    private readonly string _name;

    /// <exception cref="VniException"><see cref="ErrorCodes.NodeIncapable"/>: there is no v2 hierarchy.</exception>
    public CgroupTree(string node, EpollLoop loop)
        : this(node, loop, CgroupMounts.Parse(File.ReadAllText("/proc/self/mounts")))
    {
    }

    internal CgroupTree(string node, EpollLoop loop, CgroupMounts? mounts)
    {
        _mounts = mounts ?? throw new VniException(
            ErrorCodes.NodeIncapable, "this machine has no cgroup v2 hierarchy; mount one: mount -t cgroup2 none /sys/fs/cgroup");
        _loop = loop;
        _name = "vni-" + node;
    }

    /// <summary>The node's directory in the v2 hierarchy.</summary>
    public string Root => Path.Combine(_mounts.Unified, _name);

    /// <summary>
    /// Makes the cgroup of an instance, or takes the one that is there, and sets its limits: in v2 where it has the
    /// controller, else in v1.
    /// </summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.NodeIncapable"/>: neither has the controller of a limit.</exception>
    public Cgroup Create(Aid aid, ResourceLimits limits)
    {
        var existed = Directory.Exists(Path.Combine(Root, aid.Value));
        Directory.CreateDirectory(Path.Combine(Root, aid.Value));
        try
        {
            if (limits.Memory is { } bytes) LimitMemory(aid, bytes);
            if (limits.Cpus is { } cpus) LimitCpu(aid, cpus);
            return Find(aid);
        }
        catch
        {
            if (!existed)
            {
                foreach (var path in Find(aid).Directories.Reverse()) CgroupFile.RemoveDirectory(path);
            }

            throw;
        }
    }

    /// <summary>The cgroup of an instance, which may not exist.</summary>
    public Cgroup Find(Aid aid) => new(
        Path.Combine(Root, aid.Value),
        [.. new[] { _mounts.MemoryV1, _mounts.CpuV1 }.OfType<string>().Distinct().Select(m => Path.Combine(m, _name, aid.Value)).Where(Directory.Exists)],
        _loop);

    /// <summary>The cgroup of an instance's visitors, made if it does not exist.</summary>
    public Cgroup CreateVisitors(Aid aid)
    {
        var visitors = FindVisitors(aid);
        Directory.CreateDirectory(visitors.Directory);
        return visitors;
    }

    /// <summary>The cgroup of an instance's visitors, which may not exist.</summary>
    public Cgroup FindVisitors(Aid aid) => new(Path.Combine(Root, aid.Value + VisitorsSuffix), [], _loop);

    /// <summary>
    /// The cgroup of CRIU processes that dump: not in the instance's, or they would be frozen with it, and in one of
    /// their own so that the next daemon finds those that are still at work.
    /// </summary>
    public Cgroup CreateSessions()
    {
        var sessions = new Cgroup(Path.Combine(Root, SessionsName), [], _loop);
        Directory.CreateDirectory(sessions.Directory);
        return sessions;
    }

    /// <summary>The instances that have a cgroup, one for visitors alone included, in order of name.</summary>
    public IReadOnlyList<Aid> List()
    {
        if (!Directory.Exists(Root)) return [];
        var found = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var directory in Directory.EnumerateDirectories(Root))
        {
            var name = Path.GetFileName(directory);
            if (name.EndsWith(VisitorsSuffix, StringComparison.Ordinal)) name = name[..^VisitorsSuffix.Length];
            if (Aid.TryParse(name, out _)) found.Add(name);
        }

        return [.. found.Select(Aid.Parse)];
    }

    /// <summary>Removes the node's own directories if nothing is in them.</summary>
    public void RemoveIfEmpty()
    {
        foreach (var directory in new[] { _mounts.MemoryV1, _mounts.CpuV1 }.OfType<string>().Distinct().Select(m => Path.Combine(m, _name)).Append(Path.Combine(Root, SessionsName)).Append(Root))
        {
            try
            {
                CgroupFile.RemoveDirectory(directory);
            }
            catch (LinuxException e) when (e.Errno is Libc.EBUSY or Libc.ENOTEMPTY)
            {
                // Instances outlive the daemon.
            }
        }
    }

    /// <summary>Where a limit would be enforced, in words; <c>null</c>: nowhere.</summary>
    public string? Enforcer(string controller) =>
        (CgroupFile.TryRead(_mounts.Unified, "cgroup.controllers") ?? "").Split(' ', '\n').Contains(controller) ? "v2"
        : (controller == "memory" ? _mounts.MemoryV1 : _mounts.CpuV1) is not null ? "v1"
        : null;

    private void LimitMemory(Aid aid, long bytes)
    {
        var directory = DirectoryFor("memory", aid, _mounts.MemoryV1);
        CgroupFile.Write(directory, IsUnified(directory) ? "memory.max" : "memory.limit_in_bytes", bytes.ToString(CultureInfo.InvariantCulture));
    }

    private void LimitCpu(Aid aid, double cpus)
    {
        const int period = 100_000; // Microseconds; the kernel's default.
        var quota = Math.Max(1000, (long)Math.Round(cpus * period)); // The kernel takes no quota below a millisecond.
        var directory = DirectoryFor("cpu", aid, _mounts.CpuV1);
        if (IsUnified(directory))
        {
            CgroupFile.Write(directory, "cpu.max", $"{quota} {period}");
            return;
        }

        CgroupFile.Write(directory, "cpu.cfs_period_us", $"{period}");
        CgroupFile.Write(directory, "cpu.cfs_quota_us", $"{quota}");
    }

    /// <summary>The directory whose files limit an instance, made if it does not exist.</summary>
    private string DirectoryFor(string controller, Aid aid, string? v1)
    {
        switch (Enforcer(controller))
        {
            case "v2":
                // Children have a controller's files when their parent hands it down.
                CgroupFile.Write(_mounts.Unified, "cgroup.subtree_control", "+" + controller);
                CgroupFile.Write(Root, "cgroup.subtree_control", "+" + controller);
                return Path.Combine(Root, aid.Value);
            case "v1":
                return Directory.CreateDirectory(Path.Combine(v1!, _name, aid.Value)).FullName;
            default:
                throw new VniException(
                    ErrorCodes.NodeIncapable,
                    $"cannot limit the {controller} of application {aid}: this machine's kernel has no cgroup controller '{controller}' mounted or enabled; remove the limit, or boot with the controller");
        }
    }

    private bool IsUnified(string directory) => directory.StartsWith(Root + "/", StringComparison.Ordinal);
}
