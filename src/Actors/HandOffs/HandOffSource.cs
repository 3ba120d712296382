using Vni.Actors.Applications;
using static Vni.Actors.Applications.ApplicationStatus;

namespace Vni.Actors.HandOffs;

/// <summary>What the target is asked.</summary>
internal enum HandOffQuestion
{
    /// <summary>Whether it can take the instance; to make ready for it.</summary>
    Prepare,

    /// <summary>To hold the instance's frames from now on.</summary>
    Hold,

    /// <summary>To become the owner and run it. From this question on the target can commit.</summary>
    Resume,

    /// <summary>To drop what it has of the hand-off and give back the frames that it held.</summary>
    Abandon,
}

/// <summary>What the source does on its own node.</summary>
internal enum HandOffWork
{
    /// <summary>Sends the layer while the instance runs.</summary>
    SendLayer,

    /// <summary>Freezes it and holds its frames.</summary>
    Freeze,

    /// <summary>Dumps, sends everything, and leaves it frozen.</summary>
    SendState,

    /// <summary>Lets it run on here. Waits as long as the node is fenced, and then for the registry's word that it still owns
    /// it (<see cref="SourceEvent.NotWritten"/> if it does not).</summary>
    Thaw,

    /// <summary>Ends what is frozen and takes its shell away.</summary>
    Release,
}

/// <summary>What came of the one thing that the source had asked for.</summary>
internal abstract record SourceEvent
{
    private SourceEvent() { }

    /// <summary>The registry took the write.</summary>
    internal sealed record Wrote(StoredApplication Stored) : SourceEvent;

    /// <summary>It certainly did not, and will not: because the application is another than we took it for, or because it did
    /// not answer.</summary>
    /// <param name="Stale">The former.</param>
    /// <param name="Reason">Why.</param>
    /// <param name="Now">What it is now, if making certain has changed its revision.</param>
    internal sealed record NotWritten(bool Stale, Exception Reason, StoredApplication? Now = null) : SourceEvent;

    /// <summary>What the registry has; <c>null</c>: the application is gone.</summary>
    internal sealed record Seen(StoredApplication? Stored) : SourceEvent;

    /// <summary>The target did what it was asked, or the work is done.</summary>
    internal sealed record Done : SourceEvent;

    /// <summary>The work could not be done, or the target refused, or it was never asked: nothing has come of it.</summary>
    internal sealed record Failed(Exception Reason) : SourceEvent;

    /// <summary>The target gave no answer: anything may have come of it.</summary>
    internal sealed record Silent(Exception Reason) : SourceEvent;

    /// <summary>Nothing is left to thaw: the processes have ended, or were frozen before the machine was started anew.</summary>
    internal sealed record Gone : SourceEvent;

    /// <summary>The time to wait is over.</summary>
    internal sealed record Due : SourceEvent;
}

/// <summary>What the source wants done next: one thing at a time.</summary>
internal abstract record SourceEffect
{
    private SourceEffect() { }

    /// <summary>A compare-and-set. With <paramref name="Insist"/> it is repeated until the registry takes it or it is stale.</summary>
    internal sealed record Write(StoredApplication From, ApplicationChange Change, bool Insist) : SourceEffect;

    /// <summary>Reads the application, repeatedly until the registry answers.</summary>
    internal sealed record Read : SourceEffect;

    internal sealed record Ask(HandOffQuestion Question) : SourceEffect;

    internal sealed record Do(HandOffWork Work) : SourceEffect;

    /// <summary>Waits a moment.</summary>
    internal sealed record Wait : SourceEffect;

    internal sealed record End(HandOffOutcome Outcome) : SourceEffect;
}

/// <summary>How a hand-off ended for its source.</summary>
internal enum HandOffOutcome
{
    /// <summary>It runs on the target.</summary>
    Moved,

    /// <summary>It runs here, as before.</summary>
    Stayed,

    /// <summary>It is this node's, but its processes are gone: what is true is still to be recorded.</summary>
    Gone,

    /// <summary>It is not what this node took it for, and not by this hand-off: to be looked at as a starting daemon does.</summary>
    Disowned,
}

