using Microsoft.Extensions.Logging;
using Vni.Actors.Diagnostics;
using Vni.Actors.Farms;
using Vni.Actors.Interposition;
using Vni.Actors.Kernel;
using Vni.Actors.Messages;
using Vni.Actors.Nodes;
using Vni.Actors.Snapshots;
using static Vni.Actors.Applications.ApplicationStatus;

namespace Vni.Actors.Applications;

/// <summary>
/// Owns one application instance on this node: what becomes of it and in which order [fig. 5, 6].
/// <code>
///  run --> Starting --> Running &lt;--> Snapshotting --> Dormant --> Restoring --> Running
///             ^            |                              |  ^          ^  |
///             |            v                              |  +----------|--+  (failed: as before)
///             |         Stopping &lt;------------------------+             |
///             |            |                                            |
///             +-------- Stopped ----------------------------------------+
///  rm: Running (with force), Dormant, Stopped --> Removing --> gone
/// </code>
/// Each operation is a chain of steps, of which one is under way at a time: a <i>decision</i>, written to the registry
/// before the node is touched; work of the interposer; for snapshot and restore a second decision, the commit, which
/// work waits for; and at last the <i>record</i> of what is true now. A decision that the registry did not take is
/// undone; a record is repeated until it is taken. So after a crash at any instant the status in the registry says what
/// may be found on the node, and <see cref="ApplicationRecovery"/> what to do about it.
/// <para>
/// The owner record exists from the decision for Starting or Restoring until the record of Stopped or the commit of
/// Dormant. A write that finds another node in it is not repeated: the instance is stopped and the actor ends. The
/// epoch grows when the owner is another node than the last one, not when the same node runs the instance again.
/// </para>
/// <para>
/// An asker that goes away ends its waiting and nothing else, with one exception: a restore is given up until its commit.
/// </para>
/// </summary>
internal sealed partial class ApplicationActor(
    LoadedApplication loaded, ApplicationStore store, NodePorts ports, MemberDirectory members, FenceGate gate, NodeSettings settings, ILogger log) : Actor<ApplicationMessage>
{
    private readonly IInterposer interposer = ports.Interposer;
    private readonly SnapshotShelf _shelf = new(loaded.Snapshots);
    private readonly Queue<ApplicationCommand> _postponed = new();
    private readonly Queue<ApplicationCommand> _givingUp = new();
    private readonly List<Reply<bool>> _awaitingQuiet = [];
    private StoredApplication _stored = loaded.Application;

    // The operation under way, and what it has come to.
    private ApplicationCommand? _command;
    private Exception? _failure;
    private CancellationTokenSource? _launch;
    private CaptureResult? _captured;
    private RestoreResult? _restored;
    private Reply<bool>? _commit;
    private MigrationView? _moved;
    private bool _erased;

    /// <summary>Which activation runs; an end with another pid is an earlier one's.</summary>
    private int _initPid = loaded.InitPid;

    /// <summary>An end that was reported while an operation was under way.</summary>
    private InstanceEnded? _ended;

    /// <summary>The frozen processes of a committed snapshot could not be ended yet.</summary>
    private bool _unreleased;

    private ApplicationState State => _stored.State;

    private InstanceSpec Spec => new(State.Aid, State.Identity, State.Declaration, State.Epoch) { Joined = State.Joined };

    protected override Task StartedAsync()
    {
        if (loaded.Closings is not null) LiftIfFenced();
        if (loaded.InitPid != 0) LookSoon();
        return Task.CompletedTask;
    }

    protected override void Receive(ApplicationMessage message)
    {
        switch (State.Status, message)
        {
            // Operations: one at a time, each from the states in which it can be done.
            case (_, DiscardSnapshot discard) when _command is not null:
                _postponed.Enqueue(discard);
                break;
            case (Starting, RemoveApplication { Force: true } or StopApplication) when _command is StartApplication:
            case (Starting, RemoveApplication { Force: true }) when _command is RunApplication:
                GiveUpStart((ApplicationCommand)message);
                break;
            case (_, ApplicationCommand command) when _command is { IsOwn: true }:
                _postponed.Enqueue(command is MigrateApplication { Since: null } waiting ? waiting with { Since = Context.TimeProvider.GetTimestamp() } : command);
                break;
            case (_, ApplicationCommand command) when _command is not null:
                command.Fail(ApplicationSentences.Busy(State.Aid, _command));
                break;
            case (_, TakeOver takeOver):
                BeginTakeOver(takeOver, takeOver.Snapshot);
                break;
            case (Dormant or Lost, RestoreApplication restore) when Foreign:
                BeginTakeOver(restore, restore.SnapshotId is { } wanted ? _shelf.Find(wanted) : _shelf.Newest);
                break;
            case (_, ApplicationCommand command) when Foreign && command is not (RemoveApplication or RecoverApplication):
                command.Fail(new VniException(ErrorCodes.Conflict, $"application {State.Aid} is on node {State.Node}, which is down; only 'restore' and 'rm' can be done without it"));
                Stop();
                break;
            case (Running or Dormant or Stopped, MigrateApplication migrate):
                Migrate(migrate);
                break;
            case (Starting, RunApplication run):
                Begin(run);
                Launch();
                break;
            case (Stopped or Lost, StartApplication start) when State.HandOff is null:
                Begin(start);
                Decide(State with { Status = Starting, Former = Stopped, Resumed = false, Joined = [] }, OwnerChange.Take);
                break;
            case (Running, JoinApplication join):
                BeginJoin(join);
                break;
            case (Running, TakeSnapshot take):
                Begin(take);
                Decide(State with { Status = Snapshotting, Former = Running, PendingSnapshot = NextSnapshotId() });
                break;
            case (Dormant or Stopped or Lost, RestoreApplication restore):
                BeginRestore(restore);
                break;
            case (not (Stopped or Removing), StopApplication stop):
                Begin(stop);
                Decide(State with { Status = Stopping, Former = State.Status is Running or Dormant ? State.Status : null });
                break;
            case (Stopped or Dormant or Removing or Lost, RemoveApplication):
            case (_, RemoveApplication { Force: true }):
                Begin((RemoveApplication)message);
                Decide(State with { Status = Removing, Former = null });
                break;
            case (_, RecoverApplication recover) when State.HandOff?.Source == settings.Node:
                Begin(recover);
                ResumeClaim(recover.Found);
                break;
            case (_, RecoverApplication recover):
                Begin(recover);
                Recover(recover);
                break;
            case (_, DiscardSnapshot discard):
                Begin(discard);
                Discard(discard);
                break;
            case (_, ApplicationCommand command):
                command.Fail(ApplicationSentences.WrongState(State, command));
                break;

            // What the registry made of a write.
            case (_, Written.Decided { Stored: var stored }):
                Become(stored);
                Proceed();
                break;
            case (_, Written.Undecided { Now: { } now } undecided):
                _stored = now;
                Receive(undecided with { Now = null });
                break;
            case (Snapshotting, Written.Undecided { Reason: var reason }) when _captured is not null: // The commit of a snapshot.
                _failure = reason;
                UndoCapture();
                break;
            case (Restoring, Written.Undecided { Reason: var reason }) when _commit is not null: // The commit of a restore.
                RefuseCommit(reason);
                break;
            case (_, Written.Undecided { Reason: var reason }): // The first decision: nothing has happened yet.
                _failure = reason;
                Finish();
                break;
            case (_, Written.Recorded { Stored: { State: { Status: Restoring, Former: Running } } stored }) when _command is RecoverApplication && stored.State.Node == settings.Node:
                Become(stored);
                BeginAgain();
                break;
            case (_, Written.Recorded { Stored: var stored }):
                Become(stored);
                Finish();
                break;
            case (_, Written.Erased):
                _erased = true;
                Finish();
                break;
            case (Restoring, Written.Stale { Reason: var reason }) when _commit is not null: // The interposer undoes its work first.
                RefuseCommit(reason);
                break;
            case (_, Written.Stale { Reason: var reason }):
                Fence(reason);
                break;

            // What the interposer brought about.
            case (_, Outcome.Failed { Reason: StaleWriteException stale }) when _command is RecoverApplication: // Others took it over before it could be confirmed.
                Fence(stale);
                break;
            case (_, Outcome.Failed { Reason: var reason }) when _command is RecoverApplication || IsRestore && Foreign: // It stays as recorded; the operator decides.
                _failure = reason;
                Finish();
                break;
            case (Starting, Outcome.Launched { InitPid: var pid }):
                FaultPoints.Reach("start:launched");
                _initPid = pid;
                Record(Settled(Running) with { Resumed = true, Exits = [] }, OwnerChange.Keep, EventKinds.Started, $"{State.Aid} runs");
                break;
            case (Starting, Outcome.Failed { Reason: var reason }) when State.Former is null && _failure is null:
                _failure = reason; // Never run before, so nothing of it is to stay.
                Empty();
                break;
            case (Starting, Outcome.Failed { Reason: var reason }) when State.Former is null:
                Record(Settled(Removing) with { Reason = ApplicationSentences.Why(reason) }, OwnerChange.Release, EventKinds.Failed, ApplicationSentences.Why(reason));
                break;
            case (Starting, Outcome.Failed { Reason: var reason }):
                _failure = reason;
                Record(Settled(Stopped) with { Reason = ApplicationSentences.Why(reason) }, OwnerChange.Release, EventKinds.Failed, ApplicationSentences.Why(reason));
                break;
            case (Running, Outcome.Joined { Pid: var pid }):
                RecordJoin(pid);
                break;
            case (Running, Outcome.Failed { Reason: var reason }) when _command is JoinApplication:
                RecordNoJoin(reason);
                break;
            case (Snapshotting, Outcome.Captured { Result: var result }):
                FaultPoints.Reach("snapshot:captured");
                CommitCapture(result);
                break;
            case (Snapshotting, Outcome.Failed { Reason: var reason }):
                _failure = reason;
                Record(Settled(Running), OwnerChange.Keep, EventKinds.Failed, ApplicationSentences.Why(reason));
                break;
            case (Snapshotting, Outcome.RolledBack { Problem: var problem }):
                Record(Settled(Running) with { Reason = problem }, OwnerChange.Keep, EventKinds.Failed, ApplicationSentences.Why(_failure!));
                break;
            case (Dormant, Outcome.Released):
                Finish();
                break;
            case (Dormant, Outcome.Failed { Reason: var reason }) when _command is TakeSnapshot: // The snapshot stands; what is frozen is ended later.
                _unreleased = true;
                log.BackgroundFailed(reason, State.Aid.Value, "ending the frozen processes");
                Finish();
                break;
            case (Restoring, CommitRestore { Reply: var reply }) when IsRestore:
                _commit = reply;
                Decide(State with { Status = Running, Resumed = false, Joined = _restoring!.Joined ?? [] });
                break;
            case (_, CommitRestore { Reply: var reply }):
                reply.Failure(new VniException(ErrorCodes.Conflict, $"the restore of application {State.Aid} is no longer under way; look at its state and try again"));
                break;
            case (Running, Outcome.Rebuilt { Result: var result }):
                _restored = result;
                _initPid = result.InitPid;
                _unreleased = false;
                Record(Settled(Running) with { Resumed = true, Exits = [] }, OwnerChange.Keep, EventKinds.Restored, $"restored from {State.PendingSnapshot}; {(result.FramesHeld == 1 ? "1 frame" : $"{result.FramesHeld} frames")} had been held");
                break;
            case (Restoring, Outcome.Failed { Reason: var reason }) when _failure is StaleWriteException stale:
                log.OperationFailed(reason, State.Aid.Value, _command!.Doing);
                Fence(stale);
                break;
            case (Restoring or Running, Outcome.Failed { Reason: var reason }) when IsRestore:
                _failure ??= reason;
                // A take-over that fails leaves the claim of the node that ran it last.
                var (former, why) = _command is RestoreAgain ? (Dormant, ApplicationSentences.Why(_failure)) : (State.Former ?? Dormant, State.Reason);
                Record(Settled(former) with { Reason = why, Resumed = false, HandOff = _command is TakeOver ? State.HandOff : null }, OwnerChange.Release, EventKinds.Failed, ApplicationSentences.Why(_failure));
                break;
            case (Stopping, Outcome.Halted { Exits: var exits }):
                Record(Settled(Stopped) with { Reason = "stopped on request", Exits = exits }, OwnerChange.Release, EventKinds.Stopped, "stopped on request");
                break;
            case (Stopping, Outcome.Failed { Reason: var reason }):
                _failure = reason;
                Record(Settled(State.Former ?? Stopping) with { Reason = State.Former is null ? ApplicationSentences.Why(reason) : State.Reason }, OwnerChange.Keep, EventKinds.Failed, ApplicationSentences.Why(reason));
                break;
            case (Running, Outcome.Halted { Exits: var exits }) when _command is ClearAway clear:
                RecordEnd(clear.Ended.Exits.Count > 0 ? clear.Ended.Exits : exits);
                break;
            case (Running, Outcome.Failed { Reason: var reason }) when _command is ClearAway clear: // Ended it has, whatever is left of its shell.
                log.BackgroundFailed(reason, State.Aid.Value, "taking its shell away");
                RecordEnd(clear.Ended.Exits);
                break;
            case (Dormant, Outcome.Halted) when _command is DiscardSnapshot discard:
                RecordDiscard(discard, Settled(Stopped));
                break;
            case (Starting or Removing, Outcome.Emptied):
                Erase();
                break;
            case (Removing, Outcome.Failed { Reason: var reason }):
                _failure = reason;
                Record(State with { Reason = ApplicationSentences.Why(reason) }, OwnerChange.Keep, EventKinds.Failed, ApplicationSentences.Why(reason));
                break;
            case (_, Outcome.Fetched):
                DecideTakeOver();
                break;
            case (_, Outcome.MovedAtRest { View: var view, Now: var now, Problem: var problem }):
                (_moved, _failure) = (view, problem);
                if (now is not null) Become(now);
                if (Foreign) FinishAway();
                else Finish();
                break;
            case (_, HandOffHappened happened):
                Follow(happened);
                break;
            case (_, Outcome.Recovered { Result: var result }):
                RecordRecovery(result);
                break;
            case (_, Outcome.Failed { Reason: var reason }): // A discarding: the next start looks again.
                _failure = reason;
                Finish();
                break;
            case (_, Outcome.Fenced):
                Leave();
                break;

            // The instance ended by itself.
            case (Running, EndOfInstance { Ended: var ended }) when _command is null && ended.InitPid == _initPid:
                Begin(new ClearAway(ended));
                Halt(TimeSpan.Zero);
                break;
            case (_, EndOfInstance { Ended: var ended }) when _command is not null: // Looked at when the operation is over.
                _ended = ended;
                break;
            case (_, EndOfInstance): // A former activation's, or one that we ended.
                log.Ignored(State.Aid.Value, nameof(EndOfInstance), State.Status);
                break;

            case (_, LiftFence lift):
                Lift(lift);
                break;
            case (_, LeaseReplaced):
                if (_stored.Owned) Reclaim();
                break;
            case (_, AwaitQuiet { Reply: var reply }):
                _awaitingQuiet.Add(reply);
                AnswerIfQuiet();
                break;
            case (_, ResourceMessage about):
                Follow(about);
                break;
            case (_, Background background):
                Follow(background);
                break;

            default: // An outcome that nothing waits for any more.
                log.Ignored(State.Aid.Value, message.GetType().Name, State.Status);
                break;
        }
    }

    private void Become(StoredApplication stored)
    {
        if (stored.State.Status != State.Status) log.Moved(State.Aid.Value, State.Status, stored.State.Status);
        _stored = stored;
    }

    /// <summary>This node must not run it, or does not know it any more: what runs is stopped in the first case, and the
    /// actor ends in both. If the application is still this node's, the NodeActor makes a new one, which recovers it.</summary>
    private void Fence(StaleWriteException reason)
    {
        log.Fenced(reason, State.Aid.Value);
        _failure = reason;
        if (reason.Lost) PipeTo(interposer.StopAsync(Spec, TimeSpan.Zero, CancellationToken.None), _ => new Outcome.Fenced(), _ => new Outcome.Fenced());
        else Leave();
    }

    private void Leave()
    {
        if (_failure is StaleWriteException stale) _command?.Fail(stale.ToRefusal());
        Stop();
    }
}
