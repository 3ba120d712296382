using Microsoft.Extensions.Logging;
using Vni.Actors.Applications;
using Vni.Actors.Farms;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Actors.Kernel;
using Vni.Actors.Messages;
using Vni.Actors.Messaging;
using Vni.Actors.Registry;
using Vni.Actors.Snapshots;

namespace Vni.Actors.Nodes;

/// <summary>
/// What a node can do, for whoever speaks to users: reads come straight from the registry, operations go through the
/// actors. All failures are <see cref="VniException"/>, save the caller's own cancellation. Cancelling ends the caller's
/// waiting; the operation goes on and leaves a consistent state, as if the caller had waited and thrown the answer away.
/// Only a restore is given up, as long as it has not been committed.
/// </summary>
public sealed partial class ApplicationService : IAsyncDisposable
{
    private readonly ActorSystem _system;
    private readonly IRegistry _registry;
    private readonly RegistryKeys _keys;
    private readonly NodePorts _ports;
    private readonly MemberDirectory _members;
    private readonly NodeSettings _settings;
    private readonly TimeProvider _time;
    private readonly NodeLease _lease;
    private readonly ApplicationStore _store;
    private readonly ActorRef<NodeMessage> _node;
    private readonly ShardRouter _router;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _following = new();
    private Task _followed = Task.CompletedTask;
    private ActorRef<SchedulerMessage>? _scheduler;
    private readonly TaskCompletionSource _left = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _closed;

    /// <summary>Completes when this node was told to leave the farm: nothing is on it any more, and its daemon is to end.</summary>
    public Task Left => _left.Task;

    /// <param name="system">Where the actors live; its clock is the domain's.</param>
    /// <param name="registry">The farm's store.</param>
    /// <param name="keys">The farm's keys.</param>
    /// <param name="ports">The node's kernel, and its peers; what it answers to them is registered here.</param>
    /// <param name="members">The farm's live nodes.</param>
    /// <param name="settings">The node.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">State transitions, recovery, failures.</param>
    public ApplicationService(
        ActorSystem system, IRegistry registry, RegistryKeys keys, NodePorts ports, MemberDirectory members, NodeSettings settings, TimeProvider time, ILogger<ApplicationService> log)
    {
        (_system, _registry, _keys, _ports, _members, _settings, _time, _log) = (system, registry, keys, ports, members, settings, time, log);
        _lease = new NodeLease(registry, keys, settings, time);
        _store = new ApplicationStore(registry, keys, _lease, settings, time);
        var allocator = new IdentityAllocator(registry, keys, _lease, settings, time, Random.Shared);
        _node = system.Start("node", () => new NodeActor(registry, keys, ports, members, _lease, _store, allocator, settings, log), Supervision.StopOnFailure);
        _router = new ShardRouter(settings.Node, ports.Messenger);
        Answer(ports.Receiver);
    }

