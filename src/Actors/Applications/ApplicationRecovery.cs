using Vni.Actors.Interposition;
using static Vni.Actors.Applications.ApplicationStatus;

namespace Vni.Actors.Applications;

/// <summary>One thing that recovery does on the node.</summary>
internal enum RecoveryStep
{
    /// <summary>Takes over the live instance: watches it, thaws it, plugs its port.</summary>
    Adopt,

    /// <summary>Ends what runs and takes the shell away; learns how processes ended.</summary>
    Stop,

    /// <summary>Ends the frozen processes; the port stays parked.</summary>
    Release,

    /// <summary>Makes the parked port, if there is none.</summary>
    Park,

    /// <summary>Deletes the files of the snapshot that was being taken.</summary>
    DeletePending,

    /// <summary>Removes everything of it from the node.</summary>
    Remove,
}

/// <summary>What to do, in order, and what the application is then.</summary>
/// <param name="Steps">On the node; each can be repeated.</param>
/// <param name="Next">The state after them; <c>null</c>: removed.</param>
/// <param name="Message">Sentence of the <c>recovered</c> event; <c>null</c>: nothing had to be put right.</param>
internal sealed record RecoveryPlan(IReadOnlyList<RecoveryStep> Steps, ApplicationState? Next, string? Message)
{
    /// <summary>Whether the node may run it afterwards.</summary>
    public OwnerChange Owner => Next?.Status is Running or Restoring ? OwnerChange.Take : OwnerChange.Release;
}

/// <summary>What the steps brought about.</summary>
/// <param name="Plan">The steps, and what follows from them.</param>
/// <param name="InitPid">Harness of the instance that was adopted; 0: none.</param>
/// <param name="Exits">How processes ended.</param>
/// <param name="Stored">What the next write starts from.</param>
internal sealed record RecoveryResult(RecoveryPlan Plan, int InitPid, IReadOnlyList<ProcessExit> Exits, StoredApplication Stored)
{
    /// <summary>Programs that the harness knows of the instance that was adopted; <c>null</c>: as recorded.</summary>
    public IReadOnlyList<string>? Members { get; init; }
}

/// <summary>
/// What a daemon that starts anew does about each application of its node. No process is started that was not running.
/// What was running and, by its exits, was ended with the node, is restored from its newest checkpoint where it is declared to have
/// such: see <see cref="Again"/>.
/// <code>
/// status         its processes live           only pieces, or nothing
/// Starting       adopt: Running               never run before: removed, as if never asked for
///                                             else take the pieces away: Stopped
/// Running        adopt: Running               not resumed yet: former status, Dormant or Stopped
///                                             else take the pieces away: again, or Stopped, with how they ended
/// Snapshotting   adopt (thaws, plugs),        delete the unfinished snapshot, take the pieces away: again, or Stopped
///                delete the unfinished
///                snapshot: Running
/// Dormant        release (the commit was      park: Dormant; without its snapshot: Stopped
///                made), park: Dormant
/// Restoring      stop (no commit, so they     take the pieces away: former status, Dormant (parked) or Stopped
///                have never run): former      that was Running: again
/// Stopping       stop: Stopped                Stopped
/// Stopped        stop: Stopped                Stopped
/// Removing       remove: gone                 remove: gone
/// Migrating      (of a hand-off's source: see HandOffSource.Resume)
///                adopt: Running               it came here and never ran: given back to its source
/// Lost           adopt: Running, found again  Lost: the scheduler restores it if it can
/// </code>
/// An instance that cannot be adopted is stopped, and treated as the right column says. A crash during recovery is
/// followed by another one, which finds a line of the same table.
/// </summary>
internal static class ApplicationRecovery
{
    private const int SigKill = 9;

