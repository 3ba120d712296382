using System.Net;
using Vni.Actors;
using Vni.Actors.Applications;
using Vni.Actors.Identity;
using Vni.Actors.Messages;
using Vni.Actors.Nodes;
using Vni.Actors.Registry;
using Vni.Cluster.Registry.Sqlite;
using Xunit;

namespace Vni.Unit.Tests.Fakes;

/// <summary>Nodes <c>n1</c>, <c>n2</c>, ... of one registry, one clock and the wires between them. Each has a kernel and a guard
/// that outlive its daemons.</summary>
internal sealed class TestFarm : IAsyncDisposable
{
    /// <summary>How far the clock moves at a time.</summary>
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(250);

    private static readonly string[] RegistrySteps = ["read", "write", "grant", "keepalive", "revoke"];

    private readonly HashSet<TestNode> _off = [];

    private TestFarm(int nodes, Func<NodeSettings, NodeSettings>? configure)
    {
        Registry = SqliteRegistry.Open(new() { Path = SqliteRegistryOptions.InMemory, Time = Time });
        Nodes = [.. Enumerable.Range(1, nodes).Select(number => new TestNode(this, Configure(number, configure)))];
        foreach (var node in Nodes) node.Kernel.Others = () => Nodes.Where(other => other != node).Select(other => other.Kernel);
    }

    public ManualTimeProvider Time { get; } = new();

    public SqliteRegistry Registry { get; }

    public FakePeers Peers { get; } = new();

    public IReadOnlyList<TestNode> Nodes { get; }

    public RegistryKeys Keys => Nodes[0].Keys;

    /// <summary>What stands between each new daemon and its registry.</summary>
    public Func<IRegistry, IRegistry> Wrap { get; init; } = static registry => registry;

    /// <summary>A node by its number, from 1.</summary>
    public TestNode this[int number] => Nodes[number - 1];

    public static async Task<TestFarm> StartedAsync(int nodes = 3, Func<NodeSettings, NodeSettings>? configure = null, Func<IRegistry, IRegistry>? wrap = null)
    {
        var farm = new TestFarm(nodes, configure) { Wrap = wrap ?? (static registry => registry) };
        foreach (var node in farm.Nodes) await node.StartDaemonAsync();
        await TestNode.UntilAsync(() => Task.FromResult(farm.Nodes.All(node => node.Members.Members.Count == nodes)), "the nodes to know each other");
        return farm;
    }

    private static NodeSettings Configure(int number, Func<NodeSettings, NodeSettings>? configure)
    {
        var settings = new NodeSettings
        {
            Node = $"n{number}",
            SyncDelay = TimeSpan.Zero,
            Addresses = new AddressRange(IPAddress.Parse("10.117.0.0"), 16, null),
            Shared = true,
            Endpoint = $"10.0.0.{number}:7117",
        };
        return configure?.Invoke(settings) ?? settings;
    }

    /// <summary>The node's daemon and all that runs there are gone from one moment to the next.</summary>
    public async Task PowerOffAsync(TestNode node)
    {
        _off.Add(node);
        await node.KillDaemonAsync();
        node.Kernel.PowerOff();
    }

    /// <summary>The node is away for good or for a while, and so is its daemon; what it froze stays.</summary>
    public async Task StartAgainAsync(TestNode node)
    {
        await node.StartDaemonAsync();
        _off.Remove(node);
    }

    /// <summary>The daemon is dead for now; what is on its node is not looked at.</summary>
    public async Task KillDaemonAsync(TestNode node)
    {
        _off.Add(node);
        await node.KillDaemonAsync();
    }

    /// <summary>The node's daemon does not reach the registry.</summary>
    public void Isolate(TestNode node)
    {
        _off.Add(node);
        foreach (var step in RegistrySteps) node.Faults.FailAt(step, () => new RegistryUnavailableException("it is away"));
    }

    public void Rejoin(TestNode node)
    {
        foreach (var step in RegistrySteps) node.Faults.At(step, () => Task.CompletedTask);
        _off.Remove(node);
    }

