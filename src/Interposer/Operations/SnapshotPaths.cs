namespace Vni.Interposer.Operations;

/// <summary>
/// Where a snapshot is on the node's disk. It is written under another name and renamed when it is complete, so a
/// directory of the final name is complete.
/// </summary>
internal sealed class SnapshotPaths(InterposerOptions options, string id)
{
    /// <summary>Ending of the name while it is written; no snapshot id ends so.</summary>
    public const string DraftSuffix = ".draft";

    /// <summary>The directory of all snapshots of a node.</summary>
    public static string All(InterposerOptions options) => Path.Combine(options.StateDirectory, "snapshots");

    /// <summary>Its final directory.</summary>
    public string Directory { get; } = Path.Combine(All(options), id);

    /// <summary>Its directory while it is written.</summary>
    public string Draft => Directory + DraftSuffix;

    /// <summary>Name of the directory of CRIU's images within it.</summary>
    public const string Images = "images";

    /// <summary>Name of the archive of the layer within it.</summary>
    public const string Layer = "layer.tar";
}
