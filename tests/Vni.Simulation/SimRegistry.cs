using Vni.Actors.Applications;
using Vni.Actors.Snapshots;

namespace Vni.Simulation;

/// <summary>An application's keys: its state, its owner record, its snapshots.</summary>
internal sealed class AppKeys(ApplicationState state)
{
    public ApplicationState State = state;
    public long Revision = 1;
    public int Owner = -1;
    public long OwnerEpoch;
    public int OwnerLease;
    public long OwnerRevision;
    public readonly List<SnapshotRecord> Snapshots = [];

    public StoredApplication Stored => new(State, Revision, Owner >= 0 && World.Name(Owner) == State.Node && OwnerEpoch == State.Epoch);
}

/// <summary>What one read of everything gives.</summary>
internal sealed record Survey(StoredApplication[] Apps, SnapshotRecord[][] Snapshots, HashSet<string> Members, int Leader);

/// <summary>etcd as the product uses it: one order of all requests, one revision, leases by its own clock.</summary>
internal sealed class SimRegistry(World world)
{
    public const int TimeToLive = 10_000;
    private const int Patience = 3_000;
    private readonly List<(int Node, long Expiry)> _leases = [(-1, 0)];
    private readonly int[] _members = new int[7];
    private int _leader;
    private long _revision = 1;

    public AppKeys[] Apps = [];

    /// <summary>Whether it serves nobody.</summary>
    public bool Down;

    public int Grant(int node)
    {
        _leases.Add((node, world.Now + TimeToLive));
        return _leases.Count - 1;
    }

    public void Join(int node, int lease) => _members[node] = lease;

    public bool Lives(int lease) => lease > 0 && _leases[lease].Expiry > world.Now;

    public bool Renew(int lease)
    {
        if (!Lives(lease)) return false;
        _leases[lease] = _leases[lease] with { Expiry = world.Now + TimeToLive };
        return true;
    }

    public bool IsMember(int node) => Lives(_members[node]);

    /// <summary>A new leader of the registry cannot know when leases were renewed last.</summary>
    public void FailOver()
    {
        for (var i = 1; i < _leases.Count; i++)
        {
            if (Lives(i)) _leases[i] = _leases[i] with { Expiry = world.Now + TimeToLive };
        }
    }

    /// <summary>Owner records go with their lease.</summary>
    public void Expire()
    {
        foreach (var app in Apps)
        {
            if (app.Owner < 0 || Lives(app.OwnerLease)) continue;
            if (world.Tracing) world.Log("registry", $"lease of {World.Name(app.Owner)} expires: owner record of {app.State.Aid} goes");
            app.Owner = -1;
            app.OwnerRevision = 0;
        }
    }

    public int Campaign(int node, int lease)
    {
        if (!Lives(_leader)) _leader = Lives(lease) ? lease : 0;
        return _leader == 0 ? -1 : _leases[_leader].Node;
    }

    public Survey Read()
    {
        var members = new HashSet<string>();
        for (var i = 0; i < world.Nodes.Length; i++)
        {
            if (IsMember(i)) members.Add(World.Name(i));
        }

        return new Survey([.. Apps.Select(app => app.Stored)], [.. Apps.Select(app => app.Snapshots.ToArray())], members, Lives(_leader) ? _leases[_leader].Node : -1);
    }

    public void Put(int app, ApplicationState next)
    {
        var keys = Apps[app];
        keys.State = next;
        keys.Revision = ++_revision;
        if (world.Tracing) world.Log("registry", $"a{app} := {next.Status} on {next.Node} epoch {next.Epoch}{(next.HandOff is { } h ? $" hand-off {h.Id} {h.Source}->{h.Target}{(h.Returned ? " returned" : "")}" : "")} (revision {keys.Revision})");
    }

    public void Own(int app, int node, long epoch, int lease)
    {
        var keys = Apps[app];
        if (world.Tracing && (keys.Owner != node || keys.OwnerEpoch != epoch)) world.Log("registry", $"a{app} is owned by {World.Name(node)}, epoch {epoch}");
        (keys.Owner, keys.OwnerEpoch, keys.OwnerLease, keys.OwnerRevision) = (node, epoch, lease, ++_revision);
    }

    public void Disown(int app)
    {
        if (world.Tracing && Apps[app].Owner >= 0) world.Log("registry", $"a{app} is owned by nobody");
        (Apps[app].Owner, Apps[app].OwnerRevision) = (-1, 0);
    }

    /// <summary>One request: it arrives, is done and answered; or the asker learns only that it did not answer, whatever becomes of it.</summary>
    public void Request<T>(Daemon from, Func<T> work, Action<T> answer, Action silent)
    {
        var plan = world.Plan;
        var random = world.Random;
        var chaos = !world.Healed;
        var there = random.Between(1, 8);
        if (chaos && random.Percent(plan.RegistrySlow)) there = random.Between(200, 9_000);
        var back = random.Between(1, 8);
        if (chaos && random.Percent(plan.RegistrySlow)) back = random.Between(200, 4_000);
        var lost = chaos && random.Percent(plan.RegistryLoss);
        var answerLost = lost && random.Percent(50);
        var sent = world.Now;
        var node = from.Node;
        if ((lost && !answerLost) || !node.ReachesRegistry || !node.Up)
        {
            from.After(Patience, silent);
            return;
        }

        if (there >= Patience) from.After(Patience, silent);
        world.At(sent + there, () =>
        {
            if (Down || !node.ReachesRegistry)
            {
                if (there < Patience) from.After(sent + Patience - world.Now, silent);
                return;
            }

            Expire();
            var result = work();
            if (there >= Patience) return;
            if (answerLost || there + back >= Patience) from.After(sent + Patience - world.Now, silent);
            else from.After(back, () => { if (node.ReachesRegistry) answer(result); else from.After(Patience, silent); });
        });
    }
}
