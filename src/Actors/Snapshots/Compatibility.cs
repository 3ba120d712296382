namespace Vni.Actors.Snapshots;

/// <summary>Whether processes that were saved on one node can go on on another [A10].</summary>
public static class Compatibility
{
    /// <summary>What the node lacks, one phrase each; empty: nothing. The kernel's version is no criterion: CRIU uses only
    /// interfaces that stay.</summary>
    /// <param name="snapshot">Where the processes were saved.</param>
    /// <param name="node">Where they are to go on.</param>
    public static IReadOnlyList<string> Check(PlatformFacts snapshot, PlatformFacts node)
    {
        var found = new List<string>();
        if (snapshot.Architecture != node.Architecture)
        {
            found.Add($"it was taken on architecture {snapshot.Architecture} and the node is {node.Architecture}");
            return found; // Features of different architectures have nothing in common.
        }

        var missing = snapshot.CpuFeatures.Except(node.CpuFeatures, StringComparer.Ordinal).ToList();
        if (missing.Count > 0) found.Add($"the node's processor ({node.CpuModel}) lacks {string.Join(", ", missing)}, which the processes may use");
        if (ParseVersion(node.Criu) < ParseVersion(snapshot.Criu)) found.Add($"it was taken with CRIU {snapshot.Criu} and the node has {node.Criu}");
        return found;
    }

    /// <summary>An unreadable version counts as the oldest.</summary>
    private static Version ParseVersion(string text) => Version.TryParse(text, out var version)
        ? new Version(version.Major, version.Minor, Math.Max(0, version.Build))
        : new Version(0, 0, 0);
}
