using Vni.Actors;
using Vni.Actors.Farms;
using Vni.Actors.Identity;
using Vni.Actors.Messages;

namespace Vni.Node.Hosting;

/// <summary>The farm of a node that belongs to none.</summary>
internal sealed class LoneNode : IFarmService
{
    public Task<ClusterView> GetClusterAsync(CancellationToken cancellationToken) => throw Alone();

    public Task<IReadOnlyList<NodeView>> ListNodesAsync(CancellationToken cancellationToken) => throw Alone();

    public Task<MigrationView> MigrateAsync(Aid aid, MigrateRequest request, CancellationToken cancellationToken) => throw Alone();

    public IAsyncEnumerable<DrainProgress> DrainAsync(string node, bool leave, CancellationToken cancellationToken) => throw Alone();

    public Task DownAsync(string node, bool force, CancellationToken cancellationToken) => throw Alone();

    public IAsyncEnumerable<FarmEvent> WatchAsync(CancellationToken cancellationToken) => throw Alone();

    public IReadOnlyList<string> ListActors() => throw Alone();

    public Task<IReadOnlyList<ShardView>> ListShardsAsync(CancellationToken cancellationToken) => throw Alone();

    public Task<IReadOnlyList<RegistryPairView>> ReadRegistryAsync(string prefix, int limit, CancellationToken cancellationToken) => throw Alone();

    private static VniException Alone() => new(ErrorCodes.NodeIncapable, "this node belongs to no farm");
}
