using Vni.Actors.Applications;
using Vni.Actors.HandOffs;
using Vni.Actors.Interposition;
using Vni.Actors.Snapshots;
using static Vni.Actors.Applications.ApplicationStatus;

namespace Vni.Simulation;

/// <content>Recovery, snapshots, and what the scheduler's leader does.</content>
internal sealed partial class Daemon
{
    private static readonly Exception DaemonEnded = new("the daemon ended");

    /// <summary>What a harness that was killed leaves: every end is taken for one, since what is restored needlessly may break rules too.</summary>
    private static readonly ProcessExit[] Killed = [new ProcessExit("main", null, 9)];

    private Actor Busy(int app, StoredApplication? stored, string doing)
    {
        var actor = _actors[app] ??= new Actor();
        (actor.Stored, actor.Busy, actor.Doing) = (stored, true, doing);
        return actor;
    }

    /// <summary>An operation is over.</summary>
    private void Idle(int app, StoredApplication stored)
    {
        var actor = Busy(app, stored, "");
        actor.Busy = false;
        if (stored.State.Node != node.Name)
        {
            _actors[app] = null;
            return;
        }

        if (stored.State.Status == Running && node.Slots[app].Processes == Processes.None) RecordEnd(app, stored, "it ended by itself");
        else if (stored.State.Status == Running && !node.Slots[app].Allowed && !_lifting[app]) Lift(app, _ => { });
    }

    private void RecordEnd(int app, StoredApplication stored, string reason)
    {
        Busy(app, stored, "ending");
        var next = stored.State with { Status = Stopped, Reason = reason, Former = null, HandOff = null, PendingSnapshot = null, Resumed = false };
        Record(app, stored, new ApplicationChange(next, OwnerChange.Release), done => Idle(app, done));
    }

    private void Record(int app, StoredApplication from, ApplicationChange change, Action<StoredApplication> done) =>
        Write(app, from, change, insist: true, written => Step($"records {change.Next.Status}", () =>
        {
            if (written.Stored is { } stored) done(stored);
            else Examine(app);
        }));

    /// <summary>As a starting daemon does: what is it, what is here of it, what follows.</summary>
    private void Examine(int app)
    {
        Busy(app, null, "examining");
        Read(app, seen => Step($"examines a{app}", () => Examined(app, seen)));
    }

    private void Examined(int app, StoredApplication seen)
    {
        var (slot, state) = (node.Slots[app], seen.State);
        if (_halves[app] is not null)
        {
            _actors[app] = null;
            return;
        }

        if (state is { HandOff: { } handOff } && handOff.Source == node.Name && world.Mutation != Mutation.KillFrozenSources)
        {
            if (slot.Processes != Processes.Alive && state is { Status: Restoring or Lost } && state.Node != node.Name)
            {
                // Nothing is left here that could claim it.
                Kill(app, "pieces");
                slot.Parked = false;
                _actors[app] = null;
                if (!seen.Owned) Write(app, seen, new ApplicationChange(state with { HandOff = null }), insist: false, _ => { });
                return;
            }

            Drive(app, new HandOffSource(seen, handOff), handOff, resume: true);
            return;
        }

        if (state.Node != node.Name)
        {
            Kill(app, "another node's");
            slot.Parked = false;
            _actors[app] = null;
            return;
        }

        var alive = slot.Processes == Processes.Alive;
        if (alive && state.Status is not (Dormant or Stopped) && world.Mutation != Mutation.AdoptBeforeConfirm)
        {
            var fences = _guard.Fences;
            Confirm(app, seen, settle: false, stored => Step($"confirms a{app}", () =>
            {
                if (stored is null) After(100, () => Examine(app));
                else Recover(app, stored, Holds(fences));
            }));
        }
        else
        {
            Recover(app, seen, world.Mutation == Mutation.AdoptBeforeConfirm);
        }
    }

    private void Recover(int app, StoredApplication seen, bool allowed)
    {
        var (slot, state) = (node.Slots[app], seen.State);
        var alive = slot.Processes == Processes.Alive;
        if (!alive && state is { Status: Migrating, HandOff.Returned: true })
        {
            Kill(app, "given back");
            _actors[app] = null;
            return;
        }

        var plan = ApplicationRecovery.Plan(state, alive ? FoundState.Alive : slot.IsEmpty ? null : FoundState.Pieces);
        foreach (var step in plan.Steps)
        {
            Log(app, $"recovery: {step}");
            switch (step)
            {
                case RecoveryStep.Adopt:
                    slot.Frozen = false;
                    if (allowed) slot.Allowed = true;
                    break;
                case RecoveryStep.Stop or RecoveryStep.Release or RecoveryStep.Remove:
                    Kill(app, "recovery");
                    slot.Parked = false;
                    break;
                case RecoveryStep.Park:
                    if (slot.Processes == Processes.HalfBuilt) slot.Clear(); // A starting daemon's first look at the node ends it.
                    slot.Parked = true;
                    break;
            }
        }

        if (!alive && plan.Next is { Status: Stopped } && ApplicationRecovery.Again(state, Killed, world.Registry.Apps[app].Snapshots.Exists(s => s.Id == state.Snapshot && s.Holders.Contains(node.Name))) is { } again) plan = again;
        var fences = _guard.Fences;
        if (plan.Message is null && plan.Next == state && (plan.Owner == OwnerChange.Take) == seen.Owned) Idle(app, seen);
        else Record(app, seen, new ApplicationChange(plan.Next!, plan.Owner), stored =>
        {
            if (stored.State is { Status: Restoring, Former: Running }) Restore(app, stored, fences);
            else Idle(app, stored);
        });
    }

