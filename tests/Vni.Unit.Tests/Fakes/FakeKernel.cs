using Vni.Actors.Identity;
using Vni.Actors.Resources;

namespace Vni.Unit.Tests.Fakes;

internal enum FakeProcesses
{
    None,
    HarnessOnly,
    Rebuilding,
    Running,
    Frozen,
}

internal enum FakePort
{
    None,
    Plugged,
    Parked,
}

/// <summary>What there is of one application on the node.</summary>
internal sealed class FakeInstance
{
    public FakeProcesses Processes { get; set; }

    public FakePort Port { get; set; }

    public bool Layer { get; set; }

    public int InitPid { get; set; }

    /// <summary>Frozen by a fence.</summary>
    public bool Fenced { get; set; }

    /// <summary>Programs that have joined, as its harness has them, and those of them that have ended.</summary>
    public List<string> Joined { get; } = [];

    /// <inheritdoc cref="Joined" />
    public HashSet<string> Ended { get; } = [];

    /// <summary>Its harness was killed, and could not write down how its processes ended.</summary>
    public bool Killed { get; set; }

    public bool Alive => Processes is FakeProcesses.Running or FakeProcesses.Frozen;
}

/// <summary>Files of one snapshot.</summary>
internal sealed class FakeSnapshot(Aid aid)
{
    public Aid Aid { get; } = aid;

    public bool Complete { get; set; }

    public bool Synced { get; set; }

    public bool Damaged { get; set; }
}

/// <summary>The node itself: processes, ports, files. It outlives daemons.</summary>
internal sealed class FakeKernel
{
    private int _pid = 1000;
    private ITimer? _guard;

    public Dictionary<Aid, FakeInstance> Instances { get; } = [];

    public Dictionary<string, FakeSnapshot> Snapshots { get; } = [];

    /// <summary>What must never happen and did: a second copy started, a snapshot of nothing, ...</summary>
    public List<string> Violations { get; } = [];

    public Lock Gate { get; } = new();

    /// <summary>What instances have beside their processes.</summary>
    public List<(Aid Aid, FoundResource Found)> Resources { get; } = [];

    /// <summary>What has ever run here.</summary>
    public HashSet<Aid> HaveRun { get; } = [];

    /// <summary>Whose connections were reset here.</summary>
    public HashSet<Aid> Resets { get; } = [];

    /// <summary>The other machines of the farm.</summary>
    public Func<IEnumerable<FakeKernel>> Others { get; set; } = static () => [];

    /// <summary>The guard, which outlives daemons, has frozen everything, and freezes what appears, until it is armed again.</summary>
    public bool GuardFired { get; private set; }

    /// <summary>When the guard is to fire; <c>null</c>: there is none, or it has.</summary>
    public DateTimeOffset? GuardDue { get; private set; }

    public FakeInstance this[Aid aid]
    {
        get
        {
            lock (Gate) return Instances.TryGetValue(aid, out var instance) ? instance : Instances[aid] = new FakeInstance();
        }
    }

    public int NextPid() => Interlocked.Increment(ref _pid);

    public void Arm(TimeProvider time, TimeSpan remaining, Action fired)
    {
        ITimer? former;
        lock (Gate)
        {
            former = _guard;
            (_guard, GuardFired, GuardDue) = (null, remaining == TimeSpan.Zero, remaining == TimeSpan.Zero ? null : time.GetUtcNow() + remaining);
        }

        former?.Dispose();
        if (remaining == TimeSpan.Zero) FreezeAll();
        else _guard = time.CreateTimer(_ => Fire(time, fired), null, remaining, Timeout.InfiniteTimeSpan);
    }

    public void Disarm()
    {
        lock (Gate) (GuardFired, GuardDue) = (false, null);
        _guard?.Dispose();
    }

    private void Fire(TimeProvider time, Action fired)
    {
        lock (Gate)
        {
            if (GuardDue is null || GuardDue > time.GetUtcNow()) return;
            (GuardFired, GuardDue) = (true, null);
        }

        FreezeAll();
        fired();
    }

    /// <summary>The guard fences before its time: it was told to, and to go on just after.</summary>
    public void FenceLate(Action fired)
    {
        FreezeAll();
        fired();
    }

    public void FreezeAll()
    {
        lock (Gate)
        {
            foreach (var instance in Instances.Values.Where(instance => instance.Processes == FakeProcesses.Running))
                (instance.Processes, instance.Port, instance.Fenced) = (FakeProcesses.Frozen, FakePort.Parked, true);
        }
    }

    /// <summary>An instance runs from now on: nowhere else may it.</summary>
    public void Ran(Aid aid)
    {
        foreach (var other in Others())
        {
            if (other.Instances.TryGetValue(aid, out var copy) && copy.Processes == FakeProcesses.Running) Violations.Add($"{aid} runs twice");
        }
    }

    /// <summary>The machine lost its power: files are what is left.</summary>
    public void PowerOff()
    {
        Disarm();
        lock (Gate)
        {
            foreach (var instance in Instances.Values) (instance.Killed, instance.Processes, instance.Port, instance.Fenced) = (instance.Killed || instance.Alive, FakeProcesses.None, FakePort.None, false);
        }
    }

    /// <summary>What dies with a daemon: CRIU, and with it a tree that it was rebuilding.</summary>
    public void DaemonDied()
    {
        lock (Gate)
        {
            foreach (var instance in Instances.Values.Where(instance => instance.Processes == FakeProcesses.Rebuilding)) instance.Processes = FakeProcesses.None;
        }
    }
}