    public Task<MigrationView> MigrateAsync(TestNode via, TestNode to, string aid = "shop") =>
        via.Service.MigrateAsync(Aid.Parse(aid), new MigrateRequest(to.Settings.Node), default).WaitAsync(TestNode.Limit);

    public Task<ApplicationState?> StateAsync(string aid = "shop") => Nodes[0].StateAsync(aid);

    /// <summary>Lets the clock run until a condition holds.</summary>
    public async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        using var limit = new CancellationTokenSource(TestNode.Limit, TimeProvider.System);
        while (!await condition())
        {
            Assert.False(limit.IsCancellationRequested, $"still waiting: {what}");
            await TickAsync();
        }
    }

    public Task UntilAsync(Func<bool> condition, string what) => UntilAsync(() => Task.FromResult(condition()), what);

    /// <summary>Lets the clock run until a task has ended.</summary>
    public async Task<T> PassAsync<T>(Task<T> task)
    {
        await UntilAsync(() => task.IsCompleted, "the task to end");
        return await task;
    }

    /// <summary>Lets the clock run until a task has ended, however.</summary>
    public Task EndedAsync(Task task) => UntilAsync(() => task.IsCompleted, "the task to end");

    /// <summary>Lets the clock run for a while.</summary>
    public async Task PassAsync(TimeSpan time)
    {
        for (var end = Time.GetUtcNow() + time; Time.GetUtcNow() < end;) await TickAsync();
    }

    /// <summary>Lets the clock run until everything is well, and says what is not if it never is.</summary>
    public async Task CheckAsync()
    {
        using var limit = new CancellationTokenSource(TestNode.Limit / 3, TimeProvider.System);
        for (var problem = await LookAsync(); problem is not null; problem = await LookAsync())
        {
            if (limit.IsCancellationRequested) Assert.Fail(problem);
            await TickAsync();
        }

        Assert.Empty(Nodes.SelectMany(node => node.Kernel.Violations));
    }

    /// <summary>Lets the clock run until an application has come to rest in a status, and everything is well.</summary>
    public async Task CheckAsync(ApplicationStatus status, string aid = "shop")
    {
        using var limit = new CancellationTokenSource(TestNode.Limit / 2, TimeProvider.System);
        while (await LookAsync() is not null || (await StateAsync(aid))?.Status != status)
        {
            if (limit.IsCancellationRequested) Assert.Fail($"still waiting for {aid} to be {status}: {await LookAsync()}, {await StateAsync(aid)}, {string.Join("; ", (await Nodes[0].EventsAsync(aid)).Select(happened => happened.Message))}");
            await TickAsync();
        }

        Assert.Empty(Nodes.SelectMany(node => node.Kernel.Violations));
    }

    /// <summary>Migrates as soon as nothing of a former attempt is in the way.</summary>
    public Task MigrateAgainAsync(TestNode via, TestNode to) => UntilAsync(
        async () =>
        {
            try
            {
                return await PassAsync(MigrateAsync(via, to)) is not null;
            }
            catch (VniException e) when (e.Code == ErrorCodes.Busy)
            {
                return false;
            }
        },
        "the way to be free");

    /// <summary>The first thing on which registry and nodes do not agree, or that is under way, or left of what was.</summary>
    private async Task<string?> LookAsync()
    {
        var states = (await Nodes[0].RangeAsync(Keys.Applications)).Select(RegistryJson.Application).ToList();
        var owners = (await Nodes[0].RangeAsync(Keys.Owners)).ToDictionary(pair => pair.Key[Keys.Owners.Length..], StringComparer.Ordinal);
        var members = (await Nodes[0].RangeAsync(Keys.Members)).ToDictionary(pair => pair.Key[Keys.Members.Length..], StringComparer.Ordinal);
        var problem = states.Select(state => Judge(state, owners.GetValueOrDefault(state.Aid.Value), members)).FirstOrDefault(found => found is not null);
        if (problem is not null) return problem;
        if (owners.Keys.Except(states.Select(state => state.Aid.Value), StringComparer.Ordinal).FirstOrDefault() is { } orphan) return $"{orphan} is owned and does not exist";
        var snapshots = await Nodes[0].SnapshotsAsync();
        foreach (var node in Nodes.Where(node => !_off.Contains(node)))
        {
            lock (node.Kernel.Gate)
            {
                var name = node.Settings.Node;
                if (node.Kernel.GuardFired) return $"the guard of {name} has fired";
                foreach (var (aid, instance) in node.Kernel.Instances.Where(pair => !states.Any(state => state.Aid == pair.Key && state.Node == name)))
                {
                    if (instance is not { Processes: FakeProcesses.None, Port: FakePort.None, Layer: false })
                        return $"{name} still has something of {aid}: {instance.Processes}, {instance.Port}, layer {instance.Layer}";
                }

                if (node.Kernel.Snapshots.Keys.FirstOrDefault(id => !snapshots.Any(snapshot => snapshot.Id == id && snapshot.Holders.Contains(name))) is { } file)
                    return $"{name} still has snapshot {file}";
                if (snapshots.FirstOrDefault(snapshot => snapshot.Holders.Contains(name) && !node.Kernel.Snapshots.ContainsKey(snapshot.Id)) is { } missing)
                    return $"{name} does not have snapshot {missing.Id}";
            }
        }

        return null;
    }

    private string? Judge(ApplicationState state, KeyValue? owner, Dictionary<string, KeyValue> members)
    {
        var (aid, node) = (state.Aid, Nodes.Single(node => node.Settings.Node == state.Node));
        if (state is { PendingSnapshot: not null } or { Former: not null }) return $"something is under way with {aid}: {state}";
        if (state.HandOff is not null && state.Status != ApplicationStatus.Lost) return $"a hand-off of {aid} is left";
        var instance = node.Kernel.Instances.GetValueOrDefault(aid) ?? new FakeInstance();
        var is_ = (instance.Processes, instance.Port, instance.Fenced);
        switch (state.Status)
        {
            case ApplicationStatus.Running when _off.Contains(node):
                return $"{aid} is to run on {state.Node}, which is off";
            case ApplicationStatus.Running:
                if (is_ != (FakeProcesses.Running, FakePort.Plugged, false) || !state.Resumed) return $"{aid} is running on {state.Node}, and there it is {is_}";
                if (owner is null || RegistryJson.Owner(owner) != new OwnerRecord(state.Node, state.Epoch)) return $"{aid} runs and its owner record does not say so";
                return owner.Lease == members.GetValueOrDefault(state.Node)?.Lease ? null : $"the owner record of {aid} hangs on another lease";
            case ApplicationStatus.Dormant or ApplicationStatus.Stopped or ApplicationStatus.Lost when owner is not null:
                return $"{aid} is {state.Status} and owned";
            case ApplicationStatus.Dormant:
                return state.Snapshot is null || (!_off.Contains(node) && is_ != (FakeProcesses.None, FakePort.Parked, false)) ? $"{aid} is dormant with snapshot {state.Snapshot}, and {is_}" : null;
            case ApplicationStatus.Stopped:
                return !_off.Contains(node) && is_ != (FakeProcesses.None, FakePort.None, false) ? $"{aid} is stopped, and {is_}" : null;
            case ApplicationStatus.Lost:
                return null;
            default:
                return $"{aid} rests in {state.Status}";
        }
    }

    /// <summary>Moves the clock, but not past a renewal that is still under way.</summary>
    private async Task TickAsync()
    {
        Time.Advance(Tick);
        await Task.Delay(TimeSpan.FromMilliseconds(2), TimeProvider.System);
        using var limit = new CancellationTokenSource(TimeSpan.FromMilliseconds(300), TimeProvider.System);
        while (!limit.IsCancellationRequested && Nodes.Any(IsLate)) await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System);
    }

    private bool IsLate(TestNode node)
    {
        if (_off.Contains(node) || node.Faults.Dead) return false;
        var ttl = node.Settings.LeaseTimeToLive;
        return node.Kernel.GuardFired || node.Kernel.GuardDue - Time.GetUtcNow() < (ttl * 0.85) - (ttl / 3) - TimeSpan.FromSeconds(1);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in Nodes) await node.DisposeAsync();
        await Registry.DisposeAsync();
    }
}
