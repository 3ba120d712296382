using Vni.Actors.Applications;
using Vni.Actors.Farms;
using Vni.Actors.HandOffs;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Actors.Kernel;

namespace Vni.Actors.Nodes;

/// <content>
/// The node in its farm. A lease that is renewed lets everything run on; a lease that was replaced does so only when each
/// owner record hangs on the new one; when neither comes in time everything is frozen, here by the daemon, and a little
/// later by the guard, until each application is confirmed.
/// </content>
internal sealed partial class NodeActor
{
    private readonly Dictionary<Aid, ActorRef<TargetMessage>> _arriving = [];
    private readonly Dictionary<Aid, InstanceEnded> _endedEarly = [];

    /// <summary>What has come here and has no actor yet, with those who ask for it.</summary>
    private readonly Dictionary<Aid, List<Reply<ActorRef<ApplicationMessage>>>> _welcoming = [];
    private readonly HashSet<Aid> _cleaning = [];
    private IDisposable? _fenceDue;
    private bool _confirming;
    private bool _surrendered;

    private void Receive(NodeMessage.Farm message)
    {
        switch (message)
        {
            case NodeMessage.FenceDue:
                if (!_guard.Fenced) ScheduleFence(); // Else it was looked at before anything else.
                break;
            case NodeMessage.GuardFired:
                if (settings.Shared && _guard.Lose()) Fence(null); // What it has frozen runs on after a confirmation, as after any fence.
                break;
            case NodeMessage.Surrender { Reply: var reply }:
                _surrendered = true;
                Fence(reply);
                break;
            case NodeMessage.Fenced { Problem: var problem, Reply: var reply }:
                if (problem is not null) log.WorkFailed(problem, "freezing all instances");
                if (reply is not null) SurrenderLease(problem, reply);
                break;
            case NodeMessage.Confirmed confirmed:
                _confirming = false;
                if (confirmed.Problem is { } doubt) log.WorkFailed(doubt, "confirming what runs here");
                else if (confirmed.Lease == lease.Id && confirmed.Closings == _gate.Closings && !_surrendered) Confirm(confirmed.Lease, confirmed.Sent);
                break;
            case NodeMessage.OpenHandOff { Question: var question, Reply: var reply }:
                Open(question, reply);
                break;
            case NodeMessage.FindHandOff { Header: var header, Reply: var reply }:
                if (_arriving.TryGetValue(header.Aid, out var target) && target.Path.EndsWith("/" + header.Id, StringComparison.Ordinal)) reply.Success(target);
                else reply.Failure(new VniException(ErrorCodes.NotFound, $"node {settings.Node} knows nothing of hand-off {header.Id} of application {header.Aid}; its daemon may have been restarted: migrate anew"));
                break;
            case NodeMessage.HandOffOver { Aid: var aid, Actor: var actor }:
                if (_arriving.TryGetValue(aid, out var present) && present == actor) _arriving.Remove(aid);
                if (!_welcoming.ContainsKey(aid)) _endedEarly.Remove(aid);
                break;
            case NodeMessage.Examine { Aid: var aid }:
                Schedule(settings.RetryDelay, new NodeMessage.Revive(aid)); // Its hand-off is on its way out.
                break;
            case NodeMessage.CleanedAway { Aid: var aid, Problem: var problem }:
                _cleaning.Remove(aid);
                if (problem is not null) log.WorkFailed(problem, $"taking away what is here of {aid}, which is not this node's any more");
                break;
            case NodeMessage.Arrived { Application: null } arrived:
                _welcoming.TryAdd(arrived.Arrival.Stored.State.Aid, []);
                PipeTo(
                    store.LoadAsync(arrived.Arrival.Stored.State.Aid, Context.Stopping),
                    loaded => arrived with { Application = loaded ?? new LoadedApplication(arrived.Arrival.Stored, []) },
                    _ => arrived with { Application = new LoadedApplication(arrived.Arrival.Stored, []) });
                break;
            case NodeMessage.Arrived { Arrival: var arrival, Application: { } loaded, Closings: var closings }:
                Welcome(arrival, loaded with { Application = arrival.Stored, InitPid = arrival.InitPid, Closings = closings });
                break;
        }
    }

