using Vni.Actors.Identity;
using Vni.Actors.Nodes;
using Vni.Actors.Registry;
using Vni.Actors.Resources;
using Vni.Actors.Snapshots;

namespace Vni.Actors.Applications;

/// <summary>What the registry has of one application.</summary>
internal sealed record LoadedApplication(StoredApplication Application, IReadOnlyList<SnapshotRecord> Snapshots)
{
    /// <summary>Harness of the instance that runs already, because it has just come here; 0: none does.</summary>
    public int InitPid { get; init; }

    /// <summary>How often the node had been fenced when it was last known to be this node's; <c>null</c>: nothing runs yet.</summary>
    public int? Closings { get; init; }
}

/// <summary>
/// The transactions of an application. Each compares the revision that the writer last saw and the owner record, so a
/// stale owner cannot write. A lease that was lost without anyone else taking over is put right on the way. When the
/// registry does not answer, the outcome of a write is unknown; then it is asked until it is known.
/// </summary>
internal sealed class ApplicationStore(IRegistry registry, RegistryKeys keys, NodeLease lease, NodeSettings settings, TimeProvider time)
{
    /// <summary>Events kept for each application.</summary>
    public const int MaxEvents = 256;

    /// <summary>Reads an application and its snapshots; <c>null</c>: there is none.</summary>
    public async Task<LoadedApplication?> LoadAsync(Aid aid, CancellationToken cancellationToken)
    {
        var read = await registry.TransactAsync(
            new Transaction([], [Get(keys.Application(aid)), Get(keys.Owner(aid)), new Operation.Get(SnapshotsOf(aid))], []), cancellationToken);
        if (read.Responses[0].Pairs is not [var application]) return null;
        return new LoadedApplication(
            Stored(application, read.Responses[1].Pairs is [var owner] ? owner : null),
            [.. read.Responses[2].Pairs.Select(RegistryJson.Snapshot)]);
    }

    /// <summary>The state of a pair, with what its owner record says.</summary>
    public static StoredApplication Stored(KeyValue application, KeyValue? owner)
    {
        var state = RegistryJson.Application(application);
        return new StoredApplication(state, application.ModRevision, owner is not null && RegistryJson.Owner(owner) == new OwnerRecord(state.Node, state.Epoch));
    }

    /// <summary>A change that something else depends on: it is made, or certainly not made.</summary>
    /// <exception cref="StaleWriteException">The application was changed by someone else.</exception>
    /// <exception cref="UndecidedException">It was not made, and will not be: the registry did not take it.</exception>
    public Task<StoredApplication> DecideAsync(StoredApplication from, ApplicationChange change, CancellationToken cancellationToken) =>
        SaveAsync(from, change, insist: false, cancellationToken);

    /// <summary>A change that says what is true already: tried until the registry takes it.</summary>
    /// <exception cref="StaleWriteException">The application was changed by someone else.</exception>
    public Task<StoredApplication> RecordAsync(StoredApplication from, ApplicationChange change, CancellationToken cancellationToken) =>
        SaveAsync(from, change, insist: true, cancellationToken);

    /// <summary>Removes everything that the registry has of an application, its identity last in force until then.</summary>
    /// <exception cref="StaleWriteException">It was changed by someone else.</exception>
    public async Task RemoveAsync(StoredApplication from, CancellationToken cancellationToken)
    {
        var (aid, identity) = (from.State.Aid, from.State.Identity);
        KeyRange[] all =
        [
            new(keys.Application(aid)), new(keys.Owner(aid)), new(keys.Aid(aid)), new(keys.Address(identity.Ip)), new(keys.Hostname(identity.Hostname)),
            .. identity.Ip6 is { } ip6 ? [new KeyRange(keys.Address(ip6))] : Array.Empty<KeyRange>(),
            KeyRange.Prefix(keys.Events(aid)), KeyRange.Prefix(keys.Resources(aid)), SnapshotsOf(aid),
        ];
        await WriteAsync(from, [.. all.Select(range => new Operation.Delete(range))], (_, _) => [], wanted: null, insist: true, cancellationToken);
    }

