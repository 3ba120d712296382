using Vni.Actors.Applications;
using Vni.Actors.HandOffs;
using static Vni.Actors.Applications.ApplicationStatus;

namespace Vni.Simulation;

/// <summary>What a target has of a hand-off, in memory alone.</summary>
internal sealed class Half(HandOffRecord handOff, string node)
{
    public readonly HandOffRecord HandOff = handOff;
    public readonly HandOffTarget Machine = new(handOff, node);
    public long Received = -1;
    public bool? Permitted;
    public bool Built;
    public int Fences;
    public long LastHeard;
    public bool Resuming;
    public Action<bool>? Resume;
    public readonly List<Action<bool>> Abandon = [];
}

/// <content>Both halves of a hand-off, as <see cref="HandOffSource"/> and <see cref="HandOffTarget"/> want it.</content>
internal sealed partial class Daemon
{
    private void Drive(int app, HandOffSource machine, HandOffRecord handOff, bool resume)
    {
        Busy(app, machine.Stored, handOff.Id);
        Follow(app, machine, handOff, resume ? machine.Resume(DaemonEnded) : machine.Begin());
    }

    private void Follow(int app, HandOffSource machine, HandOffRecord handOff, SourceEffect effect)
    {
        Step(world.Tracing ? $"{handOff.Id} source: {Describe(effect)}" : "", () => Do(app, machine, handOff, effect));
    }

    private static string Describe(SourceEffect effect) => effect switch
    {
        SourceEffect.Ask ask => $"asks {ask.Question}",
        SourceEffect.Do work => $"{work.Work}",
        SourceEffect.End end => $"ends: {end.Outcome}",
        SourceEffect.Write write => $"writes {write.Change.Next.Status} on {write.Change.Next.Node} from revision {write.From.Revision}",
        _ => effect.GetType().Name,
    };

    private void Do(int app, HandOffSource machine, HandOffRecord handOff, SourceEffect effect)
    {
        switch (effect)
        {
            case SourceEffect.Write write:
                Write(app, write.From, write.Change, write.Insist, written => Happened(
                    written.Stored is { } stored ? new SourceEvent.Wrote(stored) : new SourceEvent.NotWritten(written.Stale, written.Stale ? StaleWrite : Unavailable, written.Now)));
                break;
            case SourceEffect.Read:
                Read(app, seen => Happened(new SourceEvent.Seen(seen)));
                break;
            case SourceEffect.Ask ask:
                var offered = machine.Stored;
                Ask(world.Nodes[World.Index(handOff.Target)], $"{handOff.Id}-{ask.Question}", ask.Question == HandOffQuestion.Abandon ? 1_000 : 5_000, (daemon, answer) => daemon.Asked(app, handOff, ask.Question, offered, answer), answer =>
                {
                    if (world.Mutation == Mutation.ThawBeforeContest && ask.Question == HandOffQuestion.Resume && answer == Answer.Silent) node.Slots[app].Frozen = false;
                    if (world.Mutation == Mutation.ReleaseBeforeRecord && ask.Question == HandOffQuestion.Resume && answer == Answer.Silent) Kill(app, "it will have moved");
                    Happened(answer switch
                    {
                        Answer.Done => new SourceEvent.Done(),
                        Answer.Refused => new SourceEvent.Failed(Refused),
                        _ => new SourceEvent.Silent(Unavailable),
                    });
                });
                break;
            case SourceEffect.Do work:
                After(WorkTime(), () => Work(app, handOff, work.Work, Happened));
                break;
            case SourceEffect.Wait:
                After(1_000, () => Happened(new SourceEvent.Due()));
                break;
            case SourceEffect.End { Outcome: HandOffOutcome.Stayed }:
                Idle(app, machine.Stored);
                break;
            case SourceEffect.End { Outcome: HandOffOutcome.Gone } when machine.Stored.State is { Status: Running, Declaration.Checkpoint: not null }:
                Recover(app, machine.Stored, allowed: false);
                break;
            case SourceEffect.End { Outcome: HandOffOutcome.Gone }:
                RecordEnd(app, machine.Stored, "its processes ended while it was being migrated");
                break;
            case SourceEffect.End { Outcome: HandOffOutcome.Moved }:
                node.Slots[app].Parked = false;
                _actors[app] = null;
                break;
            case SourceEffect.End:
                Examine(app);
                break;
        }

        void Happened(SourceEvent happened) =>
            Step(world.Tracing ? $"{handOff.Id} source sees {Describe(happened)}" : "", () => Follow(app, machine, handOff, machine.On(happened)));
    }

