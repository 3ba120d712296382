using Vni.Actors.Farms;
using Vni.Actors.HandOffs;
using Vni.Actors.Interposition;
using Vni.Actors.Kernel;
using Vni.Actors.Messaging;
using Vni.Actors.Nodes;
using Vni.Actors.Registry;
using Vni.Actors.Snapshots;
using static Vni.Actors.Applications.ApplicationStatus;

namespace Vni.Actors.Applications;

/// <content>What an application does because its node is one of several: checkpoints and their copies, taking over, fences.</content>
internal sealed partial class ApplicationActor
{
    private IDisposable? _checkpoint;

    /// <summary>How often the node had been fenced when this application was last known to be unfrozen and this node's.</summary>
    private int _closings = loaded.Closings ?? gate.Closings;

    /// <summary>Whether it is recorded on another node, which is gone: all that can be done is to take it over or remove it.</summary>
    private bool Foreign => State.Node != settings.Node;

    /// <summary>Whether another node has a claim to what is recorded on this one: it was given back, or given up. Then nobody here
    /// knows what becomes of it.</summary>
    public static bool IsLeftTo(ApplicationState state, string node) =>
        state.Node == node && state.HandOff is { } handOff && handOff.Source != node && (handOff.Returned || state.Status == Lost);

    private void ScheduleCheckpoint()
    {
        _checkpoint?.Dispose();
        _checkpoint = null;
        if (State is { Status: Running, Declaration.Checkpoint: { } policy }) _checkpoint = Schedule(TimeSpan.FromSeconds(policy.EverySeconds), new Background.CheckpointDue());
    }

    private void TakeCheckpoint()
    {
        if (State.Status != Running || _command is not null)
        {
            ScheduleCheckpoint();
            return;
        }

        // As anyone would ask for it; what fails is in the events and is tried again in its turn.
        PipeTo<SnapshotTaken>(
            Context.Self.AskAsync<SnapshotTaken>(reply => new TakeSnapshot(LeaveRunning: true, Sync: true, reply) { IsCheckpoint = true }, Context.Stopping),
            _ => new Background.CheckpointTaken(null),
            error => new Background.CheckpointTaken(error));
    }

    /// <summary>Brings a snapshot to where it outlives this node: the shared directory, or another node's disk.</summary>
    private void Spread(SnapshotRecord snapshot)
    {
        if (State.Status == Removing || State.Declaration.Checkpoint is null || !settings.Shared || snapshot.Outlives) return;
        PipeTo(
            CopyElsewhereAsync(snapshot),
            copied => new Background.Copied(copied),
            error => new Background.Over(error, $"copying snapshot {snapshot.Id} to another node"));
    }

    private async Task<SnapshotRecord?> CopyElsewhereAsync(SnapshotRecord snapshot)
    {
        if (settings.SharedSnapshots is { } directory)
        {
            await ports.Shipping.ExportSnapshotAsync(snapshot, directory, Context.Stopping);
            var shared = await NoteAsync(snapshot with { Shared = true });
            if (shared is null) ports.Shipping.DeleteExported(snapshot.Id, directory); // A failure deletes nothing: the record may be written.
            return shared;
        }

        var others = members.Members.Values.Where(member => member.Node != settings.Node && member is { Endpoint: not null, Leaving: false });
        if (others.MinBy(member => FarmRecovery.Spread(State.Aid.Value, member.Node)) is not { } other) return snapshot; // Nobody is there.
        SnapshotRecord? copied = null;
        try
        {
            await CopyAsync(snapshot, other.Node, Context.Stopping);
            return copied = await NoteAsync(snapshot with { Copies = [other.Node] });
        }
        finally
        {
            if (copied is null) await DeleteAtAsync(snapshot, other.Node); // It was given up, or removed with its application, meanwhile.
        }
    }

    /// <summary>Writes where a snapshot is, too; <c>null</c>: nobody wants it any more. A removal that begins later finds the record; one that
    /// has begun may have looked before.</summary>
    private async Task<SnapshotRecord?> NoteAsync(SnapshotRecord snapshot)
    {
        var noted = await store.MarkAsync(snapshot, Context.Stopping);
        return noted is not null && await store.LookAsync(snapshot.Aid, Context.Stopping) is { State.Status: not Removing } ? noted : null;
    }

    private Task<bool> CopyAsync(SnapshotRecord snapshot, string node, CancellationToken cancellationToken) =>
        ports.Messenger.SendAsync(node, FarmKinds.ShipSnapshot, snapshot, (stream, cancel) => ports.Shipping.SendSnapshotAsync(snapshot, stream, cancel), cancellationToken);

    /// <param name="command">What asks for it: the farm's leader, or a user's restore.</param>
    /// <param name="snapshot">From which; <c>null</c>: there is none.</param>
    private void BeginTakeOver(ApplicationCommand command, SnapshotRecord? snapshot)
    {
        if (_stored.Owned || snapshot is null)
        {
            command.Fail(snapshot is null
                ? ApplicationSentences.NoSuchSnapshot(State.Aid, null)
                : new VniException(ErrorCodes.Conflict, $"application {State.Aid} is owned by node {State.Node}; it needs nobody to take it over"));
            if (Foreign) Stop();
            return;
        }

        if (ports.Access.ListProcesses(State.Aid).Count > 0)
        {
            command.Fail(new VniException(ErrorCodes.Conflict, $"processes of application {State.Aid} are on node {settings.Node}, which looks first at what they are; try again in a moment"));
            Stop();
            return;
        }

        Begin(command);
        (_restoring, _older) = (snapshot, IsOlder(snapshot));
        PipeTo(FetchAsync(snapshot), () => new Outcome.Fetched(), Failed);
    }

