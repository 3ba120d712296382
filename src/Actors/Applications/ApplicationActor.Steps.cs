using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Actors.Kernel;
using Vni.Actors.Nodes;
using Vni.Actors.Registry;
using Vni.Actors.Rules;
using Vni.Actors.Snapshots;
using static Vni.Actors.Applications.ApplicationStatus;

namespace Vni.Actors.Applications;

/// <content>The steps: each starts one piece of work, whose outcome comes back as a message.</content>
internal sealed partial class ApplicationActor
{
    private SnapshotRecord? _restoring;

    /// <summary>Whether the application has run on since the snapshot that is being restored was taken.</summary>
    private bool _older;

    private bool IsOlder(SnapshotRecord snapshot) => State.Status != Dormant || snapshot.Id != State.Snapshot;

    private void Decide(ApplicationState next, OwnerChange owner = OwnerChange.Keep, (string, string)? happened = null, params Operation[] also) =>
        PipeTo(
            store.DecideAsync(_stored, new ApplicationChange(next, owner) { Event = happened, Also = also }, Context.Stopping),
            stored => new Written.Decided(stored),
            error => error switch
            {
                StaleWriteException stale => new Written.Stale(stale),
                UndecidedException { Now: var now, InnerException: var reason } => new Written.Undecided(reason!) { Now = now },
                _ => new Written.Undecided(error),
            });

    private void Record(ApplicationState next, OwnerChange owner, string kind, string message, params Operation[] also) =>
        Record(new ApplicationChange(next, owner) { Event = (kind, message), Also = also });

    private void Record(ApplicationChange change) =>
        PipeTo(store.RecordAsync(_stored, change, Context.Stopping), stored => new Written.Recorded(stored), NotWritten);

    private void Erase() => PipeTo(store.RemoveAsync(_stored, Context.Stopping), () => new Written.Erased(), NotWritten);

    /// <summary>What must be written is repeated until it is, so anything else is a defect: the actor fails over it, and its
    /// successor recovers the application.</summary>
    private static Written.Stale NotWritten(Exception error) =>
        error is StaleWriteException stale ? new Written.Stale(stale) : throw new InvalidOperationException("What is true could not be recorded.", error);

    private void Launch()
    {
        var (aid, launch) = (State.Aid, CancellationTokenSource.CreateLinkedTokenSource(Context.Stopping));
        _launch = launch;
        PipeTo(
            StartAsync(Spec, State, launch.Token),
            started => new Outcome.Launched(started.InitPid),
            error => error is OperationCanceledException && !Context.Stopping.IsCancellationRequested
                ? new Outcome.Failed(new VniException(ErrorCodes.Conflict, $"the start of application {aid} was given up, because somebody has stopped or removed it"))
                : Failed(error));
    }

    /// <summary>A program may take long to be ready, or never be. What was started is undone as when it fails; then the command is done.</summary>
    private void GiveUpStart(ApplicationCommand command)
    {
        _givingUp.Enqueue(command);
        _launch?.Cancel();
    }

    private async Task<StartedInstance> StartAsync(InstanceSpec instance, ApplicationState state, CancellationToken cancellationToken) =>
        await interposer.StartAsync(instance with { Rules = InstanceRules.Of(state) }, cancellationToken).ConfigureAwait(false);

    private string NextSnapshotId() => SnapshotIds.Next(State.Aid, Context.TimeProvider.GetUtcNow(), _shelf.Newest?.Id);

    private void Capture(TakeSnapshot take) =>
        PipeTo(
            interposer.CaptureAsync(Spec, State.PendingSnapshot!, take.LeaveRunning ? CaptureMode.LeaveRunning : CaptureMode.LeaveFrozen, take.Quiescing, Context.Stopping),
            result => new Outcome.Captured(result),
            Failed);

    private void CommitCapture(CaptureResult result)
    {
        _captured = result;
        var leaveRunning = _command is TakeSnapshot { LeaveRunning: true };
        Decide(
            Settled(leaveRunning ? Running : Dormant) with { Snapshot = result.Record.Id, Resumed = leaveRunning },
            leaveRunning ? OwnerChange.Keep : OwnerChange.Release,
            (EventKinds.Snapshotted, $"snapshot {result.Record.Id} is complete"),
            store.Put(result.Record));
    }

