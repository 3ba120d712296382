using Vni.Actors.Applications;
using static Vni.Actors.Applications.ApplicationStatus;

namespace Vni.Actors.HandOffs;

/// <summary>What happens to the target's half.</summary>
internal abstract record TargetEvent
{
    private TargetEvent() { }

    /// <summary>The source asks to become the owner. <paramref name="Offered"/> is what the commit compares with.</summary>
    internal sealed record Resume(StoredApplication Offered) : TargetEvent;

    /// <summary>The source asks to drop everything.</summary>
    internal sealed record Abandon : TargetEvent;

    /// <summary>The source has been silent for a while.</summary>
    internal sealed record Quiet : TargetEvent;

    /// <summary>The commit was taken.</summary>
    internal sealed record Committed(StoredApplication Stored) : TargetEvent;

    /// <summary>The commit was certainly not taken.</summary>
    internal sealed record NotCommitted(Exception Reason) : TargetEvent;

    /// <summary>The processes run.</summary>
    internal sealed record Restored : TargetEvent;

    /// <summary>They could not be restored; nothing of them is left.</summary>
    internal sealed record NotRestored(Exception Reason) : TargetEvent;

    /// <summary>The record or the return was taken.</summary>
    internal sealed record Wrote(StoredApplication Stored) : TargetEvent;

    /// <summary>It is no longer ours.</summary>
    internal sealed record Stale(Exception Reason) : TargetEvent;

    /// <summary>What the registry has; <c>null</c>: the application is gone.</summary>
    internal sealed record Seen(StoredApplication? Stored) : TargetEvent;

    /// <summary>Everything of the hand-off is dropped.</summary>
    internal sealed record Dropped : TargetEvent;
}

/// <summary>What the target wants done.</summary>
internal abstract record TargetEffect
{
    private TargetEffect() { }

    /// <summary>Restores what was received; its commit waits for <see cref="Permit"/> or <see cref="Deny"/>.</summary>
    internal sealed record Restore : TargetEffect;

    /// <summary>The transaction that makes this node the owner; answered by Committed or NotCommitted.</summary>
    internal sealed record Commit(StoredApplication From, ApplicationChange Change) : TargetEffect;

    /// <summary>The processes may run.</summary>
    internal sealed record Permit : TargetEffect;

    /// <summary>They may not: the restore must be undone.</summary>
    internal sealed record Deny(Exception Reason) : TargetEffect;

    /// <summary>Writes what is true, until the registry takes it; answered by Wrote or Stale.</summary>
    internal sealed record Record(StoredApplication From, ApplicationChange Change) : TargetEffect;

    /// <summary>Reads the application, repeatedly until the registry answers.</summary>
    internal sealed record Read : TargetEffect;

    /// <summary>Drops everything of the hand-off; frames that were held are kept for the source's question.</summary>
    internal sealed record Drop : TargetEffect;

    /// <summary>Comes after the end: it is no longer ours, though it may run here. It is to be looked at as a starting daemon
    /// does, and goes unless this node has a claim to it.</summary>
    internal sealed record Examine : TargetEffect;

    /// <summary>Answers <see cref="TargetEvent.Resume"/>: it runs here.</summary>
    internal sealed record Accept : TargetEffect;

    /// <summary>Answers <see cref="TargetEvent.Resume"/>: nothing runs here.</summary>
    internal sealed record Refuse(Exception Reason) : TargetEffect;

    /// <summary>This half is over.</summary>
    internal sealed record End(bool Runs) : TargetEffect;
}

/// <summary>
/// The target's half of a hand-off [K3], as pure logic. Preparing, holding frames and receiving need no decision and are
/// not seen here; this is what follows from the question to run the instance.
/// <code>
///  Ready --Resume--> Resuming (restore and commit side by side)
///    |                  |-- committed, restored ------------------> Recording --> runs here
///    |                  |-- committed, not restored --------------> Returning --> Dropping
///    |                  |-- not committed (restore undone) ------------------------> Dropping
///    +-- Abandon, or quiet and its source no longer owns the application ---------> Dropping --> nothing here
/// </code>
/// </summary>
/// <param name="handOff">The hand-off.</param>
/// <param name="node">This node.</param>
internal sealed class HandOffTarget(HandOffRecord handOff, string node)
{
    private enum Step
    {
        Ready,
        Resuming,
        Recording,
        Returning,
        Dropping,
        Ended,
    }

    private Step _step = Step.Ready;
    private bool? _committed;
    private bool? _restored;
    private Exception? _reason;