    /// <summary>Takes charge of the node: grants its lease, joins the farm, and puts every application right that a former
    /// daemon left. Once, before anything else; operations are refused until it has returned.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await GuardAsync(() => _node.AskAsync<bool>(reply => new NodeMessage.Open(reply), cancellationToken));
        _followed = _members.FollowAsync(_following.Token);
        if (_settings.Shared)
            _scheduler = _system.Start("scheduler", () => new SchedulerActor(_registry, _keys, _lease, _store, _ports.Messenger, _settings, _log), Supervision.StopOnFailure);
    }

    /// <summary>Allocates an identity and starts an application under it. One that cannot be started leaves nothing behind.</summary>
    public async Task<ApplicationView> RunAsync(ApplicationDeclaration declaration, CancellationToken cancellationToken)
    {
        DeclarationValidator.Check(declaration);
        if (declaration.Node is { } node && node != _settings.Node)
            return await GuardAsync(() => _ports.Messenger.AskAsync(node, FarmKinds.Run, declaration, CommandId.New(), Patience, cancellationToken));
        if (_members.Members.GetValueOrDefault(_settings.Node) is { Leaving: true })
            throw new VniException(ErrorCodes.Conflict, $"node {_settings.Node} is being drained or leaving the farm and takes nothing; name another node");
        return View(await GuardAsync(() => WhileRegistryAnswersAsync(_node.AskAsync<ApplicationState>(reply => new NodeMessage.Run(declaration, reply), cancellationToken))));
    }

    /// <summary>All applications of the farm, in order of name; pids of those that run here.</summary>
    public Task<IReadOnlyList<ApplicationView>> ListAsync(CancellationToken cancellationToken) => GuardAsync<IReadOnlyList<ApplicationView>>(async () =>
    {
        var range = await _registry.RangeAsync(KeyRange.Prefix(_keys.Applications), cancellationToken);
        return [.. range.Pairs.Select(pair => View(RegistryJson.Application(pair)))];
    });

    /// <summary>One application.</summary>
    public Task<ApplicationView> GetAsync(Aid aid, CancellationToken cancellationToken) => GuardAsync(async () =>
    {
        var range = await _registry.RangeAsync(new KeyRange(_keys.Application(aid)), cancellationToken);
        if (range.Pairs is not [var pair]) throw ApplicationSentences.NotFound(aid);
        var state = RegistryJson.Application(pair);
        var view = state.Status == ApplicationStatus.Running && state.Node != _settings.Node ? await ViewElsewhereAsync(state, cancellationToken) : View(state);
        return view with { Rules = RulesView.Of(state) };
    });

    /// <summary>Starts a stopped application, from the beginning of its programs.</summary>
    public Task<ApplicationView> StartAsync(Aid aid, CancellationToken cancellationToken) =>
        RouteAsync(aid, FarmKinds.Start, true, () => StartHereAsync(aid, cancellationToken), cancellationToken);

    /// <summary>Stops a running application, SIGKILL following SIGTERM after <paramref name="grace"/>; or lets a dormant one
    /// give up its live state. Files, identity and snapshots stay.</summary>
    public Task<ApplicationView> StopAsync(Aid aid, TimeSpan grace, CancellationToken cancellationToken)
    {
        if (grace < TimeSpan.Zero || grace > TimeSpan.FromDays(1))
            throw new VniException(ErrorCodes.InvalidArgument, $"grace of {grace.TotalSeconds} s is not valid: give 0 to 86400 seconds");
        return RouteAsync(aid, FarmKinds.Stop, new StopRequest(grace.TotalSeconds), () => StopHereAsync(aid, grace, cancellationToken), cancellationToken);
    }

    /// <summary>Starts another program in a running application, as a full member of it.</summary>
    public Task<JoinView> JoinAsync(Aid aid, JoinRequest request, CancellationToken cancellationToken) =>
        RouteAsync(aid, FarmKinds.Join, request, () => JoinHereAsync(aid, request, cancellationToken), cancellationToken);

    /// <summary>Removes an application with its files, snapshots and identity; a running one only with <paramref name="force"/>.</summary>
    public Task RemoveAsync(Aid aid, bool force, CancellationToken cancellationToken) =>
        RouteAsync(aid, FarmKinds.Remove, force, () => RemoveHereAsync(aid, force, cancellationToken), cancellationToken);

    /// <summary>Takes a snapshot of a running application.</summary>
    public Task<SnapshotView> SnapshotAsync(Aid aid, SnapshotRequest request, CancellationToken cancellationToken) =>
        RouteAsync(aid, FarmKinds.Snapshot, request, () => SnapshotHereAsync(aid, request, cancellationToken), cancellationToken);

    /// <summary>Restores a dormant or stopped application from a snapshot; one whose node has gone comes here.</summary>
    public Task<RestoreView> RestoreAsync(Aid aid, RestoreRequest request, CancellationToken cancellationToken) =>
        RouteAsync(aid, FarmKinds.Restore, request, () => RestoreHereAsync(aid, request, cancellationToken), cancellationToken);

    /// <summary>Moves an application to another node.</summary>
    public Task<MigrationView> MigrateAsync(Aid aid, MigrateRequest request, CancellationToken cancellationToken)
    {
        if (request.TimeoutSeconds is not (>= 1 and <= 86400))
            throw new VniException(ErrorCodes.InvalidArgument, $"a timeout of {request.TimeoutSeconds} s is not valid: give 1 to 86400 seconds");
        _ = Quiescing.Of(request.WaitSeconds, request.CloseVisitors);
        if (!_members.Members.TryGetValue(request.Node, out var target))
            throw new VniException(ErrorCodes.NotFound, $"there is no node {DnsLabel.Quote(request.Node)} in the farm; 'vni nodes' lists those there are");
        if (target.Leaving) throw new VniException(ErrorCodes.Conflict, $"node {request.Node} is being drained or leaving the farm and takes nothing; name another node");
        return RouteAsync(aid, FarmKinds.Migrate, request, () => MigrateHereAsync(aid, request, cancellationToken), cancellationToken);
    }

    /// <summary>The snapshots of one application, or of all, from the oldest to the newest of each.</summary>
    public Task<IReadOnlyList<SnapshotView>> ListSnapshotsAsync(Aid? aid, CancellationToken cancellationToken) => GuardAsync<IReadOnlyList<SnapshotView>>(async () =>
    {
        List<Operation> reads = [new Operation.Get(KeyRange.Prefix(aid is { } one ? $"{_keys.Snapshots}{one}." : _keys.Snapshots))];
        if (aid is { } asked) reads.Add(new Operation.Get(new KeyRange(_keys.Application(asked), KeysOnly: true)));
        var read = await _registry.TransactAsync(new Transaction([], reads, []), cancellationToken);
        if (aid is { } missing && read.Responses[1].Count == 0) throw ApplicationSentences.NotFound(missing);
        return [.. read.Responses[0].Pairs.Select(pair => ApplicationViews.Of(RegistryJson.Snapshot(pair)))];
    });

    /// <summary>The newest events of an application in order; with <paramref name="follow"/> also those to come, until it is
    /// removed or the caller cancels.</summary>
    public IAsyncEnumerable<ApplicationEvent> EventsAsync(Aid aid, bool follow, CancellationToken cancellationToken) =>
        EventFeed.ReadAsync(_registry, _keys, aid, follow, cancellationToken);

    /// <summary>
    /// Leaves the node as a planned restart wants it: refuses new operations, waits for those under way (at most
    /// <see cref="NodeSettings.DrainTime"/>; what takes longer is put right by the next start), lets instances run on,
    /// and leaves the farm. The lease is revoked only when nothing runs: the owner records of instances that run on
    /// stay until it expires, and are put back by the next start.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _closed, 1) != 0) return;
        IReadOnlyList<ActorRef<ApplicationMessage>> actors = [];
        try
        {
            actors = await _node.AskAsync<IReadOnlyList<ActorRef<ApplicationMessage>>>(reply => new NodeMessage.Close(reply), CancellationToken.None);
            using var limit = new CancellationTokenSource(_settings.DrainTime, _time);
            await Task.WhenAll(actors.Select(actor => actor.AskAsync<bool>(reply => new AwaitQuiet(reply), limit.Token)));
        }
        catch (Exception e) when (e is OperationCanceledException or ActorStoppedException)
        {
            _log.WorkFailed(e, "waiting for the operations under way");
        }

        if (_scheduler is not null) await _scheduler.StopAsync();
        await Task.WhenAll(actors.Select(actor => actor.StopAsync()));
        await _node.StopAsync();
        await _following.CancelAsync();
        await _followed.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _following.Dispose();
        try
        {
            var owners = await _registry.RangeAsync(KeyRange.Prefix(_keys.Owners), CancellationToken.None);
            var runsOn = owners.Pairs.Any(pair => pair.Lease == _lease.Id);
            if (!runsOn) _ports.Fence.Disarm();
            await _lease.LeaveAsync(runsOn, CancellationToken.None);
        }
        catch (RegistryUnavailableException e)
        {
            _log.WorkFailed(e, "leaving the farm");
        }

        _lease.Dispose();
    }

    private ApplicationView View(ApplicationState state) =>
        state.Node == _settings.Node
            ? ApplicationViews.Of(state, _ports.Access.ListProcesses(state.Aid), _ports.Access.ListChain(state.Aid))
            : ApplicationViews.Of(state, [], []);

    /// <summary>Asks an application's actor. One that stopped before it could answer is asked for anew, once: it was
    /// replaced, or its application is gone and the answer says so.</summary>
    private async Task<T> AskAsync<T>(Aid aid, Func<Reply<T>, ApplicationMessage> make, CancellationToken cancellationToken)
    {
        var actor = await ResolveAsync(aid, null, cancellationToken);
        try
        {
            return await WhileRegistryAnswersAsync(actor.AskAsync(make, cancellationToken));
        }
        catch (ActorStoppedException e) when (e.InnerException is null)
        {
            actor = await ResolveAsync(aid, actor, cancellationToken);
            return await WhileRegistryAnswersAsync(actor.AskAsync(make, cancellationToken));
        }
    }

    /// <summary>A write whose outcome is unknown is settled when the registry answers, however long that takes; whoever waits for it is
    /// told before.</summary>
    private async Task<T> WhileRegistryAnswersAsync<T>(Task<T> answer)
    {
        for (var silent = false; _settings.Shared && !answer.IsCompleted;)
        {
            var unheard = _lease.Now - _lease.Sent;
            var left = _settings.LeaseTimeToLive + Silence - unheard;
            if (left <= TimeSpan.Zero && silent)
            {
                _ = answer.ContinueWith(static late => _ = late.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
                throw new VniException(
                    ErrorCodes.RegistryUnavailable,
                    $"the registry has not answered node {_settings.Node} for {unheard.TotalSeconds:0} s; what was asked for is done or given up when it answers again: look with 'vni inspect' then");
            }

            // A daemon that stood still finds everything late, and the registry's answer a moment after that.
            silent = left <= TimeSpan.Zero;
            using var waiting = new CancellationTokenSource();
            await Task.WhenAny(answer, Task.Delay(silent ? Glance : left, _time, waiting.Token));
            await waiting.CancelAsync();
        }

        return await answer;
    }

    private Task<ActorRef<ApplicationMessage>> ResolveAsync(Aid aid, ActorRef<ApplicationMessage>? not, CancellationToken cancellationToken) =>
        _node.AskAsync<ActorRef<ApplicationMessage>>(reply => new NodeMessage.Resolve(aid, not, reply), cancellationToken);

    /// <summary>Makes every failure one that a user can read.</summary>
    private async Task<T> GuardAsync<T>(Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (ElsewhereException e)
        {
            throw e.ToRefusal();
        }
        catch (Exception e) when (e is PeerUnreachableException or PeerSilentException)
        {
            throw new VniException(ErrorCodes.DaemonUnavailable, $"{e.Message}; 'vni nodes' lists those that are up, and 'vni inspect' shows what became of it", e);
        }
        catch (RegistryUnavailableException e)
        {
            throw new VniException(ErrorCodes.RegistryUnavailable, $"the registry did not answer or did not take the change ({e.Message}); nothing was changed, try again", e);
        }
        catch (ActorStoppedException e) when (e.InnerException is null && Volatile.Read(ref _closed) == 0)
        {
            throw new VniException(ErrorCodes.Conflict, "the application was changed meanwhile by others; look at its state and try again", e);
        }
        catch (ActorStoppedException e) when (e.InnerException is null)
        {
            throw new VniException(ErrorCodes.DaemonUnavailable, $"the daemon of node {_settings.Node} is being stopped; try again when it is back", e);
        }
        catch (Exception e) when (e is not (VniException or OperationCanceledException))
        {
            throw new VniException(ErrorCodes.Internal, $"the daemon failed over this ({e.Message}); its log has the details", e);
        }
    }
}
