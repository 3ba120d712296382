using Vni.Actors.Applications;
using Vni.Actors.HandOffs;
using static Vni.Actors.Applications.ApplicationStatus;

namespace Vni.Simulation;

/// <summary>An application's actor on its node.</summary>
internal sealed class Actor
{
    public StoredApplication? Stored;
    public bool Busy;

    /// <summary>Guards against answers to an operation that is over.</summary>
    public string Doing = "";
}

/// <summary>The daemon of a node: what is around the machines of the product, made of steps that can each be the last.</summary>
internal sealed partial class Daemon(World world, Node node)
{
    private readonly LeaseGuard _guard = new(TimeSpan.FromMilliseconds(SimRegistry.TimeToLive));
    private readonly Actor?[] _actors = new Actor?[world.Plan.Apps];
    private readonly Half?[] _halves = new Half?[world.Plan.Apps];
    private readonly bool[] _lifting = new bool[world.Plan.Apps];
    private bool _opened;
    private bool _mayExtend;
    private long _renewedAt;

    public Node Node => node;

    public bool Alive { get; private set; } = true;

    public int Lease { get; private set; }

    public bool Quiet
    {
        get
        {
            if (!_opened || _guard.Fenced) return false;
            for (var i = 0; i < _actors.Length; i++)
            {
                if (_actors[i] is { Busy: true } || _halves[i] is not null || _lifting[i]) return false;
            }

            return true;
        }
    }

    public string Doing => string.Join(", ", _actors.Where(a => a is { Busy: true }).Select(a => a!.Doing).Concat(_halves.Where(h => h is not null).Select(h => $"half of {h!.HandOff.Id}"))) + (_guard.Fenced ? " fenced" : "") + (_opened ? "" : " not opened");

    private static TimeSpan Time(long ms) => new(ms * TimeSpan.TicksPerMillisecond);

    /// <summary>Something of this daemon's later; never if it ends before.</summary>
    public void After(long delay, Action action) => world.At(world.Now + delay, this, action);

    public void Run(Action action)
    {
        if (!Alive) return;
        if (node.Stands)
        {
            node.Deferred.Add(() => Run(action));
            return;
        }

        // After having stood still the clock comes first, then whatever has arrived.
        if (_guard.MustFence(Time(world.Now))) Fence("it could not renew its lease");
        action();
    }

    /// <summary>A step at which the daemon, the node or anything else may fail.</summary>
    private void Step(string what, Action action)
    {
        if (world.Tracing) world.Log(node.Name, what);
        world.Reach(node);
        Run(action);
    }

    public void Die()
    {
        Alive = false;
        node.Daemon = null;
    }

    /// <summary>As the world begins: everything runs and is recorded.</summary>
    public void Begin(int lease)
    {
        Lease = lease;
        Opened(world.Now);
    }

    public void Has(int app, StoredApplication stored) => Idle(app, stored);

    private void Opened(long renewed)
    {
        _opened = true;
        _mayExtend = true;
        Renewed(renewed);
        if (_renewals++ == 0) After(world.Random.Between(0, 3_000), Renew);
        After(world.Random.Between(1_000, 5_000), Reconcile);
        WatchLease();
    }

    private int _renewals;

    public void Start()
    {
        if (world.Tracing) world.Log(node.Name, "the daemon starts");
        Establish();
    }

    private void Establish()
    {
        var sent = world.Now;
        world.Registry.Request(
            this,
            () =>
            {
                var lease = world.Registry.Grant(node.Index);
                world.Registry.Join(node.Index, lease);
                return lease;
            },
            lease =>
            {
                Lease = lease;
                _renewedAt = sent;
                _renewals++;
                After(3_333, Renew);
                if (world.Mutation == Mutation.GrantIsRenewal)
                {
                    _mayExtend = true;
                    Renewed(sent);
                }

                Survey();
            },
            () => After(RetryDelay, Establish));
    }

