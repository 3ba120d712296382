using Vni.Actors.HandOffs;
using Vni.Actors.Interposition;
using Vni.Actors.Kernel;
using Vni.Actors.Messages;
using Vni.Actors.Snapshots;

namespace Vni.Actors.Applications;

/// <summary>What an <see cref="ApplicationActor"/> receives.</summary>
internal abstract record ApplicationMessage;

/// <summary>An operation: one at a time. It ends with an answer, whether its asker still waits or not.</summary>
/// <param name="Doing">What is under way, for one who comes meanwhile.</param>
/// <param name="Done">Participle, for the refusal in a state where it cannot be done.</param>
internal abstract record ApplicationCommand(string Doing, string Done) : ApplicationMessage
{
    /// <summary>No user asked for it, so none is refused for its sake: who comes meanwhile waits until it has ended.</summary>
    public virtual bool IsOwn => false;

    /// <summary>Refuses it, or tells its failure.</summary>
    public abstract void Fail(Exception reason);
}

/// <summary>Starts an application whose identity has just been allocated; if that fails it is removed again.</summary>
internal sealed record RunApplication(Reply<ApplicationState> Reply) : ApplicationCommand("it is being started", "run")
{
    public override void Fail(Exception reason) => Reply.Failure(reason);
}

/// <summary>Starts a stopped application, from the beginning of its programs.</summary>
internal sealed record StartApplication(Reply<ApplicationState> Reply) : ApplicationCommand("it is being started", "started")
{
    public override void Fail(Exception reason) => Reply.Failure(reason);
}

/// <summary>Stops it: SIGTERM, after <paramref name="Grace"/> SIGKILL. A dormant one gives up its live state.</summary>
internal sealed record StopApplication(TimeSpan Grace, Reply<ApplicationState> Reply) : ApplicationCommand("it is being stopped", "stopped")
{
    public override void Fail(Exception reason) => Reply.Failure(reason);
}

/// <summary>Starts another program in it.</summary>
/// <param name="Request">The program.</param>
/// <param name="Ended">Names of its programs that have ended for good, as far as is known.</param>
/// <param name="Reply">The answer.</param>
internal sealed record JoinApplication(JoinRequest Request, IReadOnlySet<string> Ended, Reply<ApplicationJoined> Reply) : ApplicationCommand("a program is joining it", "joined")
{
    public override void Fail(Exception reason) => Reply.Failure(reason);
}

/// <summary>Takes a snapshot [fig. 5].</summary>
/// <param name="LeaveRunning">Whether it runs on, or becomes dormant.</param>
/// <param name="Sync">Whether the answer waits until the snapshot is on disk; the application does not.</param>
/// <param name="Reply">The answer.</param>
internal sealed record TakeSnapshot(bool LeaveRunning, bool Sync, Reply<SnapshotTaken> Reply) : ApplicationCommand("a snapshot is being taken", "snapshotted")
{
    /// <summary>The actor's own, in its turn.</summary>
    public bool IsCheckpoint { get; init; }

    /// <summary>What is done about visitors and passing moments.</summary>
    public Quiescing Quiescing { get; init; } = Quiescing.Default;

    public override bool IsOwn => IsCheckpoint;

    public override void Fail(Exception reason) => Reply.Failure(reason);
}

/// <summary>Restores from a snapshot [fig. 6].</summary>
/// <param name="SnapshotId">Which one; <c>null</c>: the newest.</param>
/// <param name="Reply">The answer.</param>
/// <param name="Abandoned">The asker went away: honoured until the commit.</param>
internal sealed record RestoreApplication(string? SnapshotId, Reply<ApplicationRestored> Reply, CancellationToken Abandoned) : ApplicationCommand("it is being restored", "restored")
{
    public override void Fail(Exception reason) => Reply.Failure(reason);
}

/// <summary>Removes it with its files, snapshots and identity; the actor stops.</summary>
/// <param name="Force">Also when it runs, or is stuck in an operation that failed.</param>
/// <param name="Reply">The answer.</param>
internal sealed record RemoveApplication(bool Force, Reply<bool> Reply) : ApplicationCommand("it is being removed", "removed")
{
    public override void Fail(Exception reason) => Reply.Failure(reason);
}

