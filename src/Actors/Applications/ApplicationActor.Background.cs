using Vni.Actors.Interposition;
using Vni.Actors.Nodes;
using Vni.Actors.Snapshots;
using static Vni.Actors.Applications.ApplicationStatus;

namespace Vni.Actors.Applications;

/// <content>
/// What goes on behind the operations: a new snapshot is brought to disk, noted as durable, and only then do older ones
/// go, their record first. It concerns files of snapshots alone, never the instance, so it overlaps with operations;
/// what a crash leaves undone the next daemon does.
/// </content>
internal sealed partial class ApplicationActor
{
    private readonly Dictionary<string, (TakeSnapshot Command, SnapshotTaken Answer)> _awaitingSync = [];

    /// <summary>Grace of stops that nobody asked for.</summary>
    private static readonly TimeSpan StopGrace = TimeSpan.FromSeconds(10);

    private void Follow(Background background)
    {
        switch (background)
        {
            case Background.SyncDue { Snapshot: var snapshot } when _shelf.Find(snapshot.Id) is not null:
                Sync(snapshot);
                break;
            case Background.SyncDue: // Deleted meanwhile.
                break;
            case Background.Synced { Snapshot: var snapshot, Problem: null } when _shelf.Find(snapshot.Id) is not null:
                PipeTo(
                    store.MarkDurableAsync(snapshot, Context.Stopping),
                    durable => new Background.MarkedDurable(snapshot.Id, durable),
                    error => new Background.Over(error, "noting that a snapshot is on disk"));
                break;
            case Background.Synced { Snapshot: var snapshot, Problem: var problem }:
                AnswerSynced(snapshot.Id, null, problem);
                break;
            case Background.MarkedDurable { Id: var id, Snapshot: var snapshot }:
                if (snapshot is not null && _shelf.Find(id) is not null)
                {
                    _shelf.Put(snapshot);
                    Spread(snapshot);
                }

                AnswerSynced(id, snapshot, null);
                Prune();
                break;
            case Background.Copied { Snapshot: { } copied } when _shelf.Find(copied.Id) is not null:
                _shelf.Put(copied);
                Prune();
                break;
            case Background.Copied: // Pruned meanwhile.
                break;
            case Background.CheckpointDue:
                _checkpoint = null;
                TakeCheckpoint();
                break;
            case Background.CheckpointTaken { Problem: var missed }:
                if (missed is not null) log.BackgroundFailed(missed, State.Aid.Value, "taking a checkpoint");
                ScheduleCheckpoint();
                break;
            case Background.Lifted { Reply: var lifted }:
                lifted.Success(true);
                break;
            case Background.Verified { Snapshot: var snapshot } when _shelf.Find(snapshot.Id) is null: // Pruned meanwhile.
                break;
            case Background.Verified { Snapshot: var snapshot, Problem: null }:
                Sync(snapshot);
                break;
            case Background.Verified { Snapshot: var snapshot, Problem: VniException { Code: ErrorCodes.SnapshotDamaged } damage }:
                Context.Self.Tell(new DiscardSnapshot(snapshot, damage.Message));
                break;
            case Background.Verified { Snapshot: var snapshot, Problem: { } problem }: // Not known: the next start looks again.
                log.BackgroundFailed(problem, State.Aid.Value, $"checking snapshot {snapshot.Id}");
                break;
            case Background.Disowned { Reason: var reason, Reply: var asker }:
                asker?.Success(true);
                if (_command is null) Fence(reason); // Else the operation under way finds it out by its next write.
                break;
            case Background.Over { Problem: { } problem, Doing: var doing, Reply: var asker }:
                asker?.Failure(problem);
                log.BackgroundFailed(problem, State.Aid.Value, doing);
                break;
            case Background.Over:
                break;
        }
    }

    /// <summary>A commit made the captured snapshot one of the application's.</summary>
    private void Shelve()
    {
        _shelf.Put(_captured!.Record);
        if (settings.SyncDelay == TimeSpan.Zero || _command is TakeSnapshot { Sync: true }) Sync(_captured.Record);
        else Schedule(settings.SyncDelay, new Background.SyncDue(_captured.Record));
    }

    private void Sync(SnapshotRecord snapshot) =>
        PipeTo(
            interposer.SyncSnapshotAsync(snapshot.Id, Context.Stopping),
            () => new Background.Synced(snapshot, null),
            error => new Background.Synced(snapshot, error));

