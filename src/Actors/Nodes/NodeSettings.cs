using Vni.Actors.Identity;

namespace Vni.Actors.Nodes;

/// <summary>What the domain must know of its node.</summary>
public sealed record NodeSettings
{
    /// <summary>Name of the node in its farm, a DNS label.</summary>
    public required string Node { get; init; }

    /// <summary>The addresses that applications may have.</summary>
    public required AddressRange Addresses { get; init; }

    /// <summary>The IPv6 addresses that applications may have besides; <c>null</c>: they get none.</summary>
    public AddressRange6? Addresses6 { get; init; }

    /// <summary>Complete snapshots kept for each application.</summary>
    /// <value>Default 3, minimum 1.</value>
    public int KeepSnapshots { get; init; } = 3;

    /// <summary>How long after its completion a snapshot is brought to disk, unless that was asked for at once: a restore in
    /// place, which often follows, need not share the disk with it.</summary>
    /// <value>Default 5 s.</value>
    public TimeSpan SyncDelay { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long after an operation an instance's resource ids are looked at, how soon after that they are written, and how
    /// old they may be when someone lists them.</summary>
    /// <value>Default 1 s.</value>
    public TimeSpan ResourceDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Whether the registry is shared with other nodes, which may act when this one is silent: then instances run only
    /// as long as the node's lease certainly lives.</summary>
    public bool Shared { get; init; }

    /// <summary>Version of the daemon.</summary>
    public string Version { get; init; } = "";

    /// <summary>Where other nodes reach this one, <c>host:port</c>; <c>null</c>: not at all.</summary>
    public string? Endpoint { get; init; }

    /// <summary>Processors of the machine.</summary>
    public int Cpus { get; init; }

    /// <summary>Bytes of memory of the machine.</summary>
    public long Memory { get; init; }

    /// <summary>What the operator says about the node.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>A directory that all nodes share, into which checkpoints are copied; <c>null</c>: they are copied to another node.</summary>
    public string? SharedSnapshots { get; init; }

    /// <summary>Time between looks at what a silent peer has made of a hand-off.</summary>
    /// <value>Default 100 ms.</value>
    public TimeSpan HandOffPoll { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>After how long without a word of the source a target looks whether the hand-off is still wanted.</summary>
    /// <value>Default 5 s.</value>
    public TimeSpan HandOffQuiet { get; init; } = TimeSpan.FromSeconds(5);

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
