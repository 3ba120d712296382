using Vni.Actors.Identity;

namespace Vni.Actors.Nodes;

/// <summary>What the domain must know of its node.</summary>
public sealed record NodeSettings
{
    /// <summary>Name of the node in its farm, a DNS label.</summary>
    public required string Node { get; init; }

    /// <summary>The addresses that applications may have.</summary>
    public required AddressRange Addresses { get; init; }

    /// <summary>Complete snapshots kept for each application.</summary>
    /// <value>Default 3, minimum 1.</value>
    public int KeepSnapshots { get; init; } = 3;

    /// <summary>How long after its completion a snapshot is brought to disk, unless that was asked for at once: a restore in
    /// place, which often follows, need not share the disk with it.</summary>
    /// <value>Default 5 s.</value>
    public TimeSpan SyncDelay { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long the node's records outlive a silent node, in whole seconds.</summary>
    /// <value>Default 10 s, minimum 3 s.</value>
    public TimeSpan LeaseTimeToLive { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a graceful stop waits for operations that are under way.</summary>
    /// <value>Default 30 s.</value>
    public TimeSpan DrainTime { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Time between attempts to reach a registry that does not answer, and to bring back an actor that failed.</summary>
    /// <value>Default 1 s.</value>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromSeconds(1);
}