/// <summary>
/// The source's half of a hand-off [K3], as pure logic: what to do next, given what came of the last thing.
/// <code>
///  Deciding -> Preparing -> Copying -> Freezing -> Holding -> Sending -> Asking -------------> Releasing -> Moved
///                  |           |          |           |          |         | no answer            ^
///                  +-----------+----------+-----------+----------+         v       resumed there  |
///                                         |                             Looking ------------------+
///                                         |      nothing has changed |    ^  |  given back, or its owner's lease is gone
///                                         v                          v    |  v
///          Stayed &lt;- Recording &lt;- Thawing &lt;- Abandoning &lt;---------- Contesting
/// </code>
/// As long as <see cref="HandOffQuestion.Resume"/> has not been asked the target cannot commit, and whatever fails, the
/// instance runs on here at once. After it, only the registry decides: either the target's commit or the source's write
/// in Contesting finds the revision that both compare; the frozen processes stay until it is known which.
/// </summary>
internal sealed class HandOffSource
{
    private enum Step
    {
        Deciding,
        Preparing,
        Copying,
        Freezing,
        Holding,
        Sending,
        Asking,
        Looking,
        Waiting,
        Contesting,
        Abandoning,
        Thawing,
        Refrozen,
        Recording,
        Releasing,
        Ended,
    }

    private readonly string _node;
    private readonly HandOffRecord _handOff;
    private Step _step;

    /// <summary>The state of running here is in the registry already: nothing is left to record after the thaw.</summary>
    private bool _recorded;

    /// <param name="running">The application, running here.</param>
    /// <param name="handOff">The hand-off.</param>
    public HandOffSource(StoredApplication running, HandOffRecord handOff)
    {
        (Stored, _handOff, _node) = (running, handOff, handOff.Source);
    }

    /// <summary>The application as this half last saw it.</summary>
    public StoredApplication Stored { get; private set; }

    /// <summary>Why it did not come about; <c>null</c>: it did, or nothing has failed so far.</summary>
    public Exception? Reason { get; private set; }

    /// <summary>It goes on here from an older state than it had come to elsewhere, as far as is known.</summary>
    public bool RanElsewhere { get; private set; }

    /// <summary>Begins a new hand-off.</summary>
    public SourceEffect Begin() =>
        Write(Step.Deciding, Stored.State with { Status = Migrating, Former = Running, HandOff = _handOff }, OwnerChange.Keep, null, insist: false);

    /// <summary>Goes on with one that a former daemon left, its processes frozen here or running.</summary>
    public SourceEffect Resume(Exception reason)
    {
        Reason = reason;
        return Look();
    }

    /// <summary>What to do now.</summary>
    public SourceEffect On(SourceEvent happened)
    {
        if (happened is SourceEvent.Failed { Reason: var failure }) Reason ??= failure;
        if (happened is SourceEvent.Silent { Reason: var silence }) Reason ??= silence;
        return (_step, happened) switch
        {
            (Step.Deciding, SourceEvent.Wrote wrote) => Then(wrote, Ask(Step.Preparing, HandOffQuestion.Prepare)),
            (Step.Deciding, SourceEvent.NotWritten refused) => Refuse(refused),
            (Step.Preparing, SourceEvent.Done) => Do(Step.Copying, HandOffWork.SendLayer),
            (Step.Copying, SourceEvent.Done) => Do(Step.Freezing, HandOffWork.Freeze),
            (Step.Freezing, SourceEvent.Done) => Ask(Step.Holding, HandOffQuestion.Hold),
            (Step.Holding, SourceEvent.Done) => Do(Step.Sending, HandOffWork.SendState),
            (Step.Sending, SourceEvent.Done) => Ask(Step.Asking, HandOffQuestion.Resume),
            (Step.Preparing or Step.Copying or Step.Freezing or Step.Holding or Step.Sending, _) => Ask(Step.Abandoning, HandOffQuestion.Abandon),

            (Step.Asking, SourceEvent.Done) => Do(Step.Releasing, HandOffWork.Release),
            (Step.Asking, _) => Look(),
            (Step.Looking, SourceEvent.Seen { Stored: var seen }) => Judge(seen),
            (Step.Waiting, _) => Look(),
            (Step.Contesting, SourceEvent.Wrote wrote) => Then(wrote, Keep()),
            (Step.Contesting, _) => Look(),

            (Step.Abandoning, _) => Do(Step.Thawing, HandOffWork.Thaw), // It drops everything by itself when it sees what became of it.
            (Step.Thawing, SourceEvent.Done) when _recorded => End(HandOffOutcome.Stayed),
            (Step.Thawing, SourceEvent.Done) => Stay(Step.Recording, insist: true),
            (Step.Thawing, SourceEvent.Gone) => End(HandOffOutcome.Gone),
            (Step.Thawing, SourceEvent.NotWritten) => Look(), // The node was fenced, and others have changed it.
            (Step.Thawing, _) => Wait(Step.Refrozen),
            (Step.Refrozen, _) => Do(Step.Thawing, HandOffWork.Thaw),
            (Step.Recording, SourceEvent.Wrote wrote) => Then(wrote, End(HandOffOutcome.Stayed)),
            (Step.Recording, _) => Look(),
            (Step.Releasing, _) => End(HandOffOutcome.Moved), // What cannot be taken away now is found by the next start.
            _ => throw new InvalidOperationException($"{happened.GetType().Name} in {_step}"),
        };
    }