    /// <summary>The snapshot is here: the application becomes this node's, if nobody was quicker.</summary>
    private void DecideTakeOver() => Decide(
        FarmRecovery.TakeOver(State, _restoring!, settings.Node, CommandId.New()),
        OwnerChange.Take,
        (EventKinds.Recovered, $"node {settings.Node} takes it over from node {State.Node} and restores {_restoring!.Id}"));

    /// <summary>Makes sure that a snapshot is on this node's disk.</summary>
    private async Task FetchAsync(SnapshotRecord snapshot)
    {
        if (ports.Shipping.HasSnapshot(snapshot.Id)) return;
        if (snapshot.Shared && settings.SharedSnapshots is { } directory)
        {
            await ports.Shipping.ImportSnapshotAsync(snapshot, directory, Context.Stopping);
        }
        else
        {
            var holder = snapshot.Holders.FirstOrDefault(node => node != settings.Node && members.Members.ContainsKey(node));
            if (holder is null && snapshot.Holders.Contains(settings.Node)) return; // It is this node's: what is wrong with it is found by whoever reads it.
            if (holder is null) throw new VniException(ErrorCodes.SnapshotNotFound, $"snapshot {snapshot.Id} is on node {snapshot.Node} alone, which is down; bring that node back");
            await ports.Messenger.AskAsync(holder, FarmKinds.FetchSnapshot, new FetchSnapshot(snapshot), CommandId.New(), TimeSpan.FromMinutes(10), Context.Stopping);
        }

        var held = snapshot with { Copies = [.. snapshot.Copies ?? [], settings.Node] };
        if (await store.MarkAsync(held, Context.Stopping) is not null) Context.Self.Tell(new Background.Copied(held));
    }

    /// <summary>The node may let instances run again: this one, if the registry says that it is still the node's.</summary>
    private void Lift(LiftFence lift)
    {
        if (!_stored.Owned || _command is not null)
        {
            lift.Reply.Success(true);
            return;
        }

        PipeTo(
            ConfirmAndLiftAsync(_stored, Spec, lift),
            () => new Background.Lifted(lift.Reply),
            error => error is StaleWriteException stale ? new Background.Disowned(stale) { Reply = lift.Reply } : new Background.Over(error, "letting it run again") { Reply = lift.Reply });
    }

    private async Task ConfirmAndLiftAsync(StoredApplication stored, InstanceSpec spec, LiftFence lift)
    {
        await store.ReclaimAsync(stored, Context.Stopping);
        using var turn = await gate.EnterAsync(Context.Stopping);
        if (gate.Closings != lift.Closings) return;
        if (!lift.IsTimely()) throw new RegistryUnavailableException("the node's lease could not be renewed in time; its applications stay frozen");
        await ports.Fence.LiftAsync(spec, CancellationToken.None);
    }

    /// <summary>The node was fenced while an operation was under way, which has left an instance that the fence keeps.</summary>
    private void LiftIfFenced()
    {
        if (!settings.Shared || State.Status != Running || !_stored.Owned || gate.Closings == _closings) return;
        var (stored, spec, closings) = (_stored, Spec, _closings);
        _closings = gate.Closings;
        PipeTo(
            LiftWhenOpenAsync(stored, spec, closings),
            () => new Background.Over(null, "letting it run again"),
            error => error is StaleWriteException stale ? new Background.Disowned(stale) : new Background.Over(error, "letting it run again"));
    }

    private async Task LiftWhenOpenAsync(StoredApplication stored, InstanceSpec spec, int closings)
    {
        using var turn = await gate.PassAsync(closings, () => store.ReclaimAsync(stored, Context.Stopping), Context.Stopping);
        await ports.Fence.LiftAsync(spec, CancellationToken.None);
    }

    /// <summary>Deletes the files of snapshots wherever they are; what cannot be reached is deleted when its node starts.</summary>
    private async Task DeleteEverywhereAsync(IEnumerable<SnapshotRecord> snapshots)
    {
        foreach (var snapshot in snapshots)
        {
            foreach (var node in snapshot.Holders)
            {
                if (node == settings.Node) await interposer.DeleteSnapshotAsync(snapshot.Id, CancellationToken.None);
                else if (members.Members.ContainsKey(node)) await DeleteAtAsync(snapshot, node);
            }

            if (snapshot.Shared && settings.SharedSnapshots is { } directory) ports.Shipping.DeleteExported(snapshot.Id, directory);
        }
    }

    private async Task DeleteAtAsync(SnapshotRecord snapshot, string node)
    {
        try
        {
            await ports.Messenger.AskAsync(node, FarmKinds.DeleteSnapshot, new FetchSnapshot(snapshot), CommandId.New(), Brief, CancellationToken.None);
        }
        catch (Exception e) when (e is PeerUnreachableException or PeerSilentException or VniException)
        {
            log.BackgroundFailed(e, State.Aid.Value, $"deleting snapshot {snapshot.Id} on node {node}");
        }
    }
}
