using Vni.Actors.Identity;

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

    public Dictionary<Aid, FakeInstance> Instances { get; } = [];

    public Dictionary<string, FakeSnapshot> Snapshots { get; } = [];

    /// <summary>What must never happen and did: a second copy started, a snapshot of nothing, ...</summary>
    public List<string> Violations { get; } = [];

    public Lock Gate { get; } = new();

    public FakeInstance this[Aid aid]
    {
        get
        {
            lock (Gate) return Instances.TryGetValue(aid, out var instance) ? instance : Instances[aid] = new FakeInstance();
        }
    }

    public int NextPid() => Interlocked.Increment(ref _pid);

    /// <summary>What dies with a daemon: CRIU, and with it a tree that it was rebuilding.</summary>
    public void DaemonDied()
    {
        lock (Gate)
        {
            foreach (var instance in Instances.Values.Where(instance => instance.Processes == FakeProcesses.Rebuilding)) instance.Processes = FakeProcesses.None;
        }
    }
}
