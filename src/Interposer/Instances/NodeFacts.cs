namespace Vni.Interposer.Instances;

/// <summary>What was found out about this machine, before anything is made of it.</summary>
internal sealed record NodeFacts
{
    /// <summary>Effective user 0.</summary>
    public required bool Root { get; init; }

    /// <summary>As <c>uname -r</c> gives it.</summary>
    public required string Kernel { get; init; }

    /// <summary>Kinds that the kernel does not have, by their names in <c>/proc/PID/ns</c>.</summary>
    public required IReadOnlyList<string> MissingNamespaces { get; init; }

    /// <summary>Whether <c>/proc/filesystems</c> has overlay.</summary>
    public required bool Overlay { get; init; }

    /// <summary>Directories that hold files of programs but lie on another file system than <c>/</c>, so that the overlay
    /// does not show what is in them.</summary>
    public required IReadOnlyList<string> SeparateFileSystems { get; init; }

    /// <summary>Where cgroup v2 is mounted; <c>null</c>: nowhere.</summary>
    public required string? Cgroups { get; init; }

    /// <summary><c>v1</c>, <c>v2</c>, or <c>null</c> where memory cannot be limited.</summary>
    public required string? MemoryLimits { get; init; }

    /// <summary><c>v1</c>, <c>v2</c>, or <c>null</c> where processor time cannot be limited.</summary>
    public required string? CpuLimits { get; init; }

    /// <summary>What the kernel said when a bridge, a veth pair and a tap were made; <c>null</c>: it made them.</summary>
    public required string? LinkFailure { get; init; }

    /// <summary>Whether the kernel speaks IPv6.</summary>
    public required bool Ipv6 { get; init; }

    /// <summary>Whether the configuration gives applications IPv6 addresses.</summary>
    public required bool WantsIpv6 { get; init; }

    /// <summary>Path of CRIU.</summary>
    public required string CriuPath { get; init; }

    /// <summary>Its version; <c>null</c>: it is not there or does not run.</summary>
    public required string? CriuVersion { get; init; }

    /// <summary>What <c>criu check</c> complained of; <c>null</c>: nothing.</summary>
    public required string? CriuComplaint { get; init; }

    /// <summary>Whether the kernel tracks changed pages.</summary>
    public required bool DirtyTracking { get; init; }

    /// <summary>CAP_SYS_RESOURCE.</summary>
    public required bool SysResource { get; init; }

    /// <summary><c>fs.pipe-user-pages-soft</c>; -1: not there.</summary>
    public required long PipeUserPages { get; init; }

    /// <summary><c>fs.pipe-max-size</c>, bytes; -1: not there.</summary>
    public required long PipeMaximum { get; init; }

    /// <summary><c>vm.unprivileged_userfaultfd</c>; -1: the kernel has no userfaultfd.</summary>
    public required long UserFaults { get; init; }

    /// <summary>Where layers and snapshots are.</summary>
    public required string StateDirectory { get; init; }

    /// <summary>Free bytes there; -1: the directory does not exist.</summary>
    public required long FreeBytes { get; init; }
}
