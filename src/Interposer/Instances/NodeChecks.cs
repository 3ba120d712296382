using System.Globalization;
using Vni.Actors.Interposition;

namespace Vni.Interposer.Instances;

/// <summary>Says in plain words what this machine can and cannot do, with a remedy for what it cannot.</summary>
internal sealed class NodeChecks(NodeProbe probe)
{
    private const long LazyPipe = 64 << 20, EnoughDisk = 1L << 30;
    private static readonly Version OldestKernel = new(5, 14); // cgroup.kill; clone3, openat2 and time namespaces are older.
    private static readonly Version OldestCriu = new(4, 2); // Earlier ones cannot dump TCP sockets of kernels from 6.16 on.

    /// <summary>Looks at everything; takes less than a second, most of it CRIU's.</summary>
    public async Task<IReadOnlyList<NodeCheck>> CheckAsync(CancellationToken cancellationToken) =>
        Judge(await probe.LookAsync(cancellationToken).ConfigureAwait(false));

    /// <summary>What the facts mean.</summary>
    internal static IReadOnlyList<NodeCheck> Judge(NodeFacts f) =>
    [
        Required("privileges", f.Root, f.Root ? "running as root" : "not running as root", "run vnid as root, for instance by its systemd unit"),
        Required("kernel", AtLeast(f.Kernel, OldestKernel), $"Linux {f.Kernel}", $"boot Linux {OldestKernel} or later"),
        Required(
            "namespaces",
            f.MissingNamespaces.Count == 0,
            f.MissingNamespaces.Count == 0 ? "user, net, pid, ipc, uts, mnt and time" : $"missing: {string.Join(", ", f.MissingNamespaces)}",
            "boot a kernel with CONFIG_NAMESPACES, CONFIG_USER_NS and CONFIG_TIME_NS, and allow user namespaces (sysctl user.max_user_namespaces)"),
        Required("overlay file system", f.Overlay, f.Overlay ? "available" : "not available", "load it: modprobe overlay"),
        Advisory(
            "root file system",
            f.SeparateFileSystems.Count == 0,
            f.SeparateFileSystems.Count == 0 ? "programs and libraries lie on the file system of /" : $"{string.Join(", ", f.SeparateFileSystems)} on other file systems than /: instances see empty directories there",
            "give applications a root directory that holds everything they need (root: in application.yaml)"),
        Required(
            "cgroup v2",
            f.Cgroups is not null,
            f.Cgroups is null ? "not mounted" : $"mounted at {f.Cgroups}",
            "mount it: mkdir -p /sys/fs/cgroup/unified && mount -t cgroup2 none /sys/fs/cgroup/unified, or boot with systemd.unified_cgroup_hierarchy=1"),
        Limit("memory limits", f.MemoryLimits, "memory"),
        Limit("processor limits", f.CpuLimits, "cpu"),
        Required("network devices", f.LinkFailure is null, f.LinkFailure ?? "bridge, veth and tap can be made", "load the modules: modprobe -a bridge veth tun"),
        new NodeCheck(
            "IPv6",
            f.Ipv6 || !f.WantsIpv6,
            f.WantsIpv6,
            (f.Ipv6, f.WantsIpv6) switch { (true, true) => "available", (true, false) => "available, not configured", _ => "not available: the kernel does not speak it" },
            f.Ipv6 || !f.WantsIpv6 ? null : "boot without ipv6.disable=1, or take network.subnet6 out of the configuration"),
        Required(
            "CRIU",
            f.CriuVersion is not null && AtLeast(f.CriuVersion, OldestCriu),
            f.CriuVersion is null ? $"'{f.CriuPath}' does not exist or does not run" : $"version {f.CriuVersion}",
            $"install CRIU {OldestCriu} or later: make setup"),
        Required("CRIU on this kernel", f.CriuVersion is not null && f.CriuComplaint is null, f.CriuComplaint ?? "'criu check' finds nothing missing", "see https://criu.org/Linux_kernel for the options that the kernel must have"),
        Advisory(
            "iterative pre-copy",
            f.DirtyTracking,
            f.DirtyTracking ? "the kernel tracks changed pages" : "not available: the kernel does not track changed pages; snapshots are taken in one step",
            "boot a kernel with CONFIG_MEM_SOFT_DIRTY to shorten the freeze of large applications"),
        Advisory(
            "resource limits of processes",
            f.SysResource,
            f.SysResource ? "CAP_SYS_RESOURCE is there" : "CAP_SYS_RESOURCE is missing: restored processes keep the daemon's hard limits where theirs were higher",
            "start vnid with CAP_SYS_RESOURCE, if applications raise their limits"),
        LazyRestore(f),
        Advisory(
            "disk space",
            f.FreeBytes >= EnoughDisk,
            f.FreeBytes < 0 ? $"{f.StateDirectory} does not exist yet" : $"{f.FreeBytes / (1 << 20)} MiB free in {f.StateDirectory}",
            "free some: a snapshot takes about as much as the application's memory, and the previous one is kept until the new one is complete"),
    ];

    /// <summary>Compares the leading numbers, so that a distribution's suffix does not matter.</summary>
    internal static bool AtLeast(string version, Version oldest)
    {
        var parts = version.Split('.', '-', '+', ' ');
        return parts.Length >= 2
            && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var major)
            && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var minor)
            && new Version(major, minor) >= oldest;
    }

    private static NodeCheck LazyRestore(NodeFacts f)
    {
        var wrong = new List<string>();
        if (f.PipeUserPages != 0) wrong.Add("fs.pipe-user-pages-soft=0");
        if (f.PipeMaximum < LazyPipe) wrong.Add($"fs.pipe-max-size={LazyPipe}");
        if (f.UserFaults == 0) wrong.Add("vm.unprivileged_userfaultfd=1");
        return f.UserFaults < 0
            ? Advisory("lazy restore", false, "the kernel has no userfaultfd: memory is restored before processes run", "boot a kernel with CONFIG_USERFAULTFD")
            : Advisory("lazy restore", wrong.Count == 0, wrong.Count == 0 ? "userfaultfd and large pipes are allowed" : "limits of the kernel are too low for it", $"sysctl -w {string.Join(' ', wrong)}, or make setup");
    }

    private static NodeCheck Limit(string name, string? where, string controller) => Advisory(
        name,
        where is not null,
        where is null ? $"no cgroup controller '{controller}': applications with such a limit are refused" : $"enforced by cgroup {where}",
        $"boot with the controller enabled (not with cgroup_disable={controller})");

    private static NodeCheck Required(string name, bool ok, string found, string remedy) => new(name, ok, true, found, ok ? null : remedy);

    private static NodeCheck Advisory(string name, bool ok, string found, string remedy) => new(name, ok, false, found, ok ? null : remedy);
}