/// <summary>Moves it to another node [K3].</summary>
internal sealed record MigrateApplication(MigrateRequest Request, Reply<MigrationView> Reply) : ApplicationCommand("it is being migrated", "migrated")
{
    /// <summary>When its time began to run, if it had to wait for its turn.</summary>
    public long? Since { get; init; }

    public override void Fail(Exception reason) => Reply.Failure(reason);
}

/// <summary>Its node is gone: this one takes it over and restores it from a snapshot.</summary>
internal sealed record TakeOver(SnapshotRecord Snapshot, Reply<ApplicationRestored> Reply) : ApplicationCommand("it is being recovered from a snapshot", "taken over")
{
    public override void Fail(Exception reason) => Reply.Failure(reason);
}

/// <summary>Puts right what a former daemon, or a former actor, left; see <see cref="ApplicationRecovery"/>.</summary>
/// <param name="Found">What is there of it on this node; <c>null</c>: nothing.</param>
/// <param name="OnDisk">Ids of all snapshots on this node's disk; <c>null</c>: not looked at, the records are believed.</param>
/// <param name="Reply">The answer: whether it is still there.</param>
internal sealed record RecoverApplication(FoundState? Found, IReadOnlySet<string>? OnDisk, Reply<bool> Reply) : ApplicationCommand("the daemon, just started, is looking at what it finds of it", "recovered")
{
    public override bool IsOwn => true;

    public override void Fail(Exception reason) => Reply.Failure(reason);
}

/// <summary>The actor's own: takes away what is left of an instance that ended by itself.</summary>
internal sealed record ClearAway(InstanceEnded Ended) : ApplicationCommand("its processes have ended and its shell is being taken away", "cleared away")
{
    public override bool IsOwn => true;

    public override void Fail(Exception reason) { }
}

/// <summary>The actor's own: brings back what was ended with its node; see <see cref="ApplicationRecovery.Again"/>.</summary>
internal sealed record RestoreAgain() : ApplicationCommand("it is being restored after its node was started anew", "restored again")
{
    public override bool IsOwn => true;

    public override void Fail(Exception reason) { }
}

/// <summary>The actor's own: does without a snapshot that was found damaged.</summary>
internal sealed record DiscardSnapshot(SnapshotRecord Snapshot, string Why) : ApplicationCommand("a damaged snapshot of it is being discarded", "parted from a snapshot")
{
    public override bool IsOwn => true;

    public override void Fail(Exception reason) { }
}

/// <summary>The instance has ended, by itself or by us.</summary>
internal sealed record EndOfInstance(InstanceEnded Ended) : ApplicationMessage;

/// <summary>The node has a new lease: the owner record must hang on it.</summary>
internal sealed record LeaseReplaced : ApplicationMessage;

/// <summary>The node was fenced: what is frozen may run again if it is still this node's.</summary>
/// <param name="Closings">The fence that is to be lifted; a later one is not.</param>
/// <param name="IsTimely">Whether the lease still lives long enough; from any thread.</param>
/// <param name="Reply">The answer, when it runs, is known not to be this node's, or will be seen to at the end of the operation
/// that is under way.</param>
internal sealed record LiftFence(int Closings, Func<bool> IsTimely, Reply<bool> Reply) : ApplicationMessage;

/// <summary>What came of the last thing that a hand-off's source asked for.</summary>
internal sealed record HandOffHappened(SourceEvent Event) : ApplicationMessage;

/// <summary>Answered when no operation is under way.</summary>
internal sealed record AwaitQuiet(Reply<bool> Reply) : ApplicationMessage;

/// <summary>From within a restore: may the processes run?</summary>
internal sealed record CommitRestore(Reply<bool> Reply) : ApplicationMessage;

/// <summary>What the interposer brought about.</summary>
internal abstract record Outcome : ApplicationMessage
{
    internal sealed record Launched(int InitPid) : Outcome;

    internal sealed record Joined(int Pid) : Outcome;

    internal sealed record Captured(CaptureResult Result) : Outcome;

