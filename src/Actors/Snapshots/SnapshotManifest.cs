using Vni.Actors.Applications;
using Vni.Actors.Identity;
using Vni.Actors.Resources;

namespace Vni.Actors.Snapshots;

/// <summary>
/// <c>manifest.json</c> of a snapshot directory: written last, synced, renamed into place. A directory without a valid
/// one is no snapshot. <c>docs/snapshot-format.md</c> describes every field.
/// </summary>
public sealed record SnapshotManifest
{
    /// <summary>Version of this format.</summary>
    public int Format { get; init; } = 1;

    /// <summary>Name of the snapshot: AID, a dot, and 12 base-32 digits that grow with time.</summary>
    public required string Id { get; init; }

    /// <summary>The application.</summary>
    public required Aid Aid { get; init; }

    /// <summary>When it was frozen.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>The node that took it.</summary>
    public required string Node { get; init; }

    /// <summary>Epoch of the owner that took it.</summary>
    public required long Epoch { get; init; }

    /// <summary>The declaration, as run.</summary>
    public required ApplicationDeclaration Declaration { get; init; }

    /// <summary>Programs that had joined it; <c>null</c>: none.</summary>
    public IReadOnlyList<ProcessDeclaration>? Joined { get; init; }

    /// <summary>Address, MAC and hostname.</summary>
    public required VirtualIdentity Identity { get; init; }

    /// <summary>What a node must offer to restore it.</summary>
    public required PlatformFacts Platform { get; init; }

    /// <summary>Every virtual resource id, with the values that must be the same after a restore.</summary>
    public required ResourceTable Resources { get; init; }

    /// <summary>The peers that the instance had talked to, so that it need not ask anew.</summary>
    public IReadOnlyList<Neighbour> Neighbours { get; init; } = [];

    /// <summary>Every other file of the directory, in ordinal order of name.</summary>
    public required IReadOnlyList<SnapshotFile> Files { get; init; }
}

/// <param name="Name">Relative path with forward slashes; no <c>.</c> or <c>..</c>.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Sha256">Lower-case hexadecimal digest of the content (FIPS 180-4).</param>
public sealed record SnapshotFile(string Name, long Size, string Sha256);

/// <param name="Ip">Address of the peer.</param>
/// <param name="Mac">Its MAC.</param>
public sealed record Neighbour(string Ip, string Mac);

/// <summary>What processes depend on and cannot carry with them [A10].</summary>
public sealed record PlatformFacts
{
    /// <summary>As <c>uname -m</c> gives it.</summary>
    public required string Architecture { get; init; }

    /// <summary>As <c>uname -r</c> gives it.</summary>
    public required string Kernel { get; init; }

    /// <summary>CRIU's version.</summary>
    public required string Criu { get; init; }

    /// <summary>Model name, for people.</summary>
    public string CpuModel { get; init; } = "";

    /// <summary>The flags of <c>/proc/cpuinfo</c> that programs can see and use, sorted.</summary>
    public required IReadOnlyList<string> CpuFeatures { get; init; }
}

/// <summary>What the registry holds under <c>snapshots/ID</c>.</summary>
/// <param name="Id">Name of the snapshot.</param>
/// <param name="Aid">The application.</param>
/// <param name="Node">The node whose disk holds it.</param>
/// <param name="Created">When the application was frozen.</param>
/// <param name="Size">Bytes of all files.</param>
/// <param name="ManifestSha256">Digest of <c>manifest.json</c>, so that an edited one is recognised.</param>
/// <param name="Durable">Whether it is known to be on disk, and so would survive a power failure.</param>
public sealed record SnapshotRecord(string Id, Aid Aid, string Node, DateTimeOffset Created, long Size, string ManifestSha256, bool Durable)
{
    /// <summary>Other nodes whose disks hold it too; <c>null</c> in records of old: none.</summary>
    public IReadOnlyList<string>? Copies { get; init; }

    /// <summary>Whether it is in the directory that all nodes share.</summary>
    public bool Shared { get; init; }

    /// <summary>Programs that had joined it; <c>null</c>: none.</summary>
    public IReadOnlyList<ProcessDeclaration>? Joined { get; init; }

    /// <summary>All nodes whose disks hold it.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public IEnumerable<string> Holders => Copies is null ? [Node] : Copies.Prepend(Node);

    /// <summary>Whether it is still there when one node is lost.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public bool Outlives => Shared || Copies is [_, ..];
}
