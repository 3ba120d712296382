using Vni.Actors.Diagnostics;
using static Vni.Actors.Applications.ApplicationStatus;

namespace Vni.Actors.Applications;

/// <content>The life of an operation: it begins, goes on when a decision was taken, ends, and its asker is told.</content>
internal sealed partial class ApplicationActor
{
    /// <summary>The state that an operation ends in.</summary>
    private ApplicationState Settled(ApplicationStatus status) =>
        State with { Status = status, Reason = null, Former = null, PendingSnapshot = null, HandOff = null, Joined = status == Stopped ? [] : State.Joined };

    private bool IsRestore => _command is RestoreApplication or TakeOver or RestoreAgain;

    private void Begin(ApplicationCommand command)
    {
        _command = command;
        ForgetLooks();
        _closings = gate.Closings;
        SaveAtOnce();
        (_failure, _captured, _restored, _commit, _ended, _moved) = (null, null, null, null, null, null);
    }

    /// <summary>A decision was taken: what the new status asks for.</summary>
    private void Proceed()
    {
        switch (State.Status, _command)
        {
            case (Starting, _):
                Launch();
                break;
            case (Running, JoinApplication):
                Join();
                break;
            case (Snapshotting, TakeSnapshot take):
                FaultPoints.Reach("snapshot:decided");
                Capture(take);
                break;
            case (Dormant, TakeSnapshot): // The commit.
                FaultPoints.Reach("snapshot:committed");
                Shelve();
                Release();
                break;
            case (Running, TakeSnapshot): // The commit, of a snapshot that left it running.
                Shelve();
                Finish();
                break;
            case (Restoring, RestoreApplication or TakeOver):
                FaultPoints.Reach("restore:decided");
                Rebuild((_command as RestoreApplication)?.Abandoned ?? CancellationToken.None);
                break;
            case (Running, RestoreApplication or TakeOver or RestoreAgain): // The commit: the processes may run.
                _commit!.Success(true);
                break;
            case (Stopping, StopApplication stop):
                Halt(stop.Grace);
                break;
            case (Removing, _):
                Empty();
                break;
            default:
                throw new InvalidOperationException($"Nothing follows from {State.Status} in '{_command?.Doing}'.");
        }
    }

    /// <summary>The operation is over: its asker is told, and what had to wait goes on.</summary>
    private void Finish()
    {
        var command = _command!;
        _command = null;
        ForgetLooks();
        if (_failure is { } reason)
        {
            log.OperationFailed(reason, State.Aid.Value, command.Doing);
            command.Fail(reason switch
            {
                StaleWriteException stale => stale.ToRefusal(),
                OperationCanceledException => new VniException(ErrorCodes.Internal, $"application {State.Aid}: {ApplicationSentences.Why(reason)}; try again", reason),
                _ => reason,
            });
        }
        else
        {
            Answer(command);
        }

        _launch?.Dispose();
        _launch = null;
        while (_givingUp.TryDequeue(out var given))
        {
            if (given is RemoveApplication remove && _erased) remove.Reply.Success(true);
            else if (given is StopApplication stop && State.Status == Stopped) stop.Reply.Success(State);
            else Context.Self.Tell(given);
        }

        if (_erased || Foreign || IsLeftTo(State, settings.Node))
        {
            Stop();
            return;
        }

        if (_ended is { } ended && ended.InitPid == _initPid && State.Status == Running) Context.Self.Tell(new EndOfInstance(ended));
        _ended = null;
        while (_postponed.TryDequeue(out var postponed)) Context.Self.Tell(postponed);
        LiftIfFenced();
        if (_checkpoint is null || State.Status != Running) ScheduleCheckpoint();
        LookSoon();
        Prune();
        AnswerIfQuiet();
    }

    private void Answer(ApplicationCommand command)
    {
        switch (command)
        {
            case RunApplication run:
                run.Reply.Success(State);
                break;
            case StartApplication start:
                start.Reply.Success(State);
                break;
            case JoinApplication join:
                join.Reply.Success(new ApplicationJoined(State, _join!.Process.Name, _joinedPid));
                break;
            case StopApplication stop:
                stop.Reply.Success(State);
                break;
            case TakeSnapshot take:
                AnswerSnapshot(take, new SnapshotTaken(State, _captured!.Record, _captured.Phases, _captured.ClosedVisitors));
                break;
            case RestoreApplication restore:
                restore.Reply.Success(new ApplicationRestored(State, _restoring!.Id, _restored!));
                break;
            case TakeOver takeOver:
                takeOver.Reply.Success(new ApplicationRestored(State, _restoring!.Id, _restored!));
                break;
            case MigrateApplication migrate:
                migrate.Reply.Success(_moved!);
                break;
            case RemoveApplication remove:
                remove.Reply.Success(true);
                break;
            case RecoverApplication recover:
                recover.Reply.Success(!_erased);
                if (!_erased) VerifyUncertain();
                break;
            case DiscardSnapshot discard:
                DeleteFiles(discard.Snapshot);
                break;
            case ClearAway or RestoreAgain: // Nobody asked.
                break;
        }
    }
}
