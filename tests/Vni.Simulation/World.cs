using System.Globalization;
using Vni.Actors.Applications;
using Vni.Actors.Identity;
using static Vni.Actors.Applications.ApplicationStatus;

namespace Vni.Simulation;

/// <summary>A rule was broken.</summary>
internal sealed class BrokenRuleException(string rule) : Exception(rule);

/// <summary>A farm, its registry, time and misfortune: one schedule, which follows from its plan alone.</summary>
internal sealed class World
{
    private const int Limit = 240_000;
    private static readonly string[] Names = ["A", "B", "C", "D", "E", "F", "G"];
    private static readonly ApplicationState[] Blank = [.. Enumerable.Range(0, 3).Select(i => new ApplicationState
    {
        Aid = Aid.Parse($"a{i}"), Declaration = new ApplicationDeclaration(), Identity = new VirtualIdentity("10.0.0.1", 24, "02:00:0a:00:00:01", "a"),
        Status = Running, Node = "A", Epoch = 1, Resumed = true, Created = default, Changed = default,
    })];

    private static readonly ApplicationDeclaration Checkpointed = new() { Checkpoint = new CheckpointPolicy(60) };

    private readonly Timeline _timeline = new();
    private readonly long[] _newest;
    private readonly long[] _newestEpoch;
    private readonly Fault[] _faults;
    private readonly int _lastPoint;
    private int _points;
    private int _calm;

    public World(Plan plan, Mutation mutation, List<string>? trace)
    {
        (Plan, Mutation, Trace) = (plan, mutation, trace);
        _faults = [.. plan.Faults];
        _lastPoint = _faults.Length == 0 ? 0 : _faults.Max(fault => fault.Point);
        Random = new Rng(plan.Seed ^ 0x5DEECE66D);
        MayBeLost = new bool[plan.Apps];
        _newest = new long[plan.Apps];
        _newestEpoch = new long[plan.Apps];
        Nodes = new Node[plan.Nodes];
        for (var i = 0; i < plan.Nodes; i++) Nodes[i] = new Node(this, i);
        Registry = new SimRegistry(this);
    }

    public Plan Plan { get; }

    public Mutation Mutation { get; }

    public List<string>? Trace { get; }

    public bool Tracing => Trace is not null;

    public Rng Random { get; }

    public Node[] Nodes { get; }

    public SimRegistry Registry { get; }

    public long Now { get; private set; }

    /// <summary>Nothing goes wrong any more.</summary>
    public bool Healed { get; private set; }

    public int HandOffs { get; set; }

    public int Steps { get; private set; }

    /// <summary>Applications whose only processes may have died, or that were stopped.</summary>
    public bool[] MayBeLost { get; }

    public static string Name(int node) => Names[node];

    public static int Index(string node) => node[0] - 'A';

    public void Log(string who, string what) => Trace?.Add(string.Create(CultureInfo.InvariantCulture, $"{Now,7} {who,-8} {what}"));

    public void At(long time, Action what) => _timeline.Add(time, null, what);

    public void At(long time, Daemon of, Action what) => _timeline.Add(time, of, what);

    /// <summary>Runs to the end.</summary>
    /// <exception cref="BrokenRuleException">With what is wrong.</exception>
    public void Run()
    {
        Begin();
        while (_timeline.Take(out var at, out var of, out var what))
        {
            if (at > Now) Now = at;
            Steps++;
            if (of is null) what();
            else of.Run(what);
            Check();
            if (_calm >= 2) return;
            if (Now > Limit) throw new BrokenRuleException(Problem() ?? "it does not come to rest: " + string.Join("; ", Nodes.Where(n => n.Daemon is { Quiet: false }).Select(n => $"{n.Name}: {n.Daemon!.Doing}")));
        }
    }

    private void Begin()
    {
        Registry.Apps = [.. Enumerable.Range(0, Plan.Apps).Select(i => new AppKeys(Blank[i] with { Node = Names[Random.Between(0, Plan.Nodes - 1)], Declaration = Plan.Seed % 2 == 0 ? Checkpointed : Blank[i].Declaration }))];
        foreach (var node in Nodes)
        {
            var lease = Registry.Grant(node.Index);
            Registry.Join(node.Index, lease);
            node.Daemon = new Daemon(this, node);
            for (var app = 0; app < Plan.Apps; app++)
            {
                if (Registry.Apps[app].State.Node != node.Name) continue;
                Registry.Own(app, node.Index, 1, lease);
                (node.Slots[app].Processes, node.Slots[app].Allowed) = (Processes.Alive, true);
                node.Daemon.Has(app, Registry.Apps[app].Stored);
                if (Tracing) Log(node.Name, $"runs a{app}");
            }

            node.Daemon.Begin(lease);
        }

        foreach (var command in Plan.Commands) At(command.Time, () => Carry(command));
        foreach (var fault in Plan.Faults)
        {
            if (fault.Point == 0) At(fault.Time, () => Strike(fault, Nodes[fault.Node]));
        }

        At(Plan.Heal, Heal);
    }