    /// <summary>What the registry's truth means for the frozen processes here.</summary>
    private SourceEffect Judge(StoredApplication? seen)
    {
        if (seen is null) return End(HandOffOutcome.Disowned);
        if (seen.State.HandOff?.Id == _handOff.Id)
        {
            if (seen.State.Node != _node && seen.Owned) return Wait(Step.Waiting);
            RanElsewhere = seen.State.Node != _node && seen.State is not ({ Status: Restoring } or { HandOff.Returned: true });
            Stored = seen;
            return Stay(Step.Contesting, insist: false);
        }

        if (seen.State.Node == _node)
        {
            switch (seen.State)
            {
                case { Status: Running, HandOff: null }: // Taken back by our own write, whose answer was lost.
                    Stored = seen;
                    return Keep();
                case { Status: Lost, HandOff: null }: // Given up while this node was away.
                    Stored = seen;
                    return Stay(Step.Contesting, insist: false);
                default:
                    return End(HandOffOutcome.Disowned);
            }
        }

        if (seen.State.HandOff?.Source == _node) return End(HandOffOutcome.Disowned); // Taken over, but this node has another claim.
        if (seen.State.Node != _handOff.Target || seen.State.Epoch != _handOff.Epoch + 1) return End(HandOffOutcome.Disowned);
        Reason = null; // It moved, whatever has become of it there since.
        return Do(Step.Releasing, HandOffWork.Release);
    }

    /// <summary>Makes the registry say that it runs here; of what the target compares nothing is then as it was.</summary>
    private SourceEffect.Write Stay(Step step, bool insist)
    {
        var state = Stored.State;
        var back = state.Node != _node;
        var next = state with { Status = Running, Former = null, PendingSnapshot = null, HandOff = null, Resumed = true, Node = _node, Epoch = back ? state.Epoch + 1 : state.Epoch };
        var why = Reason is null ? "" : $": {ApplicationSentences.Why(Reason)}";
        return Write(step, next, OwnerChange.Take, (EventKinds.Failed, $"it stays on node {_node}; the migration to {_handOff.Target} did not come about{why}"), insist);
    }

    private SourceEffect.Ask Keep()
    {
        _recorded = true;
        return Ask(Step.Abandoning, HandOffQuestion.Abandon);
    }

    private SourceEffect.End Refuse(SourceEvent.NotWritten refused)
    {
        Reason = refused.Reason;
        Stored = refused.Now ?? Stored;
        return End(refused.Stale ? HandOffOutcome.Disowned : HandOffOutcome.Stayed);
    }

    private SourceEffect Then(SourceEvent.Wrote wrote, SourceEffect next)
    {
        Stored = wrote.Stored;
        return next;
    }

    private SourceEffect.Read Look()
    {
        _step = Step.Looking;
        return new SourceEffect.Read();
    }

    private SourceEffect.Write Write(Step step, ApplicationState next, OwnerChange owner, (string, string)? happened, bool insist)
    {
        _step = step;
        return new SourceEffect.Write(Stored, new ApplicationChange(next, owner) { Event = happened }, insist);
    }

    private SourceEffect.Ask Ask(Step step, HandOffQuestion question)
    {
        _step = step;
        return new SourceEffect.Ask(question);
    }

    private SourceEffect.Do Do(Step step, HandOffWork work)
    {
        _step = step;
        return new SourceEffect.Do(work);
    }

    private SourceEffect.Wait Wait(Step step)
    {
        _step = step;
        return new SourceEffect.Wait();
    }

    private SourceEffect.End End(HandOffOutcome outcome)
    {
        _step = Step.Ended;
        return new SourceEffect.End(outcome);
    }
}
