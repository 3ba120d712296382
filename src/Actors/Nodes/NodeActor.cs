using Microsoft.Extensions.Logging;
using Vni.Actors.Applications;
using Vni.Actors.Diagnostics;
using Vni.Actors.Farms;
using Vni.Actors.HandOffs;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Actors.Kernel;
using Vni.Actors.Registry;

namespace Vni.Actors.Nodes;

/// <summary>
/// Takes charge of one node [K2]: Closed, Opening (lease and membership, survey, recovery of every application), Open,
/// Closing. Holds the directory of the ApplicationActors that run here; decides nothing about an application itself.
/// An application's actor that stops although its application is still there is made anew from the registry. In a farm it
/// also receives hand-offs, and keeps instances from running when the node's lease may be over (self-fencing).
/// </summary>
internal sealed partial class NodeActor(
    IRegistry registry,
    RegistryKeys keys,
    NodePorts ports,
    MemberDirectory members,
    NodeLease lease,
    ApplicationStore store,
    IdentityAllocator allocator,
    NodeSettings settings,
    ILogger log) : Actor<NodeMessage>
{
    private readonly IInterposer interposer = ports.Interposer;
    private readonly FenceGate _gate = new();
    private readonly LeaseGuard _guard = new(settings.LeaseTimeToLive);

    private enum Phase
    {
        Closed,
        Opening,
        Open,
        Closing,
    }

    private readonly Dictionary<Aid, ActorRef<ApplicationMessage>> _applications = [];
    private Phase _phase = Phase.Closed;

    /// <summary>The lease on which the owner records of everything that runs here are known to hang.</summary>
    private long _confirmedLease;

    protected override Task StartedAsync()
    {
        var self = Context.Self;
        ports.Fence.GuardFired = () => self.Tell(new NodeMessage.GuardFired());
        return Task.CompletedTask;
    }

    protected override void Receive(NodeMessage message)
    {
        // After the node has stood still the clock comes first: a renewal that has arrived meanwhile must not hide that the guard
        // may have frozen everything.
        if (settings.Shared && _guard.MustFence(lease.Now)) Fence(null);
        switch (_phase, message)
        {
            case (Phase.Closed, NodeMessage.Open { Reply: var reply }):
                _phase = Phase.Opening;
                PipeTo(OpenAsync(), survey => new NodeMessage.Surveyed(survey, reply), error => new NodeMessage.OpenFailed(error, reply));
                break;
            case (Phase.Opening, NodeMessage.Surveyed { Survey: var survey, Reply: var reply }):
                ScheduleRenewal(_guard.Renewal);
                PipeTo(ReadEndsAsync(), () => new NodeMessage.Done("reading the ends of instances", null), error => new NodeMessage.Done("reading the ends of instances", error));
                PipeTo(RecoverAsync(survey), () => new NodeMessage.Recovered(reply), error => new NodeMessage.OpenFailed(error, reply));
                break;
            case (Phase.Opening, NodeMessage.Recovered { Reply: var reply }):
                _phase = Phase.Open;
                if (_guard.Fenced) ConfirmAll();
                else Confirm(lease.Id, lease.Sent);
                reply.Success(true);
                break;
            case (Phase.Opening, NodeMessage.OpenFailed { Reason: var reason, Reply: var reply }):
                _phase = Phase.Closed;
                reply.Failure(reason);
                break;

            case (Phase.Open, NodeMessage.Run { Declaration: var declaration, Reply: var reply }):
                PipeTo(
                    allocator.AllocateAsync(declaration, Context.Stopping),
                    application => new NodeMessage.Allocated(application, reply),
                    error => new NodeMessage.RunEnded(null, error, reply));
                break;
            case (_, NodeMessage.Run { Reply: var reply }):
                reply.Failure(Unavailable());
                break;
            case (_, NodeMessage.Allocated allocated):
                FaultPoints.Reach("run:allocated");
                Start(allocated);
                break;
            case (_, NodeMessage.RunEnded { State: { } state, Reply: var reply }):
                reply.Success(state);
                break;
            case (_, NodeMessage.RunEnded { Reason: var reason, Reply: var reply }):
                reply.Failure(reason!);
                break;

            case (Phase.Open, NodeMessage.Resolve { Aid: var aid, Not: var not, Reply: var reply, TakesOver: var takesOver }):
                if (_applications.TryGetValue(aid, out var known) && known != not) reply.Success(known);
                else if (_welcoming.TryGetValue(aid, out var waiting)) waiting.Add(reply);
                else Load(aid, reply, takesOver);
                break;
            case (_, NodeMessage.Resolve { Reply: var reply }):
                reply.Failure(Unavailable());
                break;
            case (_, NodeMessage.Loaded loaded):
                Take(loaded);
                break;
            case (_, NodeMessage.ApplicationStopped { Aid: var aid, Actor: var actor }):
                if (_applications.TryGetValue(aid, out var present) && present == actor) _applications.Remove(aid);
                if (_phase == Phase.Open) Schedule(settings.RetryDelay, new NodeMessage.Revive(aid));
                break;
            case (Phase.Open, NodeMessage.Revive { Aid: var aid }):
                if (!_applications.ContainsKey(aid)) Load(aid, null);
                break;
            case (_, NodeMessage.Ended { Instance: var instance }):
                if (_applications.TryGetValue(instance.Aid, out var owner)) owner.Tell(new EndOfInstance(instance));
                else if (_arriving.ContainsKey(instance.Aid) || _welcoming.ContainsKey(instance.Aid)) _endedEarly[instance.Aid] = instance;
                break;

            case (_, NodeMessage.RenewLease):
                PipeTo(lease.KeepAliveAsync(Context.Stopping), () => new NodeMessage.LeaseRenewed(null), error => new NodeMessage.LeaseRenewed(error));
                break;
            case (_, NodeMessage.LeaseRenewed { Problem: var problem }):
                if (problem is not null) log.LeaseNotRenewed(problem);
                else Renewed();
                ScheduleRenewal(problem is null ? UntilRenewal : Least(_guard.Renewal, settings.RetryDelay));
                break;

            case (_, NodeMessage.Close { Reply: var reply }):
                _phase = Phase.Closing;
                reply.Success([.. _applications.Values]);
                break;
            case (_, NodeMessage.Done { Doing: var doing, Problem: var problem }):
                if (problem is not (null or OperationCanceledException)) log.WorkFailed(problem, doing);
                break;
            case (_, NodeMessage.Farm farm):
                Receive(farm);
                break;
            default: // Nothing to open twice, nobody to revive while closing.
                (message as NodeMessage.Open)?.Reply.Failure(Unavailable());
                break;
        }
    }

    private VniException Unavailable() =>
        new(ErrorCodes.DaemonUnavailable, $"node {settings.Node} is {(_phase == Phase.Closing ? "being stopped" : "still starting")}; try again in a moment");

    private async Task<NodeSurvey> OpenAsync()
    {
        var platform = await interposer.GetPlatformAsync(Context.Stopping);
        var kept = await lease.EstablishAsync(MemberRecord.Of(settings, platform, Context.TimeProvider.GetUtcNow()), Context.Stopping);
        if (settings.Shared)
        {
            // On a new lease no owner record hangs yet: what a former daemon let run is no longer known to be this node's.
            if (!kept) await ports.Fence.FenceAsync(Context.Stopping);
            ports.Fence.Extend(_guard.Allowance(lease.Sent, lease.Now));
        }

        await members.ReadAsync(Context.Stopping);
        return await NodeSurvey.TakeAsync(registry, keys, interposer, settings.Node, Context.Stopping);
    }

    /// <summary>Starts an actor for each application and lets it recover; one that cannot does not hold up the node.</summary>
    private Task RecoverAsync(NodeSurvey survey)
    {
        foreach (var record in survey.Unreadable) log.Unreadable(record);
        List<Task> all = [CleanUpAsync(survey)];
        foreach (var (application, found) in survey.Applications)
            all.Add(RecoverAsync(Add(application), application.Application.State.Aid, found, survey.OnDisk));
        return Task.WhenAll(all);
    }

    private async Task RecoverAsync(ActorRef<ApplicationMessage> actor, Aid aid, FoundState? found, IReadOnlySet<string>? onDisk)
    {
        try
        {
            await actor.AskAsync<bool>(reply => new RecoverApplication(found, onDisk, reply), Context.Stopping);
        }
        catch (Exception e) when (!Context.Stopping.IsCancellationRequested)
        {
            log.RecoveryFailed(e, aid.Value);
        }
    }

    /// <summary>Takes away what no application of this node answers for.</summary>
    private async Task CleanUpAsync(NodeSurvey survey)
    {
        foreach (var instance in survey.Foreign) await TryAsync($"taking away what is here of {instance.Aid}, which another node owns", () => ports.Transfer.ReleaseMovedAsync(instance, "", CancellationToken.None));
        foreach (var aid in survey.Unknown) await TryAsync($"removing {aid}, which is in no registry", () => interposer.RemoveAsync(aid, CancellationToken.None));
        foreach (var id in survey.Orphans) await TryAsync($"deleting snapshot {id}, which is in no registry", () => interposer.DeleteSnapshotAsync(id, CancellationToken.None));
        log.Opened(settings.Node, survey.Applications.Count, survey.Unknown.Count, survey.Orphans.Count);
    }

    private async Task TryAsync(string doing, Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (VniException e)
        {
            log.WorkFailed(e, doing);
        }
    }

    private async Task ReadEndsAsync()
    {
        await foreach (var ended in interposer.Ended.ReadAllAsync(Context.Stopping)) Context.Self.Tell(new NodeMessage.Ended(ended));
    }

    private ActorRef<ApplicationMessage> Add(LoadedApplication application)
    {
        var aid = application.Application.State.Aid;
        var actor = Context.System.Start(
            $"{Context.Self.Path}/applications/{aid}",
            () => new ApplicationActor(application, store, ports, members, _gate, settings, log),
            Supervision.StopOnFailure);
        _applications[aid] = actor;
        PipeTo(StoppedAsync(actor), () => new NodeMessage.ApplicationStopped(aid, actor), error => new NodeMessage.Done("watching an actor", error));
        return actor;
    }

    /// <summary>Ends with the actor, or with this one's own stop.</summary>
    private Task StoppedAsync(ActorRef<ApplicationMessage> actor) => actor.Stopped.WaitAsync(Context.Stopping);

    private void Start(NodeMessage.Allocated allocated)
    {
        var (application, reply) = allocated;
        var aid = application.State.Aid;
        if (_applications.TryGetValue(aid, out var former))
        {
            // Its application was removed a moment ago, and its path is not free yet.
            PipeTo(StoppedAsync(former), () => Forget(former, allocated), error => new NodeMessage.RunEnded(null, error, reply));
            return;
        }

        var actor = Add(new LoadedApplication(application, []));
        PipeTo(
            actor.AskAsync<ApplicationState>(answer => new RunApplication(answer), CancellationToken.None),
            state => new NodeMessage.RunEnded(state, null, reply),
            error => new NodeMessage.RunEnded(null, error, reply));
    }

    private NodeMessage.Allocated Forget(ActorRef<ApplicationMessage> former, NodeMessage.Allocated next)
    {
        var aid = next.Application.State.Aid;
        if (_applications.TryGetValue(aid, out var present) && present == former) _applications.Remove(aid);
        return next;
    }

    private void Load(Aid aid, Reply<ActorRef<ApplicationMessage>>? reply, bool takesOver = false)
    {
        // A stopped actor may still be on its way out: its path must be free before it is replaced.
        var former = _applications.GetValueOrDefault(aid);
        PipeTo(
            LoadAsync(aid, former),
            application => new NodeMessage.Loaded(aid, application, null, reply) { TakesOver = takesOver },
            error => new NodeMessage.Loaded(aid, null, error, reply));
    }

    private async Task<LoadedApplication?> LoadAsync(Aid aid, ActorRef<ApplicationMessage>? former)
    {
        if (former is not null) await StoppedAsync(former);
        return await store.LoadAsync(aid, Context.Stopping);
    }

    /// <summary>Makes an actor for what was read, unless there is one by now.</summary>
    private void Take(NodeMessage.Loaded loaded)
    {
        var (aid, application, problem, reply) = loaded;
        if (_applications.TryGetValue(aid, out var actor) && !actor.Stopped.IsCompleted)
        {
            reply?.Success(actor);
            return;
        }

        _applications.Remove(aid);
        if (problem is not null)
        {
            if (reply is not null) reply.Failure(problem);
            else if (_phase == Phase.Open) Schedule(settings.RetryDelay, new NodeMessage.Revive(aid));
        }
        else if (_welcoming.TryGetValue(aid, out var waiting))
        {
            if (reply is not null) waiting.Add(reply);
        }
        else if (_arriving.ContainsKey(aid) && (reply is null || application is null || IsOurs(application.Application.State)))
        {
            reply?.Failure(new VniException(ErrorCodes.Busy, $"application {aid} is busy: it is being migrated to this node; try again when that has ended"));
        }
        else if (application is null)
        {
            reply?.Failure(ApplicationSentences.NotFound(aid));
            if (reply is null) CleanAway(aid, null);
        }
        else if (IsOurs(application.Application.State) && !(loaded.TakesOver && ApplicationActor.IsLeftTo(application.Application.State, settings.Node)))
        {
            var found = ports.Access.ListProcesses(aid).Count > 0 ? FoundState.Alive : FoundState.Pieces;
            if (reply is null && found != FoundState.Alive && IsIdleClaim(application.Application)) return;
            log.Reviving(aid.Value);
            actor = Add(application);
            PipeTo(
                RecoverAsync(actor, aid, found, onDisk: null),
                () => new NodeMessage.Done("recovering an application", null),
                error => new NodeMessage.Done("recovering an application", error));
            reply?.Success(actor);
        }
        else
        {
            TakeForeign(application, loaded.TakesOver, reply);
        }
    }

    private void ScheduleRenewal(TimeSpan after)
    {
        if (_phase != Phase.Closing && !_surrendered) Schedule(after, new NodeMessage.RenewLease());
    }

    /// <summary>Counted from the sending of the last one: one that was answered late is soon followed by the next.</summary>
    private TimeSpan UntilRenewal => lease.Sent + _guard.Renewal - lease.Now is { Ticks: > 0 } left ? left : TimeSpan.FromMilliseconds(1);

    private static TimeSpan Least(TimeSpan one, TimeSpan other) => one < other ? one : other;
}