    private void Carry(Command command)
    {
        if (Tracing) Log("operator", command.ToString());
        if (command.Kind != CommandKind.Drain)
        {
            foreach (var node in Nodes) node.Daemon?.Execute(command);
            return;
        }

        for (var app = 0; app < Plan.Apps; app++) Nodes[command.Node].Daemon?.Execute(new Command(command.Time, CommandKind.Migrate, app, (command.Node + 1 + app) % Plan.Nodes));
    }

    /// <summary>A step of a daemon: what is to happen at it happens.</summary>
    public void Reach(Node node)
    {
        Check();
        _points++;
        if (_points > _lastPoint) return;
        foreach (var fault in _faults)
        {
            if (fault.Point != _points || Healed) continue;
            Strike(fault, node);
            Check();
        }
    }

    private void Strike(Fault fault, Node node)
    {
        if (Healed) return;
        if (Tracing) Log(node.Name, $"FAULT {fault}");
        var other = Nodes[fault.Other % Nodes.Length];
        if (other == node) other = Nodes[(fault.Other + 1) % Nodes.Length];
        var end = Now + Math.Max(0, fault.Duration);
        switch (fault.Kind)
        {
            case FaultKind.DaemonCrash:
                node.Daemon?.Die();
                if (fault.Duration >= 0) At(end, node.StartDaemon);
                break;
            case FaultKind.NodeCrash:
                node.SwitchOff();
                if (fault.Duration >= 0) At(end, () => { if (!node.Up) node.SwitchOn(); });
                break;
            case FaultKind.NodePause:
                if (node.Up) node.Pause(end);
                At(end, node.WakeUp);
                break;
            case FaultKind.DaemonStall:
                node.StalledUntil = Math.Max(node.StalledUntil, end);
                At(end, node.WakeUp);
                break;
            case FaultKind.CutFromRegistry:
                node.CutFromRegistry = true;
                At(end, () => node.CutFromRegistry = false);
                break;
            case FaultKind.CutFromNode:
                node.CutFrom |= 1 << other.Index;
                At(end, () => node.CutFrom &= ~(1 << other.Index));
                break;
            case FaultKind.Isolate:
                node.CutFrom = 127;
                node.CutFromRegistry = true;
                At(end, () => (node.CutFrom, node.CutFromRegistry) = (0, false));
                break;
            case FaultKind.RegistryFailover:
                Registry.Down = true;
                At(end, () =>
                {
                    if (!Registry.Down) return;
                    Registry.Down = false;
                    Registry.FailOver();
                });
                break;
            case FaultKind.Death:
                var app = fault.Other % Plan.Apps;
                foreach (var candidate in Nodes)
                {
                    var slot = candidate.Slots[app];
                    if (slot.Processes != Processes.Alive || (slot.Frozen && fault.Time % 2 == 0)) continue;
                    MayBeLost[app] = true;
                    slot.Clear();
                    candidate.Daemon?.Run(() => candidate.Daemon?.Died(app));
                    break;
                }

                break;
        }
    }

    private void Heal()
    {
        Healed = true;
        if (Tracing) Log("world", "everything is healed");
        if (Registry.Down)
        {
            Registry.Down = false;
            Registry.FailOver();
        }

        foreach (var node in Nodes)
        {
            (node.CutFrom, node.CutFromRegistry, node.PausedUntil, node.StalledUntil) = (0, false, 0, 0);
            node.WakeUp();
            if (node.Daemon is not null) continue;
            // What was to stay away for good stays away; everything else has been told to start by itself, at the latest now.
            if (Plan.Faults.Any(fault => fault.Duration < 0)) continue;
            if (node.Up) node.StartDaemon();
            else node.SwitchOn();
        }

        At(Now + 2_000, Settle);
    }

    private void Settle()
    {
        _calm = Problem() is null && Array.TrueForAll(Nodes, node => node.Daemon is null or { Quiet: true }) ? _calm + 1 : 0;
        At(Now + 2_000, Settle);
    }

