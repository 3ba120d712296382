using System.Globalization;
using Microsoft.Extensions.Logging;
using Vni.Actors.Applications;
using Vni.Actors.HandOffs;
using Vni.Actors.Identity;
using Vni.Actors.Kernel;
using Vni.Actors.Messaging;
using Vni.Actors.Nodes;
using Vni.Actors.Registry;
using Vni.Actors.Snapshots;

namespace Vni.Actors.Farms;

/// <summary>What a <see cref="SchedulerActor"/> receives.</summary>
internal abstract record SchedulerMessage
{
    /// <summary>Time to see who leads.</summary>
    internal sealed record Stand : SchedulerMessage;

    /// <summary>Whether this node leads; <c>null</c>: it could not be found out.</summary>
    internal sealed record Elected(bool? Leads) : SchedulerMessage;

    /// <summary>Owner records have gone, or everything is to be looked at (<c>null</c>).</summary>
    internal sealed record Look(IReadOnlyList<Aid>? Applications) : SchedulerMessage;

    /// <summary>It could not be seen to now, or is to be looked at again.</summary>
    internal sealed record Later(Aid Aid, TimeSpan After) : SchedulerMessage;

    internal sealed record Looked(Exception? Problem) : SchedulerMessage;
}

/// <summary>
/// One on each node; that of the node whose name is under <c>leader/scheduler</c> acts. It follows the owner records: one
/// that has gone without its application being at rest belongs to a node that has gone, and <see cref="FarmRecovery"/>
/// says what to do. Nothing depends on there being only one leader: each take-over compares what it was decided upon.
/// </summary>
internal sealed class SchedulerActor(
    IRegistry registry, RegistryKeys keys, NodeLease lease, ApplicationStore store, INodeMessenger messenger, NodeSettings settings, ILogger log) : Actor<SchedulerMessage>
{
    /// <summary>Between looks at everything, in terms of the lease: nothing that was missed stays so for long.</summary>
    private const int FullLook = 10;

    /// <summary>Applications read at a time.</summary>
    private const int Page = 512;

    private readonly HashSet<Aid> _waiting = [];
    private CancellationTokenSource? _leading;
    private bool _looking;
    private bool _everything;

    private TimeSpan Interval => settings.LeaseTimeToLive / 3;

    protected override Task StartedAsync()
    {
        Context.Self.Tell(new SchedulerMessage.Stand());
        return Task.CompletedTask;
    }

    protected override void Receive(SchedulerMessage message)
    {
        switch (message)
        {
            case SchedulerMessage.Stand:
                PipeTo<bool>(StandAsync(), leads => new SchedulerMessage.Elected(leads), _ => new SchedulerMessage.Elected(null));
                break;
            case SchedulerMessage.Elected { Leads: var leads }:
                if (leads == true && _leading is null) Lead();
                else if (leads == false) Follow();
                Schedule(Interval, new SchedulerMessage.Stand());
                break;
            case SchedulerMessage.Look { Applications: var applications }:
                if (applications is null) _everything = true;
                else _waiting.UnionWith(applications);
                LookOn();
                break;
            case SchedulerMessage.Later { Aid: var aid, After: var delay }:
                Schedule(delay, new SchedulerMessage.Look([aid]));
                break;
            case SchedulerMessage.Looked { Problem: var problem }:
                _looking = false;
                if (problem is not null && _leading is not null)
                {
                    log.WorkFailed(problem, "looking for applications whose node has gone");
                    Schedule(settings.RetryDelay, new SchedulerMessage.Look(null));
                }

                LookOn();
                break;
        }
    }

    protected override ValueTask StoppedAsync()
    {
        Follow();
        return ValueTask.CompletedTask;
    }

    private async Task<bool> StandAsync()
    {
        var (key, me) = (keys.SchedulerLeader, System.Text.Encoding.UTF8.GetBytes(settings.Node));
        var result = await registry.TransactAsync(
            new Transaction([Comparison.Absent(key)], [new Operation.Put(key, me, lease.Id)], [new Operation.Get(new KeyRange(key))]), Context.Stopping);
        return result.Succeeded || result.Responses[0].Pairs is [var leader] && leader.Lease == lease.Id;
    }

    private void Lead()
    {
        log.Leads();
        _leading = CancellationTokenSource.CreateLinkedTokenSource(Context.Stopping);
        PipeTo(WatchAsync(_leading.Token), () => new SchedulerMessage.Looked(null), _ => new SchedulerMessage.Looked(null));
    }

    private void Follow()
    {
        _leading?.Cancel();
        _leading?.Dispose();
        _leading = null;
        (_everything, _) = (false, _waiting.RemoveWhere(_ => true));
    }

    /// <summary>Looks at everything, now and then again, and at whatever loses its owner record.</summary>
    private async Task WatchAsync(CancellationToken cancellationToken)
    {
        var self = Context.Self;
        while (true)
        {
            try
            {
                var range = await registry.RangeAsync(KeyRange.Prefix(keys.Owners) with { Limit = 1, KeysOnly = true }, cancellationToken);
                self.Tell(new SchedulerMessage.Look(null));
                using var again = new TimeLimit(settings.LeaseTimeToLive * FullLook, Context.TimeProvider, cancellationToken);
                await foreach (var batch in registry.WatchAsync(KeyRange.Prefix(keys.Owners), range.Revision + 1, again.Token))
                {
                    var gone = batch.Changes.Where(change => change.Deleted).Select(change => Aid.Parse(change.Pair.Key[keys.Owners.Length..])).ToList();
                    if (gone.Count > 0) self.Tell(new SchedulerMessage.Look(gone));
                }
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                continue; // Time for another look at everything.
            }
            catch (Exception e) when (e is RegistryUnavailableException or CompactedException)
            {
                log.WorkFailed(e, "following the owner records");
            }

            await Task.Delay(settings.RetryDelay, Context.TimeProvider, cancellationToken);
        }
    }

    private void LookOn()
    {
        if (_looking || _leading is null || !_everything && _waiting.Count == 0) return;
        _looking = true;
        IReadOnlyList<Aid>? some = _everything ? null : [.. _waiting];
        _everything = false;
        _waiting.Clear();
        PipeTo(LookAsync(some), () => new SchedulerMessage.Looked(null), error => new SchedulerMessage.Looked(error));
    }

    private async Task LookAsync(IReadOnlyList<Aid>? some) =>
        await Task.WhenAll((some ?? await FindUnownedAsync()).Select(ConsiderAsync));

    /// <summary>Page by page: a farm is larger than an answer may be.</summary>
    private async Task<IReadOnlyList<Aid>> FindUnownedAsync()
    {
        var unowned = new List<Aid>();
        for (var from = keys.Applications; from is not null;) from = await FindUnownedAsync(from, unowned);
        return unowned;
    }

    /// <summary>Reads a page; <c>null</c>: it was the last, else the first key of the next.</summary>
    private async Task<string?> FindUnownedAsync(string from, List<Aid> unowned)
    {
        var (applications, owners) = (KeyRange.Prefix(keys.Applications), KeyRange.Prefix(keys.Owners));
        var read = await registry.TransactAsync(
            new Transaction(
                [],
                [
                    new Operation.Get(applications with { Key = from, Limit = Page }),
                    new Operation.Get(owners with { Key = keys.Owners + from[keys.Applications.Length..], Limit = Page, KeysOnly = true }),
                ],
                []),
            Context.Stopping);
        var owned = read.Responses[1].Pairs.Select(pair => pair.Key[keys.Owners.Length..]).ToHashSet(StringComparer.Ordinal);
        foreach (var pair in read.Responses[0].Pairs.Where(pair => !owned.Contains(pair.Key[keys.Applications.Length..])))
        {
            try
            {
                var state = RegistryJson.Application(pair);
                if (state.Status is not (ApplicationStatus.Dormant or ApplicationStatus.Stopped)) unowned.Add(state.Aid);
            }
            catch (VniException e)
            {
                log.Unreadable(e);
            }
        }

        // Every owner belongs to an application: those of this page are among the first as many.
        return read.Responses[0].Pairs is { Count: Page } full ? full[^1].Key + '\0' : null;
    }

    /// <summary>Everything that the decision rests on is read at one revision.</summary>
    private async Task ConsiderAsync(Aid aid)
    {
        var read = await registry.TransactAsync(
            new Transaction(
                [],
                [
                    new Operation.Get(new KeyRange(keys.Application(aid))), new Operation.Get(new KeyRange(keys.Owner(aid))),
                    new Operation.Get(KeyRange.Prefix($"{keys.Snapshots}{aid}.")), new Operation.Get(KeyRange.Prefix(keys.Members) with { KeysOnly = true }),
                ],
                []),
            Context.Stopping);
        if (read.Responses[0].Pairs is not [var pair]) return;
        var stored = ApplicationStore.Stored(pair, read.Responses[1].Pairs is [var owner] ? owner : null);
        IReadOnlyList<SnapshotRecord> snapshots = [.. read.Responses[2].Pairs.Select(RegistryJson.Snapshot)];
        var live = read.Responses[3].Pairs.Select(member => member.Key[keys.Members.Length..]).ToHashSet(StringComparer.Ordinal);
        try
        {
            await ActAsync(stored, snapshots, live);
        }
        catch (Exception e) when (e is PeerSilentException or PeerUnreachableException or VniException or StaleWriteException or UndecidedException)
        {
            log.WorkFailed(e, string.Create(CultureInfo.InvariantCulture, $"recovering application {aid}"));
            if (e is not StaleWriteException) Context.Self.Tell(new SchedulerMessage.Later(aid, settings.RetryDelay));
        }
    }

    private async Task ActAsync(StoredApplication stored, IReadOnlyList<SnapshotRecord> snapshots, HashSet<string> live)
    {
        var state = stored.State;
        switch (FarmRecovery.Decide(stored, snapshots, live, settings.SharedSnapshots is not null))
        {
            case RecoveryDecision.Restore restore:
                log.Restores(state.Aid.Value, restore.Snapshot.Id, restore.Node);
                var ask = new ToApplication<SnapshotRecord>(state.Aid, restore.Snapshot);
                await messenger.AskAsync(restore.Node, FarmKinds.Recover, ask, CommandId.New(), TimeSpan.FromMinutes(5), Context.Stopping);
                break;
            case RecoveryDecision.GiveUp { Reason: var reason }:
                log.GivesUp(state.Aid.Value, reason);
                await store.DecideAsync(stored, new ApplicationChange(FarmRecovery.GiveUp(state, reason)) { Event = (EventKinds.Lost, reason) }, Context.Stopping);
                break;
            case RecoveryDecision.Settle { Next: var next }:
                await store.DecideAsync(stored, new ApplicationChange(next) { Event = (EventKinds.Recovered, $"node {state.Node} is gone; it is {ApplicationSentences.Name(next.Status)}") }, Context.Stopping);
                break;
            case RecoveryDecision.Leave when !stored.Owned && state.Status is not (ApplicationStatus.Dormant or ApplicationStatus.Stopped) && Keeper(state, live) is { } node:
                Context.Self.Tell(new SchedulerMessage.Later(state.Aid, settings.LeaseTimeToLive)); // What is asked for may come to nothing.
                await messenger.AskAsync(node, FarmKinds.View, new ToApplication<bool>(state.Aid, true), CommandId.New(), TimeSpan.FromSeconds(10), Context.Stopping);
                break;
        }
    }

    /// <summary>The live node that must see to an application; that it is asked about it wakes what sleeps there.</summary>
    private static string? Keeper(ApplicationState state, HashSet<string> live) =>
        state.HandOff is { } handOff && live.Contains(handOff.Source) ? handOff.Source : live.Contains(state.Node) ? state.Node : null;
}