    /// <summary>The commit did not come about: the instance goes on, the snapshot goes.</summary>
    private void UndoCapture()
    {
        var id = State.PendingSnapshot!;
        var leftRunning = _command is TakeSnapshot { LeaveRunning: true };
        PipeTo(
            leftRunning ? interposer.DeleteSnapshotAsync(id, CancellationToken.None) : interposer.RollBackAsync(Spec, id, CancellationToken.None),
            () => new Outcome.RolledBack(null),
            error => new Outcome.RolledBack(
                leftRunning ? null : $"it may still be frozen, because a snapshot could not be rolled back ({error.Message}): restart the daemon or stop the application"));
    }

    private void Release() => PipeTo(interposer.ReleaseAsync(Spec, CancellationToken.None), () => new Outcome.Released(), Failed);

    private void BeginRestore(RestoreApplication restore)
    {
        _restoring = restore.SnapshotId is { } id ? _shelf.Find(id) : _shelf.Newest;
        if (_restoring is null)
        {
            restore.Fail(ApplicationSentences.NoSuchSnapshot(State.Aid, restore.SnapshotId));
            return;
        }

        Begin(restore);
        _older = IsOlder(_restoring);
        Decide(State with { Status = Restoring, Former = State.Status, PendingSnapshot = _restoring.Id, Resumed = false }, OwnerChange.Take);
    }

    private void Rebuild(CancellationToken abandoned) => PipeTo(RebuildAsync(_restoring!, abandoned), result => new Outcome.Rebuilt(result), Failed);

    private async Task<RestoreResult> RebuildAsync(SnapshotRecord snapshot, CancellationToken asker)
    {
        var (self, spec, unreleased, older, again) = (Context.Self, Spec, _unreleased, _older, _command is RestoreAgain);
        using var abandoned = CancellationTokenSource.CreateLinkedTokenSource(asker, Context.Stopping);
        if (unreleased) await interposer.ReleaseAsync(spec, CancellationToken.None);
        if (again) await interposer.ParkAsync(spec, CancellationToken.None); // Who calls meanwhile is held, and it is dormant should this fail.
        await FetchAsync(snapshot);
        // The commit goes through the mailbox, as every change of the state does; a daemon that is stopped does not wait for it, and
        // what it undoes then has not run.
        var result = await interposer.RestoreAsync(spec, snapshot, _ => self.AskAsync<bool>(reply => new CommitRestore(reply), Context.Stopping), abandoned.Token);
        if (older) await ports.Transfer.ResetConnectionsAsync(spec, CancellationToken.None);
        return result;
    }

    private void RefuseCommit(Exception reason)
    {
        _failure = reason;
        _commit!.Failure(reason);
    }

    private void Halt(TimeSpan grace)
    {
        _unreleased = false;
        PipeTo(interposer.StopAsync(Spec, grace, CancellationToken.None), exits => new Outcome.Halted(exits), Failed);
    }

    private void RecordEnd(IReadOnlyList<ProcessExit> exits)
    {
        var reason = $"it ended by itself: {Describe(exits)}";
        Record(Settled(Stopped) with { Reason = reason, Exits = exits, Resumed = false }, OwnerChange.Release, EventKinds.Exited, reason);
    }

    private static string Describe(IReadOnlyList<ProcessExit> exits) => exits.Count == 0
        ? "how is not known"
        : string.Join(", ", exits.Select(exit => exit.Signal is { } signal ? $"{exit.Process} by signal {signal}" : $"{exit.Process} with status {exit.ExitCode}"));

    private void Empty() => PipeTo(EmptyAsync(State.Aid), () => new Outcome.Emptied(), Failed);

    private async Task EmptyAsync(Aid aid)
    {
        await interposer.RemoveAsync(aid, CancellationToken.None);

        // The registry's records and not the shelf's: a copy may have been noted a moment ago.
        if (await store.LoadAsync(aid, Context.Stopping) is { } known) await DeleteEverywhereAsync(known.Snapshots);
    }

    /// <summary>Puts back the owner record beside whatever is under way: it changes nothing that a step compares.</summary>
    private void Reclaim() =>
        PipeTo<bool>(
            ReclaimAsync(),
            _ => new Background.Over(null, "putting back the owner record"),
            error => error is StaleWriteException stale ? new Background.Disowned(stale) : new Background.Over(error, "putting back the owner record"));

    private async Task<bool> ReclaimAsync()
    {
        await store.ReclaimAsync(_stored, Context.Stopping);
        return true;
    }

