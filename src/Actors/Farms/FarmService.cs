using System.Runtime.CompilerServices;
using System.Text;
using System.Threading.Channels;
using Vni.Actors.Applications;
using Vni.Actors.HandOffs;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Actors.Kernel;
using Vni.Actors.Messages;
using Vni.Actors.Messaging;
using Vni.Actors.Nodes;
using Vni.Actors.Registry;

namespace Vni.Actors.Farms;

/// <inheritdoc cref="IFarmService" />
/// <param name="system">The node's actors.</param>
/// <param name="registry">The farm's store.</param>
/// <param name="status">How the store is.</param>
/// <param name="keys">Its keys.</param>
/// <param name="farm">The farm's name.</param>
/// <param name="seeds">The registry's addresses; empty: it is in the daemon.</param>
/// <param name="applications">What is done to applications.</param>
/// <param name="members">The live nodes.</param>
/// <param name="messenger">To them.</param>
/// <param name="settings">This node.</param>
/// <param name="time">The clock.</param>
public sealed class FarmService(
    ActorSystem system, IRegistry registry, IRegistryStatus status, RegistryKeys keys, string farm, IReadOnlyList<string> seeds,
    ApplicationService applications, MemberDirectory members, INodeMessenger messenger, NodeSettings settings, TimeProvider time) : IFarmService
{
    /// <summary>Applications of a node that are moved at the same time.</summary>
    private const int DrainWidth = 2;

    private static readonly TimeSpan Brief = TimeSpan.FromSeconds(5);

    /// <inheritdoc />
    public Task<ClusterView> GetClusterAsync(CancellationToken cancellationToken) => GuardAsync(async () =>
    {
        var (states, live, leader) = await ReadAsync(cancellationToken);
        var store = await status.GetStatusAsync(cancellationToken);
        return new ClusterView
        {
            Farm = farm,
            Node = settings.Node,
            Leader = leader,
            Registry = store.Version.Split(' ')[0],
            RegistryVersion = store.Version.Split(' ')[^1],
            Seeds = seeds.Count == 0 ? [] : [store.Endpoint, .. seeds.Where(seed => !Same(seed, store.Endpoint))],
            Revision = store.Revision,
            LeaseSeconds = settings.LeaseTimeToLive.TotalSeconds,
            Nodes = Describe(states, live, leader),
            Applications = states.GroupBy(state => ApplicationSentences.Name(state.Status)).OrderBy(group => group.Key, StringComparer.Ordinal).ToDictionary(group => group.Key, group => group.Count()),
        };
    });

    /// <inheritdoc />
    public Task<IReadOnlyList<NodeView>> ListNodesAsync(CancellationToken cancellationToken) => GuardAsync(async () =>
    {
        var (states, live, leader) = await ReadAsync(cancellationToken);
        return Describe(states, live, leader);
    });

    /// <inheritdoc />
    public Task<MigrationView> MigrateAsync(Aid aid, MigrateRequest request, CancellationToken cancellationToken) => applications.MigrateAsync(aid, request, cancellationToken);

    /// <inheritdoc />
    public async IAsyncEnumerable<DrainProgress> DrainAsync(string node, DrainRequest request, bool leave, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        _ = Quiescing.Of(request.WaitSeconds, request.CloseVisitors); // Refused before anything moves.
        var (states, live, _) = await GuardAsync(() => ReadAsync(cancellationToken));
        if (!live.ContainsKey(node)) throw NoNode(node);
        var all = states.Where(state => state.Node == node).OrderBy(state => state.Aid.Value, StringComparer.Ordinal).ToList();
        if (all.Count > 0 && !live.Values.Any(member => CanTake(member, node)))
            throw new VniException(ErrorCodes.Conflict, $"node {node} cannot be drained: there is no other node that could take its {all.Count} applications; add one, or stop and remove them");
        await GuardAsync(() => messenger.AskAsync(node, FarmKinds.Leaving, true, CommandId.New(), Brief, cancellationToken));
        var progress = Channel.CreateUnbounded<DrainProgress>();
        var moving = MoveAllAsync(node, request, all, progress.Writer, cancellationToken);
        var failed = 0;
        await foreach (var step in progress.Reader.ReadAllAsync(cancellationToken))
        {
            if (step.Error is not null) failed++;
            yield return step;
        }

        await moving;
        if (failed > 0 || !leave)
        {
            await GuardAsync(() => messenger.AskAsync(node, FarmKinds.Leaving, false, CommandId.New(), Brief, cancellationToken));
            var error = failed == 0 ? null : new ErrorBody(ErrorCodes.Conflict, $"{failed} of {all.Count} applications could not leave node {node}; see to them and drain it again");
            yield return new DrainProgress(all.Count, all.Count, null, null, error);
            yield break;
        }

        await GuardAsync(() => messenger.AskAsync(node, FarmKinds.Leave, true, CommandId.New(), Brief, cancellationToken));
        yield return new DrainProgress(all.Count, all.Count, null, null, null);
    }

    /// <inheritdoc />
    public Task DownAsync(string node, bool force, CancellationToken cancellationToken) => GuardAsync(async () =>
    {
        var range = await registry.RangeAsync(new KeyRange(keys.Member(node)), cancellationToken);
        if (range.Pairs is not [var member]) throw NoNode(node);
        try
        {
            return await messenger.AskAsync(node, FarmKinds.Fence, true, CommandId.New(), Brief, cancellationToken);
        }
        catch (Exception e) when (e is PeerUnreachableException or PeerSilentException)
        {
            if (!force)
            {
                throw new VniException(
                    ErrorCodes.Conflict,
                    $"node {node} does not answer, so it cannot be told to freeze its applications: its lease runs out within {settings.LeaseTimeToLive.TotalSeconds:0.#} s; if you are sure that it is off, add --force",
                    e);
            }

            await registry.RevokeLeaseAsync(member.Lease, cancellationToken);
            return true;
        }
    });

    /// <inheritdoc />
    public async IAsyncEnumerable<FarmEvent> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var nodes = members.Members.Keys.ToHashSet(StringComparer.Ordinal);
        var states = new Dictionary<string, ApplicationStatus>(StringComparer.Ordinal);
        await using var watch = registry.WatchAsync(KeyRange.Prefix(keys.Root), 0, cancellationToken).GetAsyncEnumerator(cancellationToken);
        while (await GuardAsync(async () => await watch.MoveNextAsync()))
        {
            foreach (var change in watch.Current.Changes)
            {
                if (Tell(change, nodes, states) is { } happened) yield return happened;
            }
        }
    }

    /// <inheritdoc />
    public IReadOnlyList<string> ListActors() => system.Paths;

    /// <inheritdoc />
    public Task<IReadOnlyList<ShardView>> ListShardsAsync(CancellationToken cancellationToken) => GuardAsync<IReadOnlyList<ShardView>>(async () =>
    {
        var read = await registry.TransactAsync(
            new Transaction([], [new Operation.Get(KeyRange.Prefix(keys.Applications)), new Operation.Get(KeyRange.Prefix(keys.Owners) with { KeysOnly = true })], []), cancellationToken);
        var owned = read.Responses[1].Pairs.Select(pair => pair.Key[keys.Owners.Length..]).ToHashSet(StringComparer.Ordinal);
        return [.. read.Responses[0].Pairs.Select(RegistryJson.Application).Select(state => new ShardView(
            state.Aid.Value, state.Node, state.Epoch, ApplicationSentences.Name(state.Status), owned.Contains(state.Aid.Value)))];
    });

    /// <inheritdoc />
    public Task<IReadOnlyList<RegistryPairView>> ReadRegistryAsync(string prefix, int limit, CancellationToken cancellationToken) => GuardAsync<IReadOnlyList<RegistryPairView>>(async () =>
    {
        var full = prefix.StartsWith(keys.Root, StringComparison.Ordinal) ? prefix : keys.Root + prefix.TrimStart('/');
        var range = await registry.RangeAsync(KeyRange.Prefix(full) with { Limit = limit }, cancellationToken);
        return [.. range.Pairs.Select(pair => new RegistryPairView(pair.Key, Encoding.UTF8.GetString(pair.Value.Span), pair.ModRevision, pair.Lease))];
    });

    private static VniException NoNode(string node) => new(ErrorCodes.NotFound, $"there is no node {DnsLabel.Quote(node)} in the farm; 'vni nodes' lists those there are");

    private static bool Same(string one, string other) => string.Equals(one.TrimEnd('/'), other.TrimEnd('/'), StringComparison.OrdinalIgnoreCase);

    private static bool CanTake(MemberRecord member, string drained) => member.Node != drained && member is { Leaving: false, Endpoint: not null };

    private async Task<(IReadOnlyList<ApplicationState> States, Dictionary<string, MemberRecord> Live, string? Leader)> ReadAsync(CancellationToken cancellationToken)
    {
        var read = await registry.TransactAsync(
            new Transaction([], [new Operation.Get(KeyRange.Prefix(keys.Applications)), new Operation.Get(KeyRange.Prefix(keys.Members)), new Operation.Get(new KeyRange(keys.SchedulerLeader))], []),
            cancellationToken);
        return (
            [.. read.Responses[0].Pairs.Select(RegistryJson.Application)],
            read.Responses[1].Pairs.Select(RegistryJson.Member).ToDictionary(member => member.Node, StringComparer.Ordinal),
            read.Responses[2].Pairs is [var leader] ? Encoding.UTF8.GetString(leader.Value.Span) : null);
    }

    private static IReadOnlyList<NodeView> Describe(IReadOnlyList<ApplicationState> states, Dictionary<string, MemberRecord> live, string? leader)
    {
        var byNode = states.ToLookup(state => state.Node, StringComparer.Ordinal);
        return [.. byNode.Select(group => group.Key).Union(live.Keys, StringComparer.Ordinal).Order(StringComparer.Ordinal).Select(node =>
        {
            var member = live.GetValueOrDefault(node);
            return new NodeView
            {
                Node = node,
                Status = member is null ? "down" : member.Leaving ? "leaving" : "up",
                Endpoint = member?.Endpoint,
                Leader = member is not null && node == leader,
                Running = byNode[node].Count(state => state.Status == ApplicationStatus.Running),
                Applications = byNode[node].Count(),
                Cpus = member?.Cpus ?? 0,
                Memory = member?.Memory ?? 0,
                Version = member?.Version ?? "",
                Kernel = member?.Platform.Kernel ?? "",
                Criu = member?.Platform.Criu ?? "",
                Cpu = member?.Platform.CpuModel ?? "",
                Labels = member?.Labels ?? new Dictionary<string, string>(),
                Joined = member?.Joined,
            };
        })];
    }

    private async Task MoveAllAsync(string node, DrainRequest request, List<ApplicationState> all, ChannelWriter<DrainProgress> progress, CancellationToken cancellationToken)
    {
        var done = 0;
        try
        {
            await Parallel.ForEachAsync(all, new ParallelOptions { MaxDegreeOfParallelism = DrainWidth, CancellationToken = cancellationToken }, async (state, _) =>
            {
                // What was begun is carried through: a drain that is given up leaves no application half-way.
                var (to, closed, error) = await MoveAsync(node, request, state);
                progress.TryWrite(new DrainProgress(Interlocked.Increment(ref done), all.Count, state.Aid.Value, to, error) { ClosedVisitors = closed });
            });
            progress.Complete();
        }
        catch (OperationCanceledException e)
        {
            progress.Complete(e);
        }
    }

    private async Task<(string? To, IReadOnlyList<ClosedVisitor>? Closed, ErrorBody? Error)> MoveAsync(string node, DrainRequest request, ApplicationState state)
    {
        // Spread by name, so that what leaves one node does not crowd another; the next one is tried when one refuses.
        ErrorBody? error = new(ErrorCodes.Conflict, "there is no other node");
        foreach (var target in members.Members.Values.Where(member => CanTake(member, node)).OrderBy(member => FarmRecovery.Spread(state.Aid.Value, member.Node)))
        {
            try
            {
                var moved = await applications.MigrateAsync(state.Aid, new MigrateRequest(target.Node, WaitSeconds: request.WaitSeconds, CloseVisitors: request.CloseVisitors), CancellationToken.None);
                return (target.Node, moved.ClosedVisitors is { Count: > 0 } closed ? closed : null, null);
            }
            catch (VniException e)
            {
                error = ErrorBody.Of(e);
                if (e.Code is ErrorCodes.NotFound or ErrorCodes.NotDumpable) break;
            }
        }

        return (null, null, error);
    }

    private FarmEvent? Tell(Change change, HashSet<string> nodes, Dictionary<string, ApplicationStatus> states)
    {
        var (key, now) = (change.Pair.Key, time.GetUtcNow());
        if (key == keys.SchedulerLeader && !change.Deleted) return new FarmEvent(now, "leader", Encoding.UTF8.GetString(change.Pair.Value.Span), null, "it leads the farm now");
        if (key.StartsWith(keys.Members, StringComparison.Ordinal))
        {
            var node = key[keys.Members.Length..];
            if (change.Deleted) return nodes.Remove(node) ? new FarmEvent(now, "left", node, null, $"node {node} is gone") : null;
            return nodes.Add(node) ? new FarmEvent(now, "joined", node, null, $"node {node} is up") : null;
        }

        if (!key.StartsWith(keys.Applications, StringComparison.Ordinal)) return null;
        var aid = key[keys.Applications.Length..];
        if (change.Deleted) return states.Remove(aid) ? new FarmEvent(now, "removed", settings.Node, aid, $"application {aid} is removed") : null;
        var state = RegistryJson.Application(change.Pair);
        if (states.TryGetValue(aid, out var former) && former == state.Status) return null;
        states[aid] = state.Status;
        var name = ApplicationSentences.Name(state.Status);
        return new FarmEvent(now, name, state.Node, aid, $"application {aid} is {name} on node {state.Node}{(state.Reason is null ? "" : $": {state.Reason}")}");
    }

    private static async Task<T> GuardAsync<T>(Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (Exception e) when (e is PeerUnreachableException or PeerSilentException)
        {
            throw new VniException(ErrorCodes.DaemonUnavailable, $"{e.Message}; 'vni nodes' lists those that are up", e);
        }
        catch (RegistryUnavailableException e)
        {
            throw new VniException(ErrorCodes.RegistryUnavailable, $"the registry did not answer ({e.Message}); try again", e);
        }
    }
}
