namespace Vni.Cluster.Registry.Sqlite;

/// <summary>How the embedded registry is opened.</summary>
public sealed record SqliteRegistryOptions
{
    /// <summary>A store that lives as long as the object.</summary>
    public const string InMemory = ":memory:";

    /// <summary>The database file, made if absent (mode 0600) in an existing directory; or <see cref="InMemory"/>.</summary>
    public required string Path { get; init; }

    /// <summary>The clock of leases.</summary>
    /// <value>Default: the system's.</value>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>At least so many of the newest revisions are kept for watches that start in the past.</summary>
    /// <value>Default 10,000, minimum 1.</value>
    public int KeptRevisions { get; init; } = 10_000;

    /// <summary>Whether leases begin anew when the store is opened, as etcd's do under a new leader: for a store that others reach over
    /// the network, who could not renew them while it was closed.</summary>
    /// <value>Default <c>false</c>: the time that the store was closed counts.</value>
    public bool RenewLeasesAtOpening { get; init; }
}