    private void Kill(int app, string why)
    {
        var slot = node.Slots[app];
        if (slot.Processes == Processes.None) return;
        Log(app, $"ends its processes: {why}");
        if (slot.Processes == Processes.Alive) world.Killed(node, app, why);
        slot.Clear();
    }

    public void Died(int app)
    {
        if (_actors[app] is { Busy: false, Stored: { State.Status: Running } stored }) RecordEnd(app, stored, "it ended by itself");
    }

    /// <summary>Looks for what was left to this node and what nobody here answers for; the leader looks after everything.</summary>
    private void Reconcile()
    {
        After(world.Random.Between(3_500, 4_500), Reconcile);
        if (_guard.Fenced || !_opened) return;
        world.Registry.Request(
            this,
            () => world.Registry.Read(),
            all =>
            {
                if (_guard.Fenced) return;
                if (world.Mutation != Mutation.NoReconcile)
                {
                    for (var app = 0; app < all.Apps.Length; app++) Reconcile(app, all.Apps[app]);
                }

                if (all.Leader == node.Index) Oversee(all);
            },
            () => { });
    }

    private void Reconcile(int app, StoredApplication seen)
    {
        if (_halves[app] is not null || _actors[app] is { Busy: true } || _lifting[app]) return;
        var (state, slot) = (seen.State, node.Slots[app]);
        if (_actors[app] is { Stored: { } known })
        {
            if (seen.Revision > known.Revision) Examine(app);
            else if (slot is { Processes: Processes.Alive, Allowed: false }) Lift(app, _ => { });
            return;
        }

        var mine = state.Node == node.Name || state.HandOff?.Source == node.Name;
        if (mine && state is { Status: Migrating, HandOff.Returned: true } && state.Node == node.Name && slot.IsEmpty) return;
        if (mine || !slot.IsEmpty) Examine(app);
    }

    private void Oversee(Survey all)
    {
        for (var i = 0; i < all.Apps.Length; i++)
        {
            var (app, seen) = (i, all.Apps[i]);
            if (world.Mutation == Mutation.TakeOverOwned) seen = seen with { Owned = false };
            switch (FarmRecovery.Decide(seen, all.Snapshots[app], all.Members, shared: false))
            {
                case RecoveryDecision.Restore restore:
                    Log(app, $"the scheduler wants it restored on {restore.Node} from {restore.Snapshot.Id}");
                    Ask(world.Nodes[World.Index(restore.Node)], $"take-over-{++world.HandOffs}", 3_000, (daemon, answer) => daemon.TakeOver(app, seen, restore.Snapshot, answer), _ => { });
                    break;
                case RecoveryDecision.GiveUp giveUp:
                    Step($"gives up a{app}", () => Write(app, seen, new ApplicationChange(FarmRecovery.GiveUp(seen.State, giveUp.Reason)), insist: false, _ => { }));
                    break;
                case RecoveryDecision.Settle settle:
                    Step($"settles a{app}", () => Write(app, seen, new ApplicationChange(settle.Next), insist: false, _ => { }));
                    break;
            }
        }
    }

    private void TakeOver(int app, StoredApplication seen, SnapshotRecord snapshot, Action<bool> answer)
    {
        if (_halves[app] is not null || _actors[app] is { Busy: true } || _guard.Fenced)
        {
            answer(false);
            return;
        }

        if (node.Slots[app].Processes == Processes.Alive)
        {
            answer(false);
            Examine(app); // What lives here comes first.
            return;
        }

        answer(true);
        Busy(app, seen, "taking over");
        var fences = _guard.Fences;
        var next = FarmRecovery.TakeOver(seen.State, snapshot, node.Name, $"t{++world.HandOffs}");
        Write(
            app, seen, new ApplicationChange(next, OwnerChange.Take), insist: false,
            written => Step($"takes over a{app}: {written.Stored is not null}", () =>
            {
                if (written.Stored is { } stored) Restore(app, stored, fences);
                else _actors[app] = null;
            }),
            seize: world.Mutation == Mutation.TakeOverOwned);
    }