    /// <summary>A renewal has succeeded.</summary>
    private void Renewed()
    {
        if (!settings.Shared)
        {
            if (lease.Id != _confirmedLease) Announce();
            return;
        }

        if (_phase == Phase.Opening || _surrendered || _confirming) return; // Recovery confirms each application itself.
        // On a new lease no owner record hangs yet: others may act already on what ran under the old one.
        if (lease.Id != _confirmedLease && _guard.Lose()) Fence(null);
        if (!_guard.Fenced) Confirm(lease.Id, lease.Sent);
        else ConfirmAll();
    }

    private void Announce()
    {
        _confirmedLease = lease.Id;
        log.LeaseReplaced(lease.Id);
        foreach (var application in _applications.Values) application.Tell(new LeaseReplaced());
    }

    /// <summary>Everything here may run for as long as the lease lives from <paramref name="sent"/> on.</summary>
    private void Confirm(long confirmed, TimeSpan sent)
    {
        _confirmedLease = confirmed;
        if (!settings.Shared) return;
        var lifted = _guard.Renewed(sent);
        if (_guard.MustFence(lease.Now)) // The answer came too late, or this was not looked at in time.
        {
            Fence(null);
            return;
        }

        if (lifted) log.Lifted();
        _gate.Open();
        ports.Fence.Extend(_guard.Remaining(lease.Now));
        ScheduleFence();
    }

    private void ConfirmAll()
    {
        _confirming = true;
        if (lease.Id != _confirmedLease) log.LeaseReplaced(lease.Id);
        // What is fenced stays so until its own confirmation: the guard is armed again before the first of them runs.
        ports.Fence.Extend(_guard.Allowance(lease.Sent, lease.Now));
        var (id, sent, closings) = (lease.Id, lease.Sent, _gate.Closings);
        PipeTo(
            Task.WhenAll(_applications.Values.Select(AskAsync)),
            _ => new NodeMessage.Confirmed(id, sent, closings, null),
            error => new NodeMessage.Confirmed(id, sent, closings, error));

        async Task<bool> AskAsync(ActorRef<ApplicationMessage> application)
        {
            try
            {
                return await application.AskAsync<bool>(reply => new LiftFence(closings, IsTimely, reply), Context.Stopping);
            }
            catch (ActorStoppedException)
            {
                return true; // What it left is looked at by its successor.
            }
        }
    }

    /// <summary>Whether the lease lives long enough for something to begin to run. Any thread.</summary>
    private bool IsTimely() => lease.Now - lease.Sent < _guard.Patience;

    private void Fence(Reply<bool>? reply)
    {
        log.Fenced();
        _gate.Close();
        PipeTo(FenceAsync(), () => new NodeMessage.Fenced(null, reply), error => new NodeMessage.Fenced(error, reply));
    }

    private async Task FenceAsync()
    {
        using var turn = await _gate.EnterAsync(CancellationToken.None);
        await ports.Fence.FenceAsync(CancellationToken.None);
    }

    private void SurrenderLease(Exception? problem, Reply<bool> reply)
    {
        if (problem is not null)
        {
            _surrendered = false;
            reply.Failure(problem);
            return;
        }

        PipeTo(
            registry.RevokeLeaseAsync(lease.Id, Context.Stopping),
            () =>
            {
                reply.Success(true);
                return new NodeMessage.Done("giving the lease up", null);
            },
            error =>
            {
                reply.Failure(error);
                return new NodeMessage.Done("giving the lease up", error);
            });
    }

    private void ScheduleFence()
    {
        _fenceDue?.Dispose();
        var due = lease.Sent + _guard.Patience - lease.Now;
        _fenceDue = Schedule(due > TimeSpan.Zero ? due : TimeSpan.FromMilliseconds(1), new NodeMessage.FenceDue());
    }

