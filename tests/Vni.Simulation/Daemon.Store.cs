using Vni.Actors;
using Vni.Actors.Applications;
using Vni.Actors.Registry;
using Vni.Actors.Snapshots;

namespace Vni.Simulation;

/// <summary>How a write ended. Not stale and not stored: it was not made and will not be; <paramref name="Now"/> is what there is.</summary>
internal sealed record Written(StoredApplication? Stored, bool Stale = false, StoredApplication? Now = null);

/// <content>The transactions of <see cref="ApplicationStore"/>, step by step.</content>
internal sealed partial class Daemon
{
    private const int RetryDelay = 500;
    internal static readonly RegistryUnavailableException Unavailable = new("it did not answer");
    internal static readonly StaleWriteException StaleWrite = new("a", false, "it was changed meanwhile");
    internal static readonly VniException Refused = new(ErrorCodes.Conflict, "refused");
    internal static readonly VniException Broken = new(ErrorCodes.Internal, "it failed");

    private enum Fate
    {
        Made,
        Failed,
        NoLease,
    }

    private readonly record struct Result(Fate Fate, ApplicationState State, long Revision, int Owner, long OwnerRevision, bool Owned);

    private Result Look(int app, Fate fate)
    {
        var keys = world.Registry.Apps[app];
        return new Result(fate, keys.State, keys.Revision, keys.Owner, keys.OwnerRevision, keys.Stored.Owned);
    }

    private void Write(int app, StoredApplication from, ApplicationChange change, bool insist, Action<Written> done, SnapshotRecord? snapshot = null, bool careless = false, bool seize = false)
    {
        var next = change.Next with { NextEvent = from.State.NextEvent + 1 };
        var owned = change.Owner switch { OwnerChange.Take => true, OwnerChange.Release => false, _ => from.Owned };
        long? ownerRevision = from.Owned ? null : 0;
        var owner = World.Index(from.State.Node);
        Attempt();

        void Attempt()
        {
            var lease = Lease;
            world.Registry.Request(
                this,
                () =>
                {
                    var keys = world.Registry.Apps[app];
                    var holds = (careless || keys.Revision == from.Revision)
                        && (careless || seize || (ownerRevision is { } at ? keys.OwnerRevision == at : keys.Owner == owner && keys.OwnerEpoch == from.State.Epoch));
                    if (!holds) return Look(app, Fate.Failed);
                    if (owned && !world.Registry.Lives(lease)) return Look(app, Fate.NoLease);
                    world.Registry.Put(app, next);
                    if (owned) world.Registry.Own(app, World.Index(next.Node), next.Epoch, lease);
                    else world.Registry.Disown(app);
                    if (snapshot is not null) keys.Snapshots.Add(snapshot);
                    return Look(app, Fate.Made);
                },
                Answered,
                () =>
                {
                    if (insist) After(RetryDelay, Attempt);
                    else if (world.Mutation == Mutation.TrustReads) Trust();
                    else Settle(null);
                });

            void Answered(Result result)
            {
                if (result.Fate == Fate.NoLease) Replace(lease, Attempt);
                else if (result.Fate == Fate.Made || ReferenceEquals(result.State, next)) done(new Written(new StoredApplication(next, result.Revision, owned)));
                else if (result.Owner >= 0 && result.Owner != Node.Index) done(new Written(null, Stale: true));
                else if (result.Revision != from.Revision) done(new Written(null, Stale: true));
                else
                {
                    ownerRevision = result.Owner < 0 ? 0 : result.OwnerRevision;
                    if (change.Owner == OwnerChange.Keep && result.Owner >= 0) owned = true; // Put back meanwhile.
                    Attempt();
                }
            }
        }

        // Silence: what was sent may still arrive. A write that changes the revision makes it fail, should it arrive later.
        void Settle(ApplicationState? mark)
        {
            mark ??= from.State with { NextEvent = from.State.NextEvent };
            world.Registry.Request(
                this,
                () =>
                {
                    if (world.Registry.Apps[app].Revision == from.Revision) world.Registry.Put(app, mark);
                    return Look(app, Fate.Failed);
                },
                result =>
                {
                    if (ReferenceEquals(result.State, next)) done(new Written(new StoredApplication(next, result.Revision, owned)));
                    else if (ReferenceEquals(result.State, mark)) done(new Written(null, Now: new StoredApplication(mark, result.Revision, result.Owned)));
                    else done(new Written(null, Stale: true));
                },
                () => After(RetryDelay, () => Settle(mark)));
        }

        void Trust() => world.Registry.Request(
            this,
            () => Look(app, Fate.Failed),
            result => done(ReferenceEquals(result.State, next) ? new Written(new StoredApplication(next, result.Revision, owned)) : new Written(null, Now: from)),
            () => After(RetryDelay, Trust));
    }

    private void Read(int app, Action<StoredApplication> seen) =>
        world.Registry.Request(this, () => world.Registry.Apps[app].Stored, seen, () => After(RetryDelay, () => Read(app, seen)));

    /// <summary>Puts the owner record on the present lease, if the application is still this node's. Answers <c>null</c> if not.</summary>
    /// <param name="app">Which.</param>
    /// <param name="seen">As read.</param>
    /// <param name="settle">Moves the revision too: a write that a former daemon of this node sent under its lease cannot be
    /// made any more.</param>
    /// <param name="done">The answer.</param>
    private void Confirm(int app, StoredApplication seen, bool settle, Action<StoredApplication?> done)
    {
        var lease = Lease;
        var mark = settle ? seen.State with { NextEvent = seen.State.NextEvent } : seen.State;
        world.Registry.Request(
            this,
            () =>
            {
                var keys = world.Registry.Apps[app];
                if (keys.Revision != seen.Revision || (keys.Owner >= 0 && keys.Owner != Node.Index)) return Look(app, Fate.Failed);
                if (!world.Registry.Lives(lease)) return Look(app, Fate.NoLease);
                if (settle) world.Registry.Put(app, mark);
                world.Registry.Own(app, Node.Index, seen.State.Epoch, lease);
                return Look(app, Fate.Made);
            },
            result =>
            {
                if (result.Fate == Fate.NoLease) Replace(lease, () => Confirm(app, seen, settle, done));
                else done(result.Fate == Fate.Made ? new StoredApplication(mark, result.Revision, true) : null);
            },
            () => After(RetryDelay, () => Confirm(app, seen, settle, done)));
    }

    private bool _replacing;

    /// <summary>Grants a lease in place of a lost one.</summary>
    private void Replace(int lost, Action then)
    {
        if (Lease != lost || _replacing)
        {
            After(RetryDelay, then);
            return;
        }

        _replacing = true;
        if (_guard.Lose()) Fence("its lease is lost");
        world.Registry.Request(
            this,
            () =>
            {
                var lease = world.Registry.Grant(Node.Index);
                world.Registry.Join(Node.Index, lease);
                return lease;
            },
            lease =>
            {
                _replacing = false;
                Lease = lease;
                then();
            },
            () =>
            {
                _replacing = false;
                After(RetryDelay, then);
            });
    }
}