    internal sealed record RolledBack(string? Problem) : Outcome;

    internal sealed record Released : Outcome;

    internal sealed record Rebuilt(RestoreResult Result) : Outcome;

    internal sealed record Halted(IReadOnlyList<ProcessExit> Exits) : Outcome;

    internal sealed record Emptied : Outcome;

    internal sealed record Recovered(RecoveryResult Result) : Outcome;

    internal sealed record Fenced : Outcome;

    /// <summary>A migration without a freeze is over: where it is now, if that is not as before.</summary>
    internal sealed record MovedAtRest(MigrationView? View, StoredApplication? Now) : Outcome
    {
        /// <summary>Why it stayed.</summary>
        public Exception? Problem { get; init; }
    }

    internal sealed record Fetched : Outcome;

    internal sealed record Failed(Exception Reason) : Outcome;
}

/// <summary>What the registry made of a write.</summary>
internal abstract record Written : ApplicationMessage
{
    /// <summary>A decision was taken: the next step follows from the new status.</summary>
    internal sealed record Decided(StoredApplication Stored) : Written;

    /// <summary>A decision was not taken; the state is as it was.</summary>
    internal sealed record Undecided(Exception Reason) : Written
    {
        /// <summary>What the next write starts from; <c>null</c>: as before.</summary>
        public StoredApplication? Now { get; init; }
    }

    /// <summary>What is true is recorded: the operation is at its end.</summary>
    internal sealed record Recorded(StoredApplication Stored) : Written;

    /// <summary>The application is gone from the registry.</summary>
    internal sealed record Erased : Written;

    /// <summary>The application is not what this actor took it for.</summary>
    internal sealed record Stale(StaleWriteException Reason) : Written;
}

/// <summary>Work behind the operations: none of it keeps the application from anything else.</summary>
internal abstract record Background : ApplicationMessage
{
    /// <summary>It is time to bring a snapshot's files to disk.</summary>
    internal sealed record SyncDue(SnapshotRecord Snapshot) : Background;

    /// <summary>A snapshot's files are on disk, or could not be brought there.</summary>
    internal sealed record Synced(SnapshotRecord Snapshot, Exception? Problem) : Background;

    /// <summary>That is recorded, or the snapshot is gone (<c>null</c>).</summary>
    internal sealed record MarkedDurable(string Id, SnapshotRecord? Snapshot) : Background;

    /// <summary>A snapshot of a former daemon was checked.</summary>
    internal sealed record Verified(SnapshotRecord Snapshot, Exception? Problem) : Background;

    /// <summary>It is time for a checkpoint.</summary>
    internal sealed record CheckpointDue : Background;

    /// <summary>A checkpoint was taken, or could not be.</summary>
    internal sealed record CheckpointTaken(Exception? Problem) : Background;

    /// <summary>A snapshot has been copied to where it outlives this node, or it is gone (<c>null</c>).</summary>
    internal sealed record Copied(SnapshotRecord? Snapshot) : Background;

    /// <summary>Ownership after a fence is confirmed.</summary>
    internal sealed record Lifted(Reply<bool> Reply) : Background;

    /// <summary>Another node has the owner record.</summary>
    internal sealed record Disowned(StaleWriteException Reason) : Background
    {
        public Reply<bool>? Reply { get; init; }
    }

    /// <summary>Nothing follows.</summary>
    internal sealed record Over(Exception? Problem, string Doing) : Background
    {
        public Reply<bool>? Reply { get; init; }
    }
}

/// <summary>The answer to <see cref="JoinApplication"/>.</summary>
internal sealed record ApplicationJoined(ApplicationState State, string Process, int Pid);

/// <summary>The answer to <see cref="TakeSnapshot"/>.</summary>
internal sealed record SnapshotTaken(ApplicationState State, SnapshotRecord Snapshot, IReadOnlyList<Phase> Phases, IReadOnlyList<ClosedVisitor> ClosedVisitors);

/// <summary>The answer to <see cref="RestoreApplication"/>.</summary>
internal sealed record ApplicationRestored(ApplicationState State, string Snapshot, RestoreResult Result);
