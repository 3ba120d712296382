namespace Vni.Interposer.Checkpoint;

/// <summary>An overlay as CRIU's own mount namespace gets it; see <c>Documentation/filesystems/overlayfs.rst</c> in Linux.</summary>
/// <param name="Lower">The node's directory, never written.</param>
/// <param name="Upper">The instance's layer.</param>
/// <param name="Work">Overlayfs's own directory.</param>
/// <param name="Root">Where it is mounted.</param>
internal sealed record OverlayMount(string Lower, string Upper, string Work, string Root);

/// <summary>How CRIU is started: through the harness, which gives it a private mount namespace whose <c>/run</c> is a small
/// tmpfs directory (CRIU then keeps what it learns of the kernel, 45 ms a start) and puts it into the instance's cgroups.</summary>
internal sealed record CriuLaunch
{
    /// <summary>Path of the harness.</summary>
    public required string HarnessPath { get; init; }

    /// <summary>Path of CRIU.</summary>
    public required string CriuPath { get; init; }

    /// <summary>Directory on a tmpfs; one for all runs.</summary>
    public required string RuntimeDirectory { get; init; }

    /// <summary>Cgroup directories that restored processes are born in; none for a dump, where CRIU must not be frozen.</summary>
    public IReadOnlyList<string> Cgroups { get; init; } = [];

    /// <summary>The root of the tree that is restored; <c>null</c> for a dump.</summary>
    public OverlayMount? Overlay { get; init; }

    /// <summary>Arguments of the harness.</summary>
    public IReadOnlyList<string> Arguments(int socket)
    {
        var arguments = new List<string> { "criu", "--run", RuntimeDirectory };
        foreach (var cgroup in Cgroups) arguments.AddRange(["--cgroup", cgroup]);
        if (Overlay is { } o) arguments.AddRange(["--overlay", o.Lower, o.Upper, o.Work, o.Root]);

        // A configuration file of the node's must not change what a snapshot holds.
        arguments.AddRange(["--", CriuPath, "--no-default-config", "swrk", socket.ToString()]);
        return arguments;
    }
}
