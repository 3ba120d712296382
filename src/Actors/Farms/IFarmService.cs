using Vni.Actors.Identity;
using Vni.Actors.Messages;

namespace Vni.Actors.Farms;

/// <summary>
/// What a node can tell about its farm and do in it, for whoever speaks to users. Every method throws
/// <see cref="VniException"/> for what is refused; a failed operation has changed nothing.
/// </summary>
public interface IFarmService
{
    /// <summary>The farm at a glance.</summary>
    Task<ClusterView> GetClusterAsync(CancellationToken cancellationToken);

    /// <summary>All nodes, in order of name.</summary>
    Task<IReadOnlyList<NodeView>> ListNodesAsync(CancellationToken cancellationToken);

    /// <summary>Moves an application to another node.</summary>
    Task<MigrationView> MigrateAsync(Aid aid, MigrateRequest request, CancellationToken cancellationToken);

    /// <summary>Moves every application away from a node; <paramref name="leave"/>: its daemon then leaves the farm and ends.</summary>
    IAsyncEnumerable<DrainProgress> DrainAsync(string node, DrainRequest request, bool leave, CancellationToken cancellationToken);

    /// <summary>Gives a dead node up before its lease expires, so that its applications are recovered at once. One that answers is
    /// told to freeze everything first; one that does not is given up only with <paramref name="force"/>, the operator's word that it is off.</summary>
    Task DownAsync(string node, bool force, CancellationToken cancellationToken);

    /// <summary>What happens in the farm from now on, until the caller cancels.</summary>
    IAsyncEnumerable<FarmEvent> WatchAsync(CancellationToken cancellationToken);

    /// <summary>Paths of the actors of the node that is asked, parents before children.</summary>
    IReadOnlyList<string> ListActors();

    /// <summary>Where the actors of all applications are.</summary>
    Task<IReadOnlyList<ShardView>> ListShardsAsync(CancellationToken cancellationToken);

    /// <summary>The registry's pairs under a prefix of the farm, at most <paramref name="limit"/>.</summary>
    Task<IReadOnlyList<RegistryPairView>> ReadRegistryAsync(string prefix, int limit, CancellationToken cancellationToken);
}
