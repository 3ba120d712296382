using Vni.Actors.Identity;

namespace Vni.Interposer.Instances;

/// <summary>Where the things of one instance are on the node's disk.</summary>
internal sealed class InstancePaths(InterposerOptions options, Aid aid)
{
    /// <summary>Everything of the instance but its snapshots.</summary>
    public string Directory { get; } = Path.Combine(options.StateDirectory, "instances", aid.Value);

    /// <summary>The instance's own layer: what it changed, and the files that personalise and mask its root.</summary>
    public string Upper => Path.Combine(Directory, "upper");

    /// <summary>Overlayfs's work directory, on the same file system.</summary>
    public string Work => Path.Combine(Directory, "work");

    /// <summary>Empty directory on which the overlay is mounted, in private mount namespaces only.</summary>
    public string Root => Path.Combine(Directory, "root");

    /// <summary>The harness's own directory, which is <c>/.vni</c> in the instance.</summary>
    public string Harness => Path.Combine(Upper, ".vni");

    /// <summary>Log of a process of the chain; <c>/var/log/vni/NAME.log</c> in the instance.</summary>
    public string Log(string process) => Path.Combine(Upper, "var/log/vni", process + ".log");
}