    /// <summary>Puts the owner record on the node's present lease, after the former was lost or before an instance that a
    /// former daemon started may run on. Done when it returns, whatever was there of ours.</summary>
    /// <exception cref="StaleWriteException">The application has changed meanwhile, or another node owns it now.</exception>
    public async Task ReclaimAsync(StoredApplication from, CancellationToken cancellationToken)
    {
        var state = from.State;
        var owner = RegistryJson.Bytes(new OwnerRecord(state.Node, state.Epoch));
        var (application, record) = (keys.Application(state.Aid), keys.Owner(state.Aid));
        var known = Comparison.Absent(record);
        while (true)
        {
            var result = await RetryAsync(
                leaseId => new Transaction([Comparison.Unchanged(application, from.Revision), known], [new Operation.Put(record, owner, leaseId)], [Get(application), Get(record)]),
                cancellationToken);
            if (result.Succeeded) return;
            var stored = result.Responses[0].Pairs is [var pair] ? pair : null;
            var other = result.Responses[1].Pairs is [var o] ? o : null;
            Explain(from, stored, other);
            known = other is null ? Comparison.Absent(record) : Comparison.Unchanged(record, other.ModRevision);
        }
    }

    /// <summary>Reads an application until the registry answers; <c>null</c>: there is none.</summary>
    public async Task<StoredApplication?> LookAsync(Aid aid, CancellationToken cancellationToken)
    {
        var read = await RetryAsync(_ => new Transaction([], [Get(keys.Application(aid)), Get(keys.Owner(aid))], []), cancellationToken);
        if (read.Responses[0].Pairs is not [var application]) return null;
        return Stored(application, read.Responses[1].Pairs is [var owner] ? owner : null);
    }

    /// <summary>Reads the tables of resource ids as they were last written.</summary>
    public async Task<ResourceTables> LoadResourcesAsync(Aid aid, CancellationToken cancellationToken) =>
        ResourceRecords.Read(aid, (await registry.RangeAsync(KeyRange.Prefix(keys.Resources(aid)), cancellationToken)).Pairs);

    /// <summary>Writes the tables of resource ids, as long as the application is owned as in <paramref name="state"/>.</summary>
    /// <returns>Whether they are written.</returns>
    public async Task<bool> SaveResourcesAsync(ApplicationState state, string activation, IReadOnlyList<ResourceEntry> entries, CancellationToken cancellationToken)
    {
        var owned = Comparison.Holds(keys.Owner(state.Aid), RegistryJson.Bytes(new OwnerRecord(state.Node, state.Epoch)));
        foreach (var writes in ResourceRecords.Writes(keys, state.Aid, state.Node, activation, entries))
        {
            if (!(await RetryAsync(_ => new Transaction([owned], writes, []), cancellationToken)).Succeeded) return false;
        }

        return true;
    }

    /// <summary>Writes what is known of a snapshot by now; <c>null</c>: it is no longer recorded.</summary>
    public async Task<SnapshotRecord?> MarkAsync(SnapshotRecord snapshot, CancellationToken cancellationToken)
    {
        var key = keys.Snapshot(snapshot.Id);
        var result = await RetryAsync(_ => new Transaction([Comparison.Present(key)], [new Operation.Put(key, RegistryJson.Bytes(snapshot))], []), cancellationToken);
        return result.Succeeded ? snapshot : null;
    }

    /// <summary>Notes that a snapshot is on disk; <c>null</c>: it is no longer recorded.</summary>
    public Task<SnapshotRecord?> MarkDurableAsync(SnapshotRecord snapshot, CancellationToken cancellationToken) =>
        MarkAsync(snapshot with { Durable = true }, cancellationToken);

    /// <summary>Deletes the records of snapshots, if <paramref name="newest"/>, which replaces them, is recorded.</summary>
    /// <returns>Whether they are deleted.</returns>
    public async Task<bool> DropSnapshotsAsync(IReadOnlyList<SnapshotRecord> snapshots, SnapshotRecord? newest, CancellationToken cancellationToken)
    {
        Comparison[] condition = newest is null ? [] : [Comparison.Present(keys.Snapshot(newest.Id))];
        foreach (var some in snapshots.Chunk(Transaction.MaxOperations))
        {
            Operation[] deletes = [.. some.Select(snapshot => new Operation.Delete(new KeyRange(keys.Snapshot(snapshot.Id))))];
            if (!(await RetryAsync(_ => new Transaction(condition, deletes, []), cancellationToken)).Succeeded) return false;
        }

        return true;
    }