    /// <summary>The application as this half last saw it; <c>null</c>: nothing was offered yet.</summary>
    public StoredApplication? Stored { get; private set; }

    /// <summary>What to do now, in order.</summary>
    public IReadOnlyList<TargetEffect> On(TargetEvent happened)
    {
        switch (_step, happened)
        {
            case (Step.Ready, TargetEvent.Resume { Offered: var offered }):
                _step = Step.Resuming;
                Stored = offered;
                var mine = offered.State with { Node = node, Epoch = offered.State.Epoch + 1, Resumed = false };
                return [new TargetEffect.Restore(), new TargetEffect.Commit(offered, new ApplicationChange(mine, OwnerChange.Take))];
            case (Step.Ready, TargetEvent.Abandon):
                return Drop();
            case (Step.Ready, TargetEvent.Quiet):
                return [new TargetEffect.Read()];
            case (Step.Ready, TargetEvent.Seen { Stored: var seen }) when !Pending(seen):
                return Drop();

            case (Step.Resuming, TargetEvent.Committed { Stored: var stored }):
                (Stored, _committed) = (stored, true);
                return _restored == false ? GiveBack() : [new TargetEffect.Permit()];
            case (Step.Resuming, TargetEvent.NotCommitted { Reason: var reason }):
                _committed = false;
                _reason ??= reason;
                return _restored == false ? Drop() : [new TargetEffect.Deny(reason)];
            case (Step.Resuming, TargetEvent.Restored):
                return Record();
            case (Step.Resuming, TargetEvent.NotRestored { Reason: var reason }):
                _restored = false;
                _reason ??= reason;
                return _committed switch { true => GiveBack(), false => Drop(), null => [] };

            case (Step.Recording, TargetEvent.Wrote { Stored: var stored }):
                Stored = stored;
                _step = Step.Ended;
                return [new TargetEffect.Accept(), new TargetEffect.End(Runs: true)];
            case (Step.Recording or Step.Returning, TargetEvent.Stale { Reason: var reason }):
                _reason ??= reason;
                return [new TargetEffect.Read()];
            case (Step.Recording or Step.Returning, TargetEvent.Seen { Stored: { } seen }) when seen.State.Node == node && seen.State.Epoch == Stored!.State.Epoch:
                Stored = seen; // Only its revision is another, or our write was taken, or it was given up while this node was away.
                if (_step == Step.Recording) return Record();
                return seen.State.HandOff is null or { Returned: true } ? Drop() : GiveBack();
            case (Step.Recording, TargetEvent.Seen):
                _step = Step.Ended;
                return [new TargetEffect.Refuse(_reason!), new TargetEffect.End(Runs: false), new TargetEffect.Examine()];
            case (Step.Returning, TargetEvent.Wrote or TargetEvent.Seen):
                return Drop();
            case (Step.Dropping, TargetEvent.Dropped):
                _step = Step.Ended;
                return _reason is null ? [new TargetEffect.End(Runs: false)] : [new TargetEffect.Refuse(_reason), new TargetEffect.End(Runs: false)];
            default: // Abandon while something is under way: its end leads to the same. Whatever else is late.
                return [];
        }
    }

    /// <summary>Whether the source may still ask: it owns the application. One whose lease is over begins anew, and asks no more
    /// for this hand-off; what is held for it here would be in the way of a recovery.</summary>
    private bool Pending(StoredApplication? seen) => seen is { Owned: true, State: { Status: Migrating, HandOff: { } underWay } } && underWay.Id == handOff.Id;

    private IReadOnlyList<TargetEffect> Record()
    {
        _step = Step.Recording;
        var next = Stored!.State with { Status = Running, Former = null, HandOff = null, Resumed = true, Reason = null };
        var change = new ApplicationChange(next) { Event = (EventKinds.Migrated, $"it runs on node {node}; it came from {handOff.Source}") };
        return [new TargetEffect.Record(Stored, change)];
    }

    private IReadOnlyList<TargetEffect> GiveBack()
    {
        _step = Step.Returning;
        var change = new ApplicationChange(Stored!.State with { HandOff = handOff with { Returned = true } }, OwnerChange.Release)
        {
            Event = (EventKinds.Failed, $"node {node} could not run it and gave it back to {handOff.Source}{(_reason is null ? "" : $": {ApplicationSentences.Why(_reason)}")}"),
        };
        return [new TargetEffect.Record(Stored, change)];
    }

    private IReadOnlyList<TargetEffect> Drop()
    {
        _step = Step.Dropping;
        return [new TargetEffect.Drop()];
    }
}