    /// <summary>What to do.</summary>
    /// <param name="state">As the registry has it, but with the newest snapshot that is really there.</param>
    /// <param name="found">What is there on the node; <c>null</c>: nothing.</param>
    public static RecoveryPlan Plan(ApplicationState state, FoundState? found)
    {
        var alive = found == FoundState.Alive;
        return (state.Status, alive) switch
        {
            (Starting, true) => Adopt(state, "the daemon ended while it was being started; its processes run"),
            (Starting, false) when state.Former is null => new([RecoveryStep.Remove], null, null),
            (Starting, false) => Halt(state, "the daemon ended while it was being started"),
            (Running, true) => Adopt(state, state.Resumed ? null : "the daemon ended when it had just been restored; its processes run"),
            (Running, false) when !state.Resumed => Return(state, "its processes were lost before they had resumed"),
            (Running, false) => Halt(state, "it ended while the daemon was away"),
            (Snapshotting, true) => Adopt(state, "the daemon ended while a snapshot was being taken; the snapshot was dropped, the processes run on", RecoveryStep.DeletePending),
            (Snapshotting, false) => Halt(state, "it ended while a snapshot was being taken", RecoveryStep.DeletePending),
            (Dormant, _) => Sleep(state, alive, null),
            (Restoring, _) => Return(state, "the daemon ended while it was being restored"),
            (Stopping, _) => Halt(state, "the daemon ended while it was being stopped"),
            (Stopped, true) => Halt(state, "processes of it still ran and were ended"),
            (Stopped, false) => new(found is null ? [] : [RecoveryStep.Stop], state, null),
            (Removing, _) => new([RecoveryStep.Remove], null, null),
            (Migrating, true) => Adopt(state, "the daemon ended while it was being migrated; its processes run here"),
            (Migrating, false) when state.HandOff is { Returned: true } => new([RecoveryStep.Remove], state, null),
            (Migrating, false) => new([RecoveryStep.Remove], state with { HandOff = state.HandOff! with { Returned = true } }, $"the daemon ended before it could run here; it is given back to node {state.HandOff.Source}"),
            (Lost, true) => Adopt(state, "it was given up while its node was away, and is found again"),
            (Lost, false) => new(found is null ? [] : [RecoveryStep.Stop], state, null),
            _ => throw new InvalidOperationException($"Status {state.Status} has no recovery."),
        };
    }

    /// <summary>What follows instead of Stopped, if it did not end but was ended with the node, and checkpoints are declared: it is
    /// restored from the newest, here (Restoring, formerly Running, until it runs), or by the scheduler where there is one (Lost).
    /// <c>null</c>: it is stopped.</summary>
    /// <param name="state">As for <see cref="Plan"/>.</param>
    /// <param name="exits">How its processes ended. One whose end its harness has not seen was killed together with it, as when the
    /// machine is started anew; what ends by itself ends with its last process.</param>
    /// <param name="isHere">Whether the newest snapshot is on this node.</param>
    public static RecoveryPlan? Again(ApplicationState state, IReadOnlyList<ProcessExit> exits, bool isHere)
    {
        if (state is not { Declaration.Checkpoint: not null, Snapshot: { } newest, HandOff: null }) return null;
        var killed = state is { Status: Snapshotting } or { Status: Running, Resumed: true } && exits.Any(exit => exit.Signal == SigKill);
        var underWay = state is { Status: Restoring or Running, Resumed: false, Former: Running };
        if (!killed && !underWay) return null;
        const string why = "its processes were ended with the node";
        return isHere
            ? new([], state with { Status = Restoring, Former = Running, PendingSnapshot = newest, Resumed = false }, $"{why}; it is restored from {newest}")
            : new([], Settled(state, Lost, $"{why}, and its newest snapshot {newest} is not there"), $"{why}; {newest} is to be restored where it is");
    }

    private static ApplicationState Settled(ApplicationState state, ApplicationStatus status, string? reason) =>
        state with { Status = status, Reason = reason, Former = null, PendingSnapshot = null, HandOff = null, Resumed = status == Running, Joined = status == Stopped ? [] : state.Joined };

    private static RecoveryPlan Adopt(ApplicationState state, string? message, params RecoveryStep[] then) =>
        new([RecoveryStep.Adopt, .. then], Settled(state, Running, message is null ? state.Reason : null), message);

    private static RecoveryPlan Halt(ApplicationState state, string reason, params RecoveryStep[] then) =>
        new([RecoveryStep.Stop, .. then], Settled(state, Stopped, reason), $"{reason}; it is stopped");

    /// <summary>Back to before a restore that did not get as far as running anything.</summary>
    private static RecoveryPlan Return(ApplicationState state, string reason)
    {
        if (state.Former != Dormant) return Halt(state, reason);
        var plan = Sleep(state, release: false, $"{reason}; it is dormant as before");
        return plan with { Steps = [RecoveryStep.Stop, .. plan.Steps.Where(step => step != RecoveryStep.Stop)] };
    }

    private static RecoveryPlan Sleep(ApplicationState state, bool release, string? message)
    {
        if (state.Snapshot is null) return Halt(state, "its snapshot is no longer there");
        return new(release ? [RecoveryStep.Release, RecoveryStep.Park] : [RecoveryStep.Park], Settled(state, Dormant, state.Status == Dormant ? state.Reason : null), message);
    }
}