    /// <summary>The write of a snapshot's record, for <see cref="ApplicationChange.Also"/>.</summary>
    public Operation Put(SnapshotRecord snapshot) => new Operation.Put(keys.Snapshot(snapshot.Id), RegistryJson.Bytes(snapshot));

    /// <summary>The deletion of a snapshot's record, for <see cref="ApplicationChange.Also"/>.</summary>
    public Operation Delete(SnapshotRecord snapshot) => new Operation.Delete(new KeyRange(keys.Snapshot(snapshot.Id)));

    private KeyRange SnapshotsOf(Aid aid) => KeyRange.Prefix($"{keys.Snapshots}{aid}.");

    private static Operation.Get Get(string key) => new(new KeyRange(key));

    private async Task<StoredApplication> SaveAsync(StoredApplication from, ApplicationChange change, bool insist, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var next = change.Next.Status == from.State.Status ? change.Next : change.Next with { Changed = now };
        List<Operation> writes = [.. change.Also];
        if (change.Event is var (kind, message))
        {
            var number = next.NextEvent;
            next = next with { NextEvent = number + 1 };
            writes.Add(new Operation.Put(keys.Event(next.Aid, number), RegistryJson.Bytes(new ApplicationEvent(number, now, kind, message))));
            if (number > MaxEvents) writes.Add(new Operation.Delete(new KeyRange(keys.Event(next.Aid, number - MaxEvents))));
        }

        var value = RegistryJson.Bytes(next);
        writes.Add(new Operation.Put(keys.Application(next.Aid), value));
        var owner = RegistryJson.Bytes(new OwnerRecord(next.Node, next.Epoch));
        var key = keys.Owner(next.Aid);
        var owned = false;
        var revision = await WriteAsync(
            from,
            writes,
            (leaseId, there) =>
            {
                // There may be more than the writer knows: a confirmation puts the record back without a change of the application.
                owned = change.Owner switch { OwnerChange.Take => true, OwnerChange.Release => false, _ => there };
                return owned ? [new Operation.Put(key, owner, leaseId)] : [new Operation.Delete(new KeyRange(key))];
            },
            value,
            insist,
            cancellationToken);
        return new StoredApplication(next, revision, owned);
    }

    /// <summary>Writes under the comparisons that every change makes.</summary>
    /// <param name="from">What the writer last saw.</param>
    /// <param name="writes">What is written in any case.</param>
    /// <param name="owner">What is done to the owner record, given the lease and whether one is, or ought to be, there.</param>
    /// <param name="wanted">The application's value after it, by which an earlier attempt is recognised; <c>null</c>: none.</param>
    /// <param name="insist">Whether to try again when the registry did not take it.</param>
    /// <param name="cancellationToken">Ends the attempts.</param>
    /// <returns>The revision of the write.</returns>
    private async Task<long> WriteAsync(
        StoredApplication from, IReadOnlyList<Operation> writes, Func<long, bool, IReadOnlyList<Operation>> owner, ReadOnlyMemory<byte>? wanted, bool insist, CancellationToken cancellationToken)
    {
        var (application, ownership) = (keys.Application(from.State.Aid), keys.Owner(from.State.Aid));
        // What is known of the owner record: null as in the state, else its revision, 0 for absent.
        long? ownerRevision = from.Owned ? null : 0;
        while (true)
        {
            var known = ownerRevision is { } at
                ? Comparison.Unchanged(ownership, at)
                : Comparison.Holds(ownership, RegistryJson.Bytes(new OwnerRecord(from.State.Node, from.State.Epoch)));
            var leaseId = lease.Id;
            try
            {
                var result = await registry.TransactAsync(
                    new Transaction([Comparison.Unchanged(application, from.Revision), known], [.. writes, .. owner(leaseId, from.Owned || ownerRevision > 0)], [Get(application), Get(ownership)]),
                    cancellationToken);
                if (result.Succeeded) return result.Revision;
                var stored = result.Responses[0].Pairs is [var pair] ? pair : null;
                if (IsWanted(stored, wanted)) return stored?.ModRevision ?? result.Revision;
                ownerRevision = Explain(from, stored, result.Responses[1].Pairs is [var o] ? o : null);
            }
            catch (LeaseNotFoundException)
            {
                await ReplaceLeaseAsync(leaseId, cancellationToken);
            }
            catch (RegistryUnavailableException) when (insist)
            {
                await DelayAsync(cancellationToken);
            }
            catch (RegistryUnavailableException e)
            {
                return await SettleAsync(from, wanted, e, cancellationToken);
            }
        }
    }