    private void Recover(RecoverApplication recover)
    {
        var lost = _shelf.All.Where(snapshot => snapshot is { Shared: false, Copies: null or [] } && snapshot.Node == settings.Node && recover.OnDisk?.Contains(snapshot.Id) == false).ToList();
        foreach (var snapshot in lost) _shelf.Remove(snapshot);
        var state = State with { Snapshot = _shelf.Newest?.Id };
        var plan = ApplicationRecovery.Plan(state, recover.Found);
        if (State.Snapshot is { } former && former != state.Snapshot && plan.Next is not null)
        {
            var fallBack = $"snapshot {former} is no longer on the node's disk; {(state.Snapshot is { } newest ? $"{newest} is the newest now" : "there is no other")}";
            plan = plan with { Message = plan.Message is null ? fallBack : $"{fallBack}; {plan.Message}" };
        }

        PipeTo(ExecuteAsync(plan, state, lost, _stored), result => new Outcome.Recovered(result), Failed);
    }

    private async Task<RecoveryResult> ExecuteAsync(RecoveryPlan plan, ApplicationState state, List<SnapshotRecord> lost, StoredApplication stored)
    {
        var spec = Spec;
        if (lost.Count > 0) await store.DropSnapshotsAsync(lost, newest: null, Context.Stopping);
        var initPid = 0;
        IReadOnlyList<string>? known = null;
        IReadOnlyList<ProcessExit> exits = [];
        foreach (var step in plan.Steps)
        {
            switch (step)
            {
                case RecoveryStep.Adopt:
                    try
                    {
                        // Adopting thaws: where others may have acted meanwhile, the registry has the first word. The application is
                        // written as it is, so that a write of the former daemon that is still under way finds another revision.
                        using var turn = await gate.PassAsync(settings.Shared ? -1 : gate.Closings, ConfirmAsync, Context.Stopping);
                        var adopted = await interposer.AdoptAsync(spec, CancellationToken.None);
                        (initPid, known) = (adopted.InitPid, adopted.Members);
                    }
                    catch (VniException e)
                    {
                        log.BackgroundFailed(e, state.Aid.Value, "taking it over");
                        await interposer.StopAsync(spec, StopGrace, CancellationToken.None);
                        return await ExecuteAsync(ApplicationRecovery.Plan(state, FoundState.Pieces), state, [], stored);
                    }

                    break;
                case RecoveryStep.Stop:
                    exits = await interposer.StopAsync(spec, StopGrace, CancellationToken.None);
                    break;
                case RecoveryStep.Release:
                    await interposer.ReleaseAsync(spec, CancellationToken.None);
                    break;
                case RecoveryStep.Park:
                    await interposer.ParkAsync(spec, CancellationToken.None);
                    break;
                case RecoveryStep.DeletePending:
                    if (state.PendingSnapshot is { } pending) await interposer.DeleteSnapshotAsync(pending, CancellationToken.None);
                    break;
                case RecoveryStep.Remove:
                    await interposer.RemoveAsync(state.Aid, CancellationToken.None);
                    break;
            }
        }

        return new RecoveryResult(plan, initPid, exits, stored) { Members = known };

        async Task ConfirmAsync() => stored = await store.RecordAsync(stored, new ApplicationChange(stored.State, OwnerChange.Take), Context.Stopping);
    }

    private void RecordRecovery(RecoveryResult result)
    {
        var plan = result.Plan;
        _stored = result.Stored;
        _initPid = result.InitPid;
        if (plan.Next is not { } next)
        {
            Erase();
            return;
        }

        if (next.Status == Stopped && ApplicationRecovery.Again(State with { Snapshot = next.Snapshot }, result.Exits, next.Snapshot is { } newest && ports.Shipping.HasSnapshot(newest)) is { Next: { } restored } again)
            (plan, next) = (again, restored);
        if (result.Members is { } members && next.Joined.Any(joined => !members.Contains(joined.Name))) next = next with { Joined = [.. next.Joined.Where(joined => members.Contains(joined.Name))] };
        if (next.Status == Stopped && result.Exits.Count > 0) next = next with { Exits = result.Exits };
        if (plan.Message is null && next == State && plan.Owner == OwnerChange.Release && !_stored.Owned) Finish();
        else Record(new ApplicationChange(next, plan.Owner) { Event = plan.Message is { } message ? (EventKinds.Recovered, message) : null });
    }

    /// <summary>The recovery has ended with the decision to restore it.</summary>
    private void BeginAgain()
    {
        Answer(_command!);
        Begin(new RestoreAgain());
        (_restoring, _older) = (_shelf.Find(State.PendingSnapshot!), true);
        Rebuild(CancellationToken.None);
    }

    private static ApplicationMessage Failed(Exception reason) => new Outcome.Failed(reason);
}