    /// <summary>Answers now, or when the snapshot is on disk if that was asked for.</summary>
    private void AnswerSnapshot(TakeSnapshot take, SnapshotTaken answer)
    {
        var known = _shelf.Find(answer.Snapshot.Id);
        if (!take.Sync || known is { Durable: true }) take.Reply.Success(answer with { Snapshot = known ?? answer.Snapshot });
        else if (_syncProblems.Remove(answer.Snapshot.Id, out var problem)) take.Fail(NotDurable(answer.Snapshot.Id, problem));
        else _awaitingSync[answer.Snapshot.Id] = (take, answer);
    }

    /// <summary>Failures that came before the operation was over, by snapshot.</summary>
    private readonly Dictionary<string, Exception> _syncProblems = [];

    private void AnswerSynced(string id, SnapshotRecord? durable, Exception? problem)
    {
        if (problem is not null) log.BackgroundFailed(problem, State.Aid.Value, $"bringing snapshot {id} to disk");
        if (_awaitingSync.Remove(id, out var waiting))
        {
            if (durable is not null) waiting.Command.Reply.Success(waiting.Answer with { Snapshot = durable });
            else waiting.Command.Fail(NotDurable(id, problem));
            AnswerIfQuiet();
        }
        else if (problem is not null && _command is TakeSnapshot)
        {
            _syncProblems[id] = problem;
        }
    }

    private static VniException NotDurable(string id, Exception? problem) =>
        new(problem is VniException { Code: var code } ? code : ErrorCodes.Internal,
            $"snapshot {id} is complete, but it is not known to be on disk ({problem?.Message ?? "it was removed meanwhile"}); take another one", problem);

    /// <summary>Deletes the snapshots that retention gives up, when no operation could be using one.</summary>
    private void Prune()
    {
        if (_command is not null || State.Status == Removing) return;
        var expired = SnapshotRetention.Expired(_shelf.All, settings.KeepSnapshots, outliving: State.Declaration.Checkpoint is not null);
        if (expired.Count == 0) return;
        foreach (var snapshot in expired) _shelf.Remove(snapshot);
        PipeTo<bool>(
            DeleteAsync(expired, _shelf.Newest),
            _ => new Background.Over(null, "deleting old snapshots"),
            error => new Background.Over(error, "deleting old snapshots"));
    }

    private async Task<bool> DeleteAsync(IReadOnlyList<SnapshotRecord> snapshots, SnapshotRecord? newest)
    {
        if (!await store.DropSnapshotsAsync(snapshots, newest, Context.Stopping)) return false;
        await DeleteEverywhereAsync(snapshots);
        return true;
    }

    /// <summary>Checks what a former daemon may not have brought to disk before the power failed.</summary>
    private void VerifyUncertain()
    {
        foreach (var snapshot in _shelf.All.Where(snapshot => !snapshot.Durable && snapshot.Node == settings.Node))
        {
            PipeTo<SnapshotManifest>(
                interposer.VerifySnapshotAsync(snapshot, Context.Stopping),
                _ => new Background.Verified(snapshot, null),
                error => new Background.Verified(snapshot, error));
        }
    }

    private void Discard(DiscardSnapshot discard)
    {
        _shelf.Remove(discard.Snapshot);
        if (State.Status == Dormant && _shelf.Newest is null) Halt(TimeSpan.Zero);
        else RecordDiscard(discard, State);
    }

    private void RecordDiscard(DiscardSnapshot discard, ApplicationState next)
    {
        var id = discard.Snapshot.Id;
        var newest = _shelf.Newest?.Id;
        var message = $"snapshot {id} is given up ({discard.Why}); {(newest is null ? "there is no other" : $"{newest} is the newest now")}";
        Record(next with { Snapshot = newest, Reason = next.Status == State.Status ? next.Reason : message }, OwnerChange.Keep, EventKinds.Recovered, message, store.Delete(discard.Snapshot));
    }

    private void DeleteFiles(SnapshotRecord snapshot) =>
        PipeTo(
            DeleteEverywhereAsync([snapshot]),
            () => new Background.Over(null, "deleting a damaged snapshot"),
            error => new Background.Over(error, "deleting a damaged snapshot"));

    private void AnswerIfQuiet()
    {
        if (_command is not null || _awaitingSync.Count > 0) return;
        foreach (var reply in _awaitingQuiet) reply.Success(true);
        _awaitingQuiet.Clear();
    }
}