    private static string Describe(SourceEvent happened) => happened switch
    {
        SourceEvent.Seen { Stored: { } stored } => $"{stored.State.Status} on {stored.State.Node} epoch {stored.State.Epoch} {(stored.Owned ? "owned" : "not owned")} revision {stored.Revision}",
        SourceEvent.NotWritten { Stale: true } => "NotWritten (stale)",
        _ => happened.GetType().Name,
    };

    private void Work(int app, HandOffRecord handOff, HandOffWork work, Action<SourceEvent> done)
    {
        var slot = node.Slots[app];
        switch (work)
        {
            case HandOffWork.Thaw when slot.Processes != Processes.Alive:
                done(new SourceEvent.Gone());
                break;
            case HandOffWork.Thaw when !slot.Allowed:
                Lift(app, mine =>
                {
                    if (mine) Work(app, handOff, work, done);
                    else done(new SourceEvent.NotWritten(true, StaleWrite));
                });
                break;
            case HandOffWork.Thaw when Fails():
                done(new SourceEvent.Failed(Broken));
                break;
            case HandOffWork.Thaw:
                slot.Frozen = false;
                done(new SourceEvent.Done());
                break;
            case HandOffWork.Release when Fails():
                done(new SourceEvent.Failed(Broken));
                break;
            case HandOffWork.Release:
                Kill(app, "it has moved");
                done(new SourceEvent.Done());
                break;
            case HandOffWork.SendLayer when !Fails():
                done(new SourceEvent.Done());
                break;
            case HandOffWork.Freeze when !Fails() && slot.Processes == Processes.Alive:
                slot.Frozen = true;
                done(new SourceEvent.Done());
                break;
            case HandOffWork.SendState when !Fails() && slot.Processes == Processes.Alive:
                var target = world.Nodes[World.Index(handOff.Target)];
                if (target.Daemon is { } daemon && node.Reaches(target) && !target.Stands && daemon._halves[app] is { } half && half.HandOff.Id == handOff.Id)
                {
                    half.Received = slot.Content;
                    half.LastHeard = world.Now;
                    done(new SourceEvent.Done());
                }
                else
                {
                    done(new SourceEvent.Silent(Unavailable));
                }

                break;
            default:
                done(new SourceEvent.Failed(Broken));
                break;
        }
    }

    private void Asked(int app, HandOffRecord handOff, HandOffQuestion question, StoredApplication offered, Action<bool> answer)
    {
        var half = _halves[app];
        if (half is not null && half.HandOff.Id == handOff.Id) half.LastHeard = world.Now;
        else half = null;
        switch (question)
        {
            case HandOffQuestion.Prepare when _halves[app] is null && _actors[app] is null && !_guard.Fenced && node.Slots[app].IsEmpty && !Fails():
                _halves[app] = half = new Half(handOff, node.Name) { LastHeard = world.Now };
                Listen(app, half);
                After(WorkTime(), () => Step("is prepared", () => answer(_halves[app] == half)));
                break;
            case HandOffQuestion.Hold when half is not null && !Fails():
                node.Slots[app].Parked = true;
                answer(true);
                break;
            case HandOffQuestion.Resume when half is { Received: >= 0, Resuming: false }:
                half.Resume = answer;
                half.Resuming = true;
                half.Fences = _guard.Fences;
                Tell(app, half, new TargetEvent.Resume(offered));
                break;
            case HandOffQuestion.Abandon when half is not null:
                half.Abandon.Add(answer);
                Tell(app, half, new TargetEvent.Abandon());
                break;
            case HandOffQuestion.Abandon:
                answer(true);
                break;
            default:
                answer(false);
                break;
        }
    }

