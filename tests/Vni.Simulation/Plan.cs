using System.Globalization;

namespace Vni.Simulation;

/// <summary>What goes wrong.</summary>
internal enum FaultKind
{
    /// <summary>The daemon ends; processes and guard go on.</summary>
    DaemonCrash,

    /// <summary>The machine is switched off: all but its disk is gone.</summary>
    NodeCrash,

    /// <summary>The machine stands still (a virtual machine that is suspended).</summary>
    NodePause,

    /// <summary>Only the daemon stands still.</summary>
    DaemonStall,

    /// <summary>Registry and node do not reach each other.</summary>
    CutFromRegistry,

    /// <summary>Two nodes do not reach each other.</summary>
    CutFromNode,

    /// <summary>The node reaches nobody.</summary>
    Isolate,

    /// <summary>The registry answers nobody; afterwards all leases have their full time.</summary>
    RegistryFailover,

    /// <summary>The application dies by itself, also while frozen.</summary>
    Death,
}

/// <summary>What an operator does.</summary>
internal enum CommandKind
{
    Migrate,
    Drain,
    Checkpoint,
    Sleep,
    Wake,
    Stop,
}

/// <param name="Kind">What.</param>
/// <param name="Point">At which step of any hand-off, snapshot or recovery, on the node that takes the step; 0: at a time.</param>
/// <param name="Time">When, if no point is given.</param>
/// <param name="Node">Where, if no point is given.</param>
/// <param name="Other">The other node, or the application.</param>
/// <param name="Duration">Until it is over; negative: never.</param>
internal sealed record Fault(FaultKind Kind, int Point, int Time, int Node, int Other, int Duration)
{
    public override string ToString() =>
        $"{Kind} {(Point > 0 ? $"at step {Point.ToString(CultureInfo.InvariantCulture)}" : $"of {World.Name(Node)} at {Time} ms")}{(Kind is FaultKind.CutFromNode ? $" from {World.Name(Other)}" : "")} {(Duration < 0 ? "for good" : $"for {Duration} ms")}";
}

/// <param name="Time">When.</param>
/// <param name="Kind">What.</param>
/// <param name="App">Which application.</param>
/// <param name="Node">Which node.</param>
internal sealed record Command(int Time, CommandKind Kind, int App, int Node)
{
    public override string ToString() => $"{Kind} of a{App} to or on {World.Name(Node)} at {Time} ms";
}

/// <summary>Everything about a schedule that is decided beforehand, so that it can be left out one by one when it fails.</summary>
internal sealed record Plan(long Seed, int Nodes, int Apps, IReadOnlyList<Fault> Faults, IReadOnlyList<Command> Commands)
{
    /// <summary>Percentages.</summary>
    public int Drop { get; init; }

    public int Duplicate { get; init; }

    public int Slow { get; init; }

    public int RegistryLoss { get; init; }

    public int RegistrySlow { get; init; }

    public int WorkFails { get; init; }

    /// <summary>When everything is healed.</summary>
    public int Heal { get; init; } = 60_000;

    public static Plan Of(long seed)
    {
        var random = new Rng(seed);
        var nodes = random.Between(3, 5);
        if (random.Percent(15)) nodes = random.Between(6, 7);
        var apps = random.Percent(75) ? 1 : random.Between(2, 3);
        var commands = new List<Command>();
        var count = random.Percent(80) ? random.Between(1, 4) : random.Between(4, 8);
        var at = 0;
        for (var i = 0; i < count; i++)
        {
            at += random.Percent(50) ? random.Between(50, 1_500) : random.Between(500, 12_000);
            var kind = random.Between(0, 99) switch
            {
                < 62 => CommandKind.Migrate,
                < 72 => CommandKind.Drain,
                < 85 => CommandKind.Checkpoint,
                < 91 => CommandKind.Sleep,
                < 96 => CommandKind.Wake,
                _ => CommandKind.Stop,
            };
            if (i == 0 && random.Percent(40)) kind = CommandKind.Checkpoint;
            commands.Add(new Command(at, kind, random.Between(0, apps - 1), random.Between(0, nodes - 1)));
        }

        var faults = new List<Fault>();
        for (var i = random.Percent(20) ? random.Between(3, 8) : random.Between(0, 4); i > 0; i--)
        {
            var kind = (FaultKind)random.Between(0, 7);
            if (random.Percent(5)) kind = FaultKind.Death;
            var byPoint = random.Percent(70);
            var node = random.Between(0, nodes - 1);
            var duration = random.Between(0, 2) switch
            {
                0 => random.Between(10, 1_500),
                1 => random.Between(1_000, 12_000),
                _ => random.Between(8_000, 40_000),
            };
            if (kind is FaultKind.DaemonCrash or FaultKind.NodeCrash && random.Percent(25)) duration = -1;
            faults.Add(new Fault(
                kind,
                byPoint ? random.Between(1, random.Percent(70) ? 45 : 120) : 0,
                random.Between(10, 30_000),
                node,
                kind == FaultKind.Death ? random.Between(0, apps - 1) : (node + random.Between(1, nodes - 1)) % nodes,
                duration));
        }

        var plan = new Plan(seed, nodes, apps, faults, commands);
        if (random.Percent(40)) plan = plan with { Drop = random.Between(0, 15), Duplicate = random.Between(0, 20), Slow = random.Between(0, 20) };
        if (random.Percent(40)) plan = plan with { RegistryLoss = random.Between(0, 20), RegistrySlow = random.Between(0, 30) };
        if (random.Percent(30)) plan = plan with { WorkFails = random.Between(1, 25) };
        return plan;
    }

    public IEnumerable<string> Describe()
    {
        yield return $"{Nodes} nodes, {Apps} applications; of 100 messages {Drop} dropped, {Duplicate} doubled, {Slow} late; of 100 requests to the registry {RegistryLoss} or their answers lost, {RegistrySlow} late; of 100 works {WorkFails} fail";
        foreach (var command in Commands) yield return $"command: {command}";
        foreach (var fault in Faults) yield return $"fault: {fault}";
    }
}
