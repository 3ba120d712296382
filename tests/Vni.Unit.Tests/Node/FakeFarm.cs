using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Vni.Actors.Farms;
using Vni.Actors.Identity;
using Vni.Actors.Messages;

namespace Vni.Unit.Tests.Node;

/// <summary>A farm of node <c>n1</c>, which records what it is asked and fails as told.</summary>
internal sealed class FakeFarm : IFarmService
{
    internal List<object> Calls { get; } = [];

    /// <summary>What every operation throws.</summary>
    internal Exception? Failure { get; set; }

    internal Channel<FarmEvent> Events { get; } = Channel.CreateUnbounded<FarmEvent>();

    internal Channel<DrainProgress> Draining { get; } = Channel.CreateUnbounded<DrainProgress>();

    /// <summary>Completed when the last line of a drain has been asked for.</summary>
    internal TaskCompletionSource Drained { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<ClusterView> GetClusterAsync(CancellationToken cancellationToken) => Done("cluster", new ClusterView { Farm = "lab", Node = "n1", Registry = "sqlite" });

    public Task<IReadOnlyList<NodeView>> ListNodesAsync(CancellationToken cancellationToken) =>
        Done<IReadOnlyList<NodeView>>("nodes", [new NodeView { Node = "n1", Status = "up" }]);

    public Task<MigrationView> MigrateAsync(Aid aid, MigrateRequest request, CancellationToken cancellationToken) =>
        Done((object)(aid.Value, request), new MigrationView { Application = FakeApplications.Example(aid.Value), From = "n1", To = request.Node });

    public async IAsyncEnumerable<DrainProgress> DrainAsync(string node, DrainRequest request, bool leave, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Done($"drain {node} {leave} {request.WaitSeconds} {request.CloseVisitors}", 0);
        await foreach (var line in Draining.Reader.ReadAllAsync(cancellationToken)) yield return line;
        Drained.TrySetResult();
    }

    public Task DownAsync(string node, bool force, CancellationToken cancellationToken) => Done($"down {node} {force}", 0);

    public IAsyncEnumerable<FarmEvent> WatchAsync(CancellationToken cancellationToken) => Events.Reader.ReadAllAsync(cancellationToken);

    public IReadOnlyList<string> ListActors() => ["/node", "/node/web"];

    public Task<IReadOnlyList<ShardView>> ListShardsAsync(CancellationToken cancellationToken) =>
        Done<IReadOnlyList<ShardView>>("shards", [new ShardView("web", "n1", 3, "running", Owned: true)]);

    public Task<IReadOnlyList<RegistryPairView>> ReadRegistryAsync(string prefix, int limit, CancellationToken cancellationToken) =>
        Done<IReadOnlyList<RegistryPairView>>($"registry {prefix} {limit}", [new RegistryPairView("k", "v", 7, 0)]);

    private Task<T> Done<T>(object call, T answer)
    {
        lock (Calls) Calls.Add(call);
        return Failure is null ? Task.FromResult(answer) : throw Failure;
    }
}