    private void Open(PrepareHandOff question, Reply<ActorRef<TargetMessage>> reply)
    {
        var aid = question.Instance.Aid;
        if (_phase != Phase.Open) reply.Failure(Unavailable());
        else if (_gate.WhenOpen.IsCompleted == false) reply.Failure(new VniException(ErrorCodes.DaemonUnavailable, $"node {settings.Node} has lost touch with the registry; try again later"));
        else if (_arriving.TryGetValue(aid, out var other) && !other.Path.EndsWith("/" + question.HandOff.Id, StringComparison.Ordinal) || _applications.ContainsKey(aid) || _welcoming.ContainsKey(aid) || _cleaning.Contains(aid))
            reply.Failure(new VniException(ErrorCodes.Busy, $"application {aid} is busy on node {settings.Node}: something of it is still under way there; try again in a moment"));
        else reply.Success(_arriving.TryGetValue(aid, out var known) ? known : Receive(question));
    }

    private ActorRef<TargetMessage> Receive(PrepareHandOff question)
    {
        var (handOff, instance) = (question.HandOff, question.Instance);
        var (self, closings) = (Context.Self, _gate.Closings);
        var actor = Context.System.Start(
            $"{self.Path}/arriving/{instance.Aid}/{handOff.Id}",
            () => new HandOffTargetActor(handOff, instance, store, ports, settings, arrival => self.Tell(new NodeMessage.Arrived(arrival, null, closings)), () => self.Tell(new NodeMessage.Examine(instance.Aid)), log),
            Supervision.StopOnFailure);
        _arriving[instance.Aid] = actor;
        PipeTo(actor.Stopped.WaitAsync(Context.Stopping), () => new NodeMessage.HandOffOver(instance.Aid, actor), error => new NodeMessage.Done("watching an actor", error));
        return actor;
    }

    private void Welcome(HandOffArrival arrival, LoadedApplication loaded)
    {
        var aid = arrival.Stored.State.Aid;
        _welcoming.Remove(aid, out var waiting);
        if (!_applications.TryGetValue(aid, out var actor)) actor = Add(loaded);
        foreach (var reply in waiting ?? []) reply.Success(actor);
        if (_endedEarly.Remove(aid, out var ended)) actor.Tell(new EndOfInstance(ended));
    }

    /// <summary>A claim to an application that was taken over while this node was away, with nothing here to claim it with; or one
    /// that is left to another.</summary>
    private bool IsIdleClaim(StoredApplication application) => ApplicationActor.IsLeftTo(application.State, settings.Node) ||
        application.State.Node != settings.Node && (application.State.Status == ApplicationStatus.Lost || application is { Owned: true, State.Status: ApplicationStatus.Restoring });

    private bool IsOurs(ApplicationState state) => NodeSurvey.IsOf(state, settings.Node);

    /// <summary>An application of another node: the asker is sent there, unless that node has gone or has given it back.</summary>
    private void TakeForeign(LoadedApplication application, bool takesOver, Reply<ActorRef<ApplicationMessage>>? reply)
    {
        var state = application.Application.State;
        if (reply is null) CleanAway(state.Aid, new InstanceSpec(state.Aid, state.Identity, state.Declaration, state.Epoch));
        else if (application.Application.Owned || !settings.Shared || (members.Members.ContainsKey(state.Node) && !takesOver)) reply.Failure(new ElsewhereException(state.Aid, state.Node));
        else reply.Success(Add(application));
    }

    /// <summary>What is here of an application that is not this node's any more.</summary>
    private void CleanAway(Aid aid, InstanceSpec? instance)
    {
        if (_arriving.ContainsKey(aid) || !_cleaning.Add(aid)) return;
        PipeTo(
            instance is null ? interposer.RemoveAsync(aid, CancellationToken.None) : ports.Transfer.ReleaseMovedAsync(instance, "", CancellationToken.None),
            () => new NodeMessage.CleanedAway(aid, null),
            error => new NodeMessage.CleanedAway(aid, error));
    }
}
