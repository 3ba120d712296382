using Vni.Actors.Applications;
using Vni.Actors.Farms;
using Vni.Actors.HandOffs;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Actors.Kernel;
using Vni.Actors.Messages;
using Vni.Actors.Messaging;
using Vni.Actors.Registry;
using Vni.Actors.Snapshots;

namespace Vni.Actors.Nodes;

/// <content>What is done on this node, whoever asks: its own users or other nodes.</content>
public sealed partial class ApplicationService
{
    /// <summary>Longest that an operation on another node is waited for.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(30);

    /// <summary>How long, beyond its lease, a node that the registry does not answer lets callers wait.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(10);

    /// <summary>How long another node is waited for about what is good to know.</summary>
    private static readonly TimeSpan Glance = TimeSpan.FromSeconds(2);

    private Task<TView> RouteAsync<TBody, TView>(Aid aid, PeerKind<ToApplication<TBody>, Routed<TView>> kind, TBody body, Func<Task<TView>> here, CancellationToken cancellationToken) =>
        GuardAsync(() => _settings.Shared ? _router.AskAsync(aid, kind, body, here, Patience, cancellationToken) : here());

    private async Task<ApplicationView> StartHereAsync(Aid aid, CancellationToken cancellationToken) =>
        View(await AskAsync<ApplicationState>(aid, reply => new StartApplication(reply), cancellationToken));

    private async Task<ApplicationView> StopHereAsync(Aid aid, TimeSpan grace, CancellationToken cancellationToken) =>
        View(await AskAsync<ApplicationState>(aid, reply => new StopApplication(grace, reply), cancellationToken));

    private async Task<JoinView> JoinHereAsync(Aid aid, JoinRequest request, CancellationToken cancellationToken)
    {
        var ended = _ports.Access.ListChain(aid).Where(member => member.State == ChainMember.Ended).Select(member => member.Name).ToHashSet(StringComparer.Ordinal);
        var joined = await AskAsync<ApplicationJoined>(aid, reply => new JoinApplication(request, ended, reply), cancellationToken);
        return new JoinView(joined.Process, joined.Pid, View(joined.State));
    }

    private Task<bool> RemoveHereAsync(Aid aid, bool force, CancellationToken cancellationToken) =>
        AskAsync<bool>(aid, reply => new RemoveApplication(force, reply), cancellationToken);

    private async Task<SnapshotView> SnapshotHereAsync(Aid aid, SnapshotRequest request, CancellationToken cancellationToken)
    {
        var quiescing = Quiescing.Of(request.WaitSeconds, request.CloseVisitors);
        var taken = await AskAsync<SnapshotTaken>(aid, reply => new TakeSnapshot(request.LeaveRunning, request.Sync, reply) { Quiescing = quiescing }, cancellationToken);
        return ApplicationViews.Of(taken.Snapshot) with { Status = ApplicationSentences.Name(taken.State.Status), Phases = taken.Phases, ClosedVisitors = taken.ClosedVisitors };
    }

    private async Task<RestoreView> RestoreHereAsync(Aid aid, RestoreRequest request, CancellationToken cancellationToken)
    {
        var restored = await AskAsync<ApplicationRestored>(aid, reply => new RestoreApplication(request.Snapshot, reply, cancellationToken), cancellationToken);
        return new RestoreView(View(restored.State), restored.Snapshot, restored.Result.FramesHeld, restored.Result.Phases);
    }

    private Task<MigrationView> MigrateHereAsync(Aid aid, MigrateRequest request, CancellationToken cancellationToken) =>
        AskAsync<MigrationView>(aid, reply => new MigrateApplication(request, reply), cancellationToken);

    /// <summary>The application as it is seen from here; its actor is woken, if it is to be here.</summary>
    private async Task<ApplicationView> ViewHereAsync(Aid aid, CancellationToken cancellationToken)
    {
        await ResolveAsync(aid, null, cancellationToken);
        var range = await _registry.RangeAsync(new KeyRange(_keys.Application(aid)), cancellationToken);
        return range.Pairs is [var pair] ? View(RegistryJson.Application(pair)) : throw ApplicationSentences.NotFound(aid);
    }