    private void Restore(int app, StoredApplication stored, int fences)
    {
        var slot = node.Slots[app];
        Busy(app, stored, "restoring");
        Kill(app, "the restore begins anew");
        slot.Processes = Processes.HalfBuilt;
        After(WorkTime(), () => Step("has rebuilt it", () =>
        {
            if (Fails())
            {
                Asleep(app, stored);
                return;
            }

            Write(app, stored, new ApplicationChange(stored.State with { Status = Running, Resumed = false }), insist: false, written => Step("commits the restore", () =>
            {
                if (written.Stored is not { } committed)
                {
                    slot.Clear();
                    if (written.Stale) Examine(app);
                    else Asleep(app, written.Now!);
                    return;
                }

                slot.Clear();
                (slot.Processes, slot.FromSnapshot, slot.Parked, slot.Allowed) = (Processes.Alive, true, false, Holds(fences));
                Record(app, committed, new ApplicationChange(Settled(committed.State, Running) with { Resumed = true }), done => Idle(app, done));
            }));
        }));
    }

    /// <summary>It could not be restored: it stays as it was.</summary>
    private void Asleep(int app, StoredApplication stored)
    {
        var slot = node.Slots[app];
        slot.Clear();
        slot.Parked = true;
        Record(app, stored, new ApplicationChange(Settled(stored.State, Dormant), OwnerChange.Release), done => Idle(app, done));
    }

    private static ApplicationState Settled(ApplicationState state, ApplicationStatus status) =>
        state with { Status = status, Reason = null, Former = null, PendingSnapshot = null, HandOff = null };

    public void Execute(Command command)
    {
        if (!_opened || node.Stands || _guard.Fenced) return;
        var app = command.App;
        if (_actors[app] is not { Busy: false, Stored: { } stored } || _halves[app] is not null) return;
        switch (command.Kind, stored.State.Status)
        {
            case (CommandKind.Migrate or CommandKind.Drain, Running) when command.Node != node.Index:
                var handOff = new HandOffRecord($"h{++world.HandOffs}", node.Name, World.Name(command.Node), stored.State.Epoch);
                Drive(app, new HandOffSource(stored, handOff), handOff, resume: false);
                break;
            case (CommandKind.Checkpoint or CommandKind.Sleep, Running):
                Snapshot(app, stored, command.Kind == CommandKind.Checkpoint);
                break;
            case (CommandKind.Wake, Dormant):
                var fences = _guard.Fences;
                Busy(app, stored, "waking");
                Write(
                    app, stored, new ApplicationChange(stored.State with { Status = Restoring, Former = Dormant, PendingSnapshot = stored.State.Snapshot, Resumed = false }, OwnerChange.Take), insist: false,
                    written => Step("decides to wake it", () => Proceed(app, written, taken => Restore(app, taken, fences))));
                break;
            case (CommandKind.Stop, Running):
                Busy(app, stored, "stopping");
                world.MayBeLost[app] = true;
                Write(
                    app, stored, new ApplicationChange(stored.State with { Status = Stopping, Former = Running }), insist: false,
                    written => Step("decides to stop it", () => Proceed(app, written, taken =>
                    {
                        Kill(app, "asked for");
                        RecordEnd(app, taken, "stopped on request");
                    })));
                break;
        }
    }

    private void Proceed(int app, Written written, Action<StoredApplication> made)
    {
        if (written.Stored is { } stored) made(stored);
        else if (written.Now is { } now) Idle(app, now);
        else Examine(app);
    }

    private void Snapshot(int app, StoredApplication stored, bool leaveRunning)
    {
        var slot = node.Slots[app];
        Busy(app, stored, "snapshot");
        var id = $"s{++world.HandOffs:D4}";
        Write(app, stored, new ApplicationChange(stored.State with { Status = Snapshotting, Former = Running, PendingSnapshot = id }), insist: false, written => Step("decides to snapshot it", () => Proceed(app, written, decided =>
        {
            slot.Frozen = true;
            After(WorkTime(), () => Step("has captured it", () =>
            {
                if (Fails() || slot.Processes == Processes.None)
                {
                    slot.Frozen = false;
                    Record(app, decided, new ApplicationChange(Settled(decided.State, Running)), done => Idle(app, done));
                    return;
                }

                if (leaveRunning) slot.Frozen = false;
                var other = World.Name(world.Random.Between(0, world.Nodes.Length - 1));
                var snapshot = new SnapshotRecord(id, decided.State.Aid, node.Name, default, 1, "", true) { Copies = other == node.Name ? [] : [other] };
                var next = Settled(decided.State, leaveRunning ? Running : Dormant) with { Snapshot = id, Resumed = leaveRunning };
                Write(app, decided, new ApplicationChange(next, leaveRunning ? OwnerChange.Keep : OwnerChange.Release), insist: false, commit => Step("commits the snapshot", () =>
                {
                    if (commit.Stored is { } done)
                    {
                        if (!leaveRunning)
                        {
                            Kill(app, "it sleeps");
                            slot.Parked = true;
                        }

                        Idle(app, done);
                    }
                    else if (commit.Now is { } now)
                    {
                        slot.Frozen = false;
                        Record(app, now, new ApplicationChange(Settled(now.State, Running)), stays => Idle(app, stays));
                    }
                    else
                    {
                        Examine(app);
                    }
                }), snapshot);
            }));
        })));
    }
}