    /// <summary>
    /// A write whose outcome is unknown may yet be applied, after any read. So the application is written as it was: when
    /// that is taken, its revision is another, and the late write finds what it compares no more.
    /// </summary>
    /// <exception cref="UndecidedException">It was not made, and will not be.</exception>
    private async Task<long> SettleAsync(StoredApplication from, ReadOnlyMemory<byte>? wanted, RegistryUnavailableException reason, CancellationToken cancellationToken)
    {
        var (application, former) = (keys.Application(from.State.Aid), RegistryJson.Bytes(from.State));
        var result = await RetryAsync(
            _ => new Transaction([Comparison.Unchanged(application, from.Revision)], [new Operation.Put(application, former)], [Get(application), Get(keys.Owner(from.State.Aid))]), cancellationToken);
        if (result.Succeeded) throw new UndecidedException(Before(result.Revision), reason);
        var stored = result.Responses[0].Pairs is [var pair] ? pair : null;
        if (stored is not null && IsWanted(stored, wanted)) return stored.ModRevision;
        if (stored is not null && stored.Value.Span.SequenceEqual(former.Span)) throw new UndecidedException(Before(stored.ModRevision), reason); // An earlier attempt at this.
        Explain(from, stored, result.Responses[1].Pairs is [var owner] ? owner : null);
        throw new StaleWriteException(from.State.Aid.Value, lost: false, "it was changed meanwhile by someone else");

        StoredApplication Before(long revision) => new(from.State, revision, from.Owned);
    }

    private static bool IsWanted(KeyValue? stored, ReadOnlyMemory<byte>? wanted) =>
        wanted is { } value ? stored is not null && stored.Value.Span.SequenceEqual(value.Span) : stored is null;

    /// <summary>Why the comparisons failed: by the owner record alone, whose revision is returned to compare next time, or
    /// because the application is no longer the writer's.</summary>
    private long Explain(StoredApplication from, KeyValue? application, KeyValue? owner)
    {
        var aid = from.State.Aid.Value;
        if (application is null) throw new StaleWriteException(aid, lost: true, "it was removed meanwhile");
        var other = owner is null ? null : RegistryJson.Owner(owner);
        var changed = application.ModRevision != from.Revision;
        var now = changed ? RegistryJson.Application(application) : from.State;
        var claimed = now.HandOff?.Source == settings.Node; // What is frozen here may yet be what goes on.
        if (other is not null && other.Node != settings.Node && other.Node != from.State.Node) throw new StaleWriteException(aid, !claimed, $"it is owned by node {other.Node} now");
        if (changed)
        {
            throw now.Node == from.State.Node
                ? new StaleWriteException(aid, lost: false, "it was changed meanwhile by someone else")
                : new StaleWriteException(aid, !claimed, $"it belongs to node {now.Node} now");
        }

        return owner?.ModRevision ?? 0;
    }

    private async Task<TransactionResult> RetryAsync(Func<long, Transaction> transaction, CancellationToken cancellationToken)
    {
        while (true)
        {
            var leaseId = lease.Id;
            try
            {
                return await registry.TransactAsync(transaction(leaseId), cancellationToken);
            }
            catch (LeaseNotFoundException)
            {
                await ReplaceLeaseAsync(leaseId, cancellationToken);
            }
            catch (RegistryUnavailableException)
            {
                await DelayAsync(cancellationToken);
            }
        }
    }

    private async Task ReplaceLeaseAsync(long lost, CancellationToken cancellationToken)
    {
        try
        {
            await lease.ReplaceAsync(lost, cancellationToken);
        }
        catch (RegistryUnavailableException)
        {
            await DelayAsync(cancellationToken);
        }
    }

    private Task DelayAsync(CancellationToken cancellationToken) => Task.Delay(settings.RetryDelay, time, cancellationToken);
}