    /// <summary>With its processes, if its node says in time what they are.</summary>
    private async Task<ApplicationView> ViewElsewhereAsync(ApplicationState state, CancellationToken cancellationToken)
    {
        try
        {
            var routed = await _ports.Messenger.AskAsync(state.Node, FarmKinds.View, new ToApplication<bool>(state.Aid, true), CommandId.New(), Glance, cancellationToken);
            return routed.Value ?? View(state);
        }
        catch (Exception e) when (e is PeerUnreachableException or PeerSilentException or VniException)
        {
            return View(state);
        }
    }

    private void Answer(INodeReceiver receiver)
    {
        receiver.On(FarmKinds.View, (_, ask, cancel) => AnswerAsync(() => ViewHereAsync(ask.Aid, cancel)));
        receiver.On(FarmKinds.Start, (_, ask, cancel) => AnswerAsync(() => StartHereAsync(ask.Aid, cancel)));
        receiver.On(FarmKinds.Stop, (_, ask, cancel) => AnswerAsync(() => StopHereAsync(ask.Aid, TimeSpan.FromSeconds(ask.Body.GraceSeconds), cancel)));
        receiver.On(FarmKinds.Join, (_, ask, cancel) => AnswerAsync(() => JoinHereAsync(ask.Aid, ask.Body, cancel)));
        receiver.On(FarmKinds.Remove, (_, ask, cancel) => AnswerAsync(() => RemoveHereAsync(ask.Aid, ask.Body, cancel)));
        receiver.On(FarmKinds.Snapshot, (_, ask, cancel) => AnswerAsync(() => SnapshotHereAsync(ask.Aid, ask.Body, cancel)));
        receiver.On(FarmKinds.Restore, (_, ask, cancel) => AnswerAsync(() => RestoreHereAsync(ask.Aid, ask.Body, cancel)));
        receiver.On(FarmKinds.Migrate, (_, ask, cancel) => AnswerAsync(() => MigrateHereAsync(ask.Aid, ask.Body, cancel)));
        receiver.On(FarmKinds.Resources, (_, ask, cancel) => AnswerAsync(() => ResourcesHereAsync(ask.Aid, ask.Body, cancel)));
        receiver.On(FarmKinds.Recover, (_, ask, cancel) => GuardAsync(() => RecoverHereAsync(ask.Aid, ask.Body, cancel)));

        receiver.On(FarmKinds.Run, (_, declaration, cancel) => RunAsync(declaration with { Node = _settings.Node }, cancel));
        receiver.On(FarmKinds.Translate, (_, ask, cancel) => GuardAsync(() => TranslateHereAsync(ask, cancel)));
        receiver.On(FarmKinds.Fence, (_, _, cancel) => GuardAsync(() => SurrenderAsync(cancel)));
        receiver.On(FarmKinds.Leaving, (_, leaving, cancel) => GuardAsync(() => AnnounceLeavingAsync(leaving, cancel)));
        receiver.On(FarmKinds.Leave, (_, _, _) => Task.FromResult(_left.TrySetResult()));

        receiver.On(FarmKinds.Check, (_, ask, cancel) => GuardAsync(() => _ports.Transfer.CheckAsync(ask.Instance, ask.Facts, cancel)));
        receiver.On(FarmKinds.Prepare, (from, ask, cancel) => GuardAsync(() => PrepareAsync(from, ask, cancel)));
        receiver.On(FarmKinds.Hold, (_, header, cancel) => ToHandOffAsync<bool>(header, reply => new TargetMessage.Hold(reply), cancel));
        receiver.On(FarmKinds.Resume, (_, ask, cancel) => ToHandOffAsync<HandOffResumed>(new HandOffHeader(ask.Id, ask.Aid), reply => new TargetMessage.Resume(ask, reply), cancel));
        receiver.On(FarmKinds.Settle, (_, ask, cancel) => ToHandOffAsync<bool>(new HandOffHeader(ask.Id, ask.Instance.Aid), reply => new TargetMessage.Settle(ask, reply), cancel));
        receiver.On(FarmKinds.Abandon, (_, header, cancel) => ToHandOffAsync<IReadOnlyList<byte[]>>(header, reply => new TargetMessage.Abandon(reply), cancel));
        receiver.OnStream(FarmKinds.Layer, (_, header, stream, cancel) => ToHandOffAsync<bool>(header, reply => new TargetMessage.Layer(stream, reply, cancel), CancellationToken.None));
        receiver.OnStream(FarmKinds.State, (_, header, stream, cancel) => ToHandOffAsync<bool>(header, reply => new TargetMessage.State(stream, reply, cancel), CancellationToken.None));

        receiver.OnStream(FarmKinds.ShipSnapshot, (_, snapshot, stream, cancel) => GuardAsync(() => DoneAsync(_ports.Shipping.ReceiveSnapshotAsync(snapshot, stream, cancel))));
        receiver.On(FarmKinds.FetchSnapshot, (from, ask, cancel) => GuardAsync(() => _ports.Messenger.SendAsync(
            from.From, FarmKinds.ShipSnapshot, ask.Snapshot, (stream, stop) => _ports.Shipping.SendSnapshotAsync(ask.Snapshot, stream, stop), cancel)));
        receiver.On(FarmKinds.DeleteSnapshot, (_, ask, cancel) => GuardAsync(() => DeleteCopyAsync(ask.Snapshot, cancel)));
    }