    /// <summary>Moves the owner records of all that is alive here to the new lease; only then the guard may be extended.</summary>
    private void Survey() => world.Registry.Request(
        this,
        () => world.Registry.Read(),
        all => Step("surveys", () =>
        {
            var open = 1;
            for (var i = 0; i < node.Slots.Length; i++)
            {
                var (app, seen) = (i, all.Apps[i]);
                if (node.Slots[i].Processes != Processes.Alive || world.Mutation == Mutation.GrantIsRenewal) continue;
                if (seen.State.Node != node.Name || seen.State.Status is Dormant or Stopped or Lost)
                {
                    node.Slots[i].Allowed = false;
                    continue;
                }

                open++;
                Confirm(app, seen, settle: world.Mutation != Mutation.ConfirmKeepsRevision, stored =>
                {
                    if (stored is null) node.Slots[app].Allowed = false;
                    Confirmed();
                });
            }

            Confirmed();

            void Confirmed()
            {
                if (--open > 0) return;
                Opened(_renewedAt);
                for (var i = 0; i < node.Slots.Length; i++) Examine(i);
            }
        }),
        () => After(RetryDelay, Survey));

    private void Renew()
    {
        var (sent, lease) = (world.Now, Lease);
        After(3_333, Renew);
        world.Registry.Request(
            this,
            () =>
            {
                var lives = world.Registry.Renew(lease);
                if (lives) world.Registry.Campaign(node.Index, lease);
                return lives;
            },
            lives =>
            {
                if (lives && lease == Lease) Renewed(sent);
                else if (!lives && lease == Lease) Replace(lease, () => { });
            },
            () => { });
    }

    private void Renewed(long sent)
    {
        if (sent > _renewedAt) _renewedAt = sent;
        if (!_mayExtend) return;
        var lift = _guard.Renewed(Time(sent));
        node.Extend(Remaining());
        if (_guard.MustFence(Time(world.Now))) Fence("the renewal came too late");
        if (!lift || _guard.Fenced) return;
        for (var i = 0; i < node.Slots.Length; i++)
        {
            if (world.Mutation == Mutation.LiftWithoutConfirm) node.Slots[i].Allowed = true;
            else Lift(i, _ => { });
        }
    }

    private long Remaining() => (long)_guard.Remaining(Time(world.Now)).TotalMilliseconds;

    private void WatchLease()
    {
        if (_guard.MustFence(Time(world.Now))) Fence("it could not renew its lease");
        After(_guard.Fenced ? 1_000 : Math.Max(100, Remaining() - 1_500), WatchLease);
    }

    private void Fence(string why)
    {
        if (world.Mutation == Mutation.NoFence) return;
        if (world.Tracing) world.Log(node.Name, $"fences: {why}");
        node.Freeze();
    }

    /// <summary>Whether what was confirmed when there had been so many fences may run.</summary>
    private bool Holds(int fences) => world.Mutation is Mutation.LateConfirmLifts or Mutation.NoFence || (fences == _guard.Fences && !_guard.Fenced && (!node.GuardFired || world.Mutation == Mutation.NoGuard));

    /// <summary>Confirms that the application is this node's, and then lets it run; answers whether it is. Waits while fenced.</summary>
    private void Lift(int app, Action<bool> done)
    {
        var slot = node.Slots[app];
        if (slot.Processes == Processes.None)
        {
            done(true);
            return;
        }

        if (_guard.Fenced || !_opened)
        {
            After(500, () => Lift(app, done));
            return;
        }

        _lifting[app] = true;
        var fences = _guard.Fences;
        Read(app, seen =>
        {
            if (slot.Processes == Processes.None || seen.State.Node != node.Name || seen.State.Status is Dormant or Stopped or Lost)
            {
                _lifting[app] = false;
                done(slot.Processes == Processes.None);
                return;
            }

            Confirm(app, seen, settle: false, stored => Step($"is confirmed a{app}: {stored is not null}", () =>
            {
                _lifting[app] = false;
                if (stored is not null && Holds(fences))
                {
                    slot.Allowed = true;
                    done(true);
                }
                else
                {
                    After(100, () => Lift(app, done));
                }
            }));
        });
    }

    private bool Fails() => !world.Healed && world.Random.Percent(world.Plan.WorkFails);

    private int WorkTime() => world.Random.Percent(15) ? world.Random.Between(300, 6_000) : world.Random.Between(2, 200);

    private void Log(int app, string what)
    {
        if (world.Tracing) world.Log(node.Name, $"a{app}: {what}");
    }
}