    /// <summary>What must hold at every moment.</summary>
    private void Check()
    {
        for (var app = 0; app < _newest.Length; app++)
        {
            Node? running = null;
            foreach (var node in Nodes)
            {
                var slot = node.Slots[app];
                if (!node.Runs(slot))
                {
                    slot.Ran = false;
                    continue;
                }

                if (running is not null) throw new BrokenRuleException($"a{app} runs on {running.Name} and on {node.Name}");
                running = node;
                var keys = Registry.Apps[app];
                if (keys.State.Node != node.Name || (keys.Owner >= 0 && keys.Owner != node.Index))
                    throw new BrokenRuleException($"a{app} runs on {node.Name}, but the registry has it on {keys.State.Node}, owned by {(keys.Owner < 0 ? "nobody" : Name(keys.Owner))}");
                if (keys.Owner < 0 || !Registry.Lives(keys.OwnerLease))
                    throw new BrokenRuleException($"a{app} runs on {node.Name}, whose lease on it is over");
                if (slot.Ran) continue;
                slot.Ran = true;
                if (slot.Content < _newest[app] && !slot.FromSnapshot && keys.State.Epoch <= _newestEpoch[app])
                    throw new BrokenRuleException($"a{app} goes back in time on {node.Name}: a newer state of it has run in the same epoch {keys.State.Epoch}");
                slot.FromSnapshot = false;
                slot.Content = ++_newest[app];
                _newestEpoch[app] = keys.State.Epoch;
                if (Tracing) Log(node.Name, $"a{app} runs (state {slot.Content})");
            }
        }
    }

    /// <summary>A daemon ends processes: they must not be the only ones that are left of an application that is to live.</summary>
    public void Killed(Node node, int app, string why)
    {
        var slot = node.Slots[app];
        var keys = Registry.Apps[app];
        var state = keys.State;
        if (slot.Content != _newest[app]) return;
        if (state.Status is Stopping or Stopped or Dormant or Removing or Restoring) return;
        if (state.Node != node.Name && state.HandOff?.Source != node.Name) return;
        throw new BrokenRuleException($"the only processes of a{app} are ended on {node.Name} ({why}), though it is {state.Status} on {state.Node}");
    }

    /// <summary>What must hold in the end; <c>null</c>: it does.</summary>
    private string? Problem()
    {
        if (Array.TrueForAll(Nodes, node => node.Daemon is null)) return null;
        for (var app = 0; app < Plan.Apps; app++)
        {
            var keys = Registry.Apps[app];
            var state = keys.State;
            var home = Nodes[Index(state.Node)];
            var owned = keys.Owner >= 0 && Registry.Lives(keys.OwnerLease);
            switch (state.Status)
            {
                case Running:
                    if (!owned || keys.Owner != home.Index || !home.Runs(home.Slots[app])) return $"a{app} is to run on {home.Name} and does not (owned: {owned})";
                    break;
                case Dormant:
                    if (!keys.Snapshots.Exists(s => s.Id == state.Snapshot && s.Holders.Contains(state.Node))) return $"a{app} is dormant on {home.Name} without a snapshot there";
                    if (owned) return $"a{app} is dormant and owned";
                    break;
                case Stopped or Lost:
                    if (state.Reason is null) return $"a{app} is {state.Status} without a reason";
                    if (state.Status == Lost && keys.Snapshots.Exists(s => s.Holders.Any(holder => Registry.IsMember(Index(holder))))) return $"a{app} is lost, though a snapshot of it is in reach";
                    if (owned) return $"a{app} is {state.Status} and owned";
                    if (!MayBeLost[app] && !Array.Exists(Nodes, node => node.Daemon is null && node.Slots[app].Processes == Processes.Alive)) return $"a{app} is {state.Status} ({state.Reason}), though nothing of it died";
                    break;
                default:
                    return $"a{app} stays {state.Status} on {home.Name} for ever";
            }

            foreach (var node in Nodes)
            {
                if (node.Daemon is null) continue;
                var slot = node.Slots[app];
                var here = node == home;
                if (slot.Processes != Processes.None && !(here && state.Status == Running)) return $"{slot.Processes} processes of a{app}, which is {state.Status} on {home.Name}, are left on {node.Name}";
                if (slot.Parked && !(here && state.Status == Dormant)) return $"a port of a{app}, which is {state.Status} on {home.Name}, is left on {node.Name}";
            }
        }

        return null;
    }
}