    /// <summary>An answer, or the node to ask instead.</summary>
    private async Task<Routed<TView>> AnswerAsync<TView>(Func<Task<TView>> here)
    {
        try
        {
            return new Routed<TView>(null, await GuardAsync(here));
        }
        catch (VniException e) when (e.InnerException is ElsewhereException elsewhere)
        {
            return new Routed<TView>(elsewhere.Node, default);
        }
    }

    private async Task<bool> RecoverHereAsync(Aid aid, SnapshotRecord snapshot, CancellationToken cancellationToken)
    {
        var actor = await _node.AskAsync<ActorRef<ApplicationMessage>>(reply => new NodeMessage.Resolve(aid, null, reply) { TakesOver = true }, cancellationToken);
        await actor.AskAsync<ApplicationRestored>(reply => new TakeOver(snapshot, reply), cancellationToken);
        return true;
    }

    private async Task<bool> PrepareAsync(PeerContext from, PrepareHandOff ask, CancellationToken cancellationToken)
    {
        if (ask.HandOff.Source != from.From || ask.HandOff.Target != _settings.Node || ask.HandOff.Epoch != ask.Instance.Epoch || !CommandId.IsValid(ask.HandOff.Id))
            throw new VniException(ErrorCodes.InvalidArgument, $"hand-off {DnsLabel.Quote(ask.HandOff.Id)} of application {ask.Instance.Aid} is not one from node {from.From} to node {_settings.Node}");
        var target = await _node.AskAsync<ActorRef<TargetMessage>>(reply => new NodeMessage.OpenHandOff(ask, reply), cancellationToken);
        return await target.AskAsync<bool>(reply => new TargetMessage.Prepare(ask, reply), cancellationToken);
    }

    private Task<T> ToHandOffAsync<T>(HandOffHeader header, Func<Reply<T>, TargetMessage> make, CancellationToken cancellationToken) => GuardAsync(async () =>
    {
        var target = await _node.AskAsync<ActorRef<TargetMessage>>(reply => new NodeMessage.FindHandOff(header, reply), cancellationToken);
        return await target.AskAsync(make, cancellationToken);
    });

    /// <summary>The node is given up: what is frozen here goes when its daemon is started anew.</summary>
    private async Task<bool> SurrenderAsync(CancellationToken cancellationToken)
    {
        await _node.AskAsync<bool>(reply => new NodeMessage.Surrender(reply), cancellationToken);
        return _left.TrySetResult();
    }

    private async Task<bool> AnnounceLeavingAsync(bool leaving, CancellationToken cancellationToken)
    {
        await _lease.AnnounceAsync(member => member with { Leaving = leaving }, cancellationToken);
        return true;
    }

    /// <summary>Only what the registry no longer counts on is deleted; of an application that is being removed, that is everything.</summary>
    private async Task<bool> DeleteCopyAsync(SnapshotRecord snapshot, CancellationToken cancellationToken)
    {
        var read = await _registry.TransactAsync(
            new Transaction([], [new Operation.Get(new KeyRange(_keys.Snapshot(snapshot.Id))), new Operation.Get(new KeyRange(_keys.Application(snapshot.Aid)))], []),
            cancellationToken);
        var counted = read.Responses[0].Pairs is [var pair] && RegistryJson.Snapshot(pair).Holders.Contains(_settings.Node);
        if (counted && read.Responses[1].Pairs is [var application] && RegistryJson.Application(application).Status != ApplicationStatus.Removing) return false;
        await _ports.Interposer.DeleteSnapshotAsync(snapshot.Id, CancellationToken.None);
        return true;
    }

    private static async Task<bool> DoneAsync(Task work)
    {
        await work;
        return true;
    }
}
