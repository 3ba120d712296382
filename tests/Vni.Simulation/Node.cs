namespace Vni.Simulation;

internal enum Processes
{
    None,

    /// <summary>Being rebuilt: none has run yet.</summary>
    HalfBuilt,

    Alive,
}

/// <summary>What a node's kernel has of one application. Survives the daemon.</summary>
internal sealed class Slot
{
    public Processes Processes;

    /// <summary>By a hand-off or a snapshot.</summary>
    public bool Frozen;

    /// <summary>Not fenced: a fence takes it away, a confirmation of ownership gives it back.</summary>
    public bool Allowed;

    /// <summary>Which state of the application it has: grows with every start of running.</summary>
    public long Content;

    /// <summary>It came from a snapshot and has not run yet.</summary>
    public bool FromSnapshot;

    /// <summary>A port here holds frames.</summary>
    public bool Parked;

    /// <summary>For transitions.</summary>
    public bool Ran;

    public bool IsEmpty => Processes == Processes.None && !Parked;

    public void Clear() => (Processes, Frozen, Allowed, FromSnapshot) = (Processes.None, false, false, false);
}

/// <summary>A machine: kernel, guard process, disk; and a daemon, if one runs.</summary>
internal sealed class Node(World world, int index)
{
    public readonly int Index = index;
    public readonly string Name = World.Name(index);
    public readonly Slot[] Slots = [.. Enumerable.Range(0, world.Plan.Apps).Select(_ => new Slot())];
    public readonly List<Action> Deferred = [];

    /// <summary>Nodes that it does not reach, a bit each.</summary>
    public int CutFrom;

    public bool CutFromRegistry;
    public bool Up = true;
    public long PausedUntil;
    public long StalledUntil;

    /// <summary>When the guard freezes everything; until it is extended nothing that appears may run either.</summary>
    public long GuardAt = -1;

    public bool GuardFired = true;
    public Daemon? Daemon;

    public bool Paused { get; private set; }

    public bool Stands => Paused || StalledUntil > world.Now;

    public bool ReachesRegistry => !CutFromRegistry && Up;

    public bool Reaches(Node other) => (CutFrom & (1 << other.Index)) == 0 && (other.CutFrom & (1 << Index)) == 0;

    public bool Runs(Slot slot) => slot is { Processes: Processes.Alive, Frozen: false, Allowed: true } && Up && !Paused;

    public void Extend(long remaining)
    {
        if (world.Mutation is Mutation.NoGuard or Mutation.NoFence) return;
        var armed = GuardAt >= 0;
        GuardAt = world.Now + remaining;
        GuardFired = remaining <= 0;
        if (!armed) world.At(GuardAt, Watch);
    }

    /// <summary>The guard: after a pause it comes first.</summary>
    public void Watch()
    {
        if (!Up || GuardAt < 0) return;
        if (Paused) return; // Comes when it wakes up.
        if (GuardAt > world.Now)
        {
            world.At(GuardAt, Watch);
            return;
        }

        GuardAt = -1;
        GuardFired = true;
        if (world.Tracing) world.Log(Name, "the guard freezes everything");
        Freeze();
    }

    public void Freeze()
    {
        foreach (var slot in Slots) slot.Allowed = false;
    }

    public void SwitchOff()
    {
        if (!Up) return;
        Daemon?.Die();
        Up = false;
        GuardAt = -1;
        GuardFired = true;
        Paused = false;
        PausedUntil = StalledUntil = 0;
        Deferred.Clear();
        for (var i = 0; i < Slots.Length; i++)
        {
            if (Slots[i].Processes == Processes.Alive) world.MayBeLost[i] = true;
            Slots[i].Clear();
            Slots[i].Parked = false;
        }
    }

    public void SwitchOn()
    {
        Up = true;
        StartDaemon();
    }

    public void StartDaemon()
    {
        if (!Up || Daemon is { Alive: true }) return;
        Daemon = new Daemon(world, this);
        Daemon.Start();
    }

    public void Pause(long until)
    {
        Paused = true;
        PausedUntil = Math.Max(PausedUntil, until);
    }

    /// <summary>A pause of the machine or of the daemon is over.</summary>
    public void WakeUp()
    {
        if (!Up) return;
        if (PausedUntil <= world.Now && Paused)
        {
            Paused = false;
            if (GuardAt >= 0) Watch();
        }

        if (Stands) return;
        var deferred = Deferred.ToArray();
        Deferred.Clear();
        foreach (var action in deferred) world.At(world.Now, action);
    }
}