    private void Listen(int app, Half half)
    {
        if (world.Mutation == Mutation.NeverQuiet) return;
        After(5_000, () =>
        {
            if (_halves[app] != half) return;
            if (!half.Resuming && world.Now - half.LastHeard >= 10_000) Tell(app, half, new TargetEvent.Quiet());
            Listen(app, half);
        });
    }

    private void Tell(int app, Half half, TargetEvent happened)
    {
        Step(world.Tracing ? $"{half.HandOff.Id} target sees {happened.GetType().Name}" : "", () => Next(app, half, half.Machine.On(happened), 0));
    }

    private void Next(int app, Half half, IReadOnlyList<TargetEffect> effects, int at)
    {
        if (at == effects.Count) return;
        Step(world.Tracing ? $"{half.HandOff.Id} target: {effects[at].GetType().Name}" : "", () =>
        {
            Do(app, half, effects[at]);
            Next(app, half, effects, at + 1);
        });
    }

    private void Do(int app, Half half, TargetEffect effect)
    {
        var slot = node.Slots[app];
        switch (effect)
        {
            case TargetEffect.Restore:
                slot.Processes = Processes.HalfBuilt;
                After(WorkTime(), () =>
                {
                    if (half.Permitted == false) return;
                    if (Fails() || slot.Processes != Processes.HalfBuilt)
                    {
                        half.Permitted = false;
                        slot.Clear();
                        Tell(app, half, new TargetEvent.NotRestored(Broken));
                        return;
                    }

                    half.Built = true;
                    if (half.Permitted == true || world.Mutation == Mutation.ResumeBeforeCommit) LetRun(app, half);
                });
                break;
            case TargetEffect.Permit when half.Permitted is null:
                half.Permitted = true;
                if (half.Built) LetRun(app, half);
                break;
            case TargetEffect.Deny when half.Permitted is null:
                half.Permitted = false;
                After(WorkTime(), () =>
                {
                    slot.Clear();
                    Tell(app, half, new TargetEvent.NotRestored(Refused));
                });
                break;
            case TargetEffect.Commit commit:
                Write(
                    app, commit.From, commit.Change, insist: false,
                    written => Tell(app, half, written.Stored is { } stored ? new TargetEvent.Committed(stored) : new TargetEvent.NotCommitted(written.Stale ? StaleWrite : Unavailable)),
                    careless: world.Mutation == Mutation.CommitWithoutCompare);
                break;
            case TargetEffect.Record record:
                Write(app, record.From, record.Change, insist: true, written => Tell(
                    app, half, written.Stored is { } stored ? new TargetEvent.Wrote(stored) : new TargetEvent.Stale(StaleWrite)));
                break;
            case TargetEffect.Read:
                Read(app, seen => Tell(app, half, new TargetEvent.Seen(seen)));
                break;
            case TargetEffect.Drop:
                After(WorkTime(), () =>
                {
                    if (slot.Processes == Processes.HalfBuilt) slot.Clear();
                    slot.Parked = false;
                    Tell(app, half, new TargetEvent.Dropped());
                });
                break;
            case TargetEffect.Examine:
                Examine(app);
                break;
            case TargetEffect.Accept:
                half.Resume?.Invoke(true);
                break;
            case TargetEffect.Refuse:
                half.Resume?.Invoke(false);
                break;
            case TargetEffect.End end:
                _halves[app] = null;
                foreach (var answer in half.Abandon) answer(true);
                if (end.Runs) Idle(app, half.Machine.Stored!);
                break;
        }
    }

    private void LetRun(int app, Half half)
    {
        var slot = node.Slots[app];
        if (slot.Processes != Processes.HalfBuilt) return;
        if (Fails())
        {
            slot.Clear();
            Tell(app, half, new TargetEvent.NotRestored(Broken));
            return;
        }

        (slot.Processes, slot.Frozen, slot.Parked, slot.Content) = (Processes.Alive, false, false, half.Received);
        slot.Allowed = Holds(half.Fences);
        Tell(app, half, new TargetEvent.Restored());
        if (!slot.Allowed) Lift(app, _ => { });
    }
}
