using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Vni.Actors.Applications;
using Vni.Actors.Farms;
using Vni.Actors.Identity;
using Vni.Actors.Kernel;
using Vni.Actors.Messages;
using Vni.Actors.Messaging;
using Vni.Actors.Nodes;
using Vni.Actors.Registry;
using Vni.Actors.Snapshots;
using Vni.Cluster.Registry.Sqlite;
using Xunit;

namespace Vni.Unit.Tests.Fakes;

/// <summary>A node with one daemon at a time: registry, kernel and clock outlive it.</summary>
internal sealed class TestNode : IAsyncDisposable
{
    public const string Name = "n1";

    /// <summary>Time after which a test is stuck.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly SqliteRegistry _registry;
    private readonly TestFarm? _farm;
    private ActorSystem? _system;

    public TestNode()
    {
        _registry = SqliteRegistry.Open(new() { Path = SqliteRegistryOptions.InMemory, Time = Time });
        Settings = new NodeSettings { Node = Name, SyncDelay = TimeSpan.Zero, Addresses = new AddressRange(IPAddress.Parse("10.117.0.0"), 24, IPAddress.Parse("10.117.0.1")) };
    }

    /// <summary>A node among others, with which it shares registry, clock and wires.</summary>
    public TestNode(TestFarm farm, NodeSettings settings) => (_farm, _registry, Time, Peers, Settings) = (farm, farm.Registry, farm.Time, farm.Peers, settings);

    public ManualTimeProvider Time { get; } = new();

    public IRegistry Registry => _registry;

    public RegistryKeys Keys { get; } = new("test");

    public FakeKernel Kernel { get; } = new();

    public NodeSettings Settings { get; set; }

    public Faults Faults { get; private set; } = new();

    public FakeInterposer Interposer { get; private set; } = null!;

    public ApplicationService Service { get; private set; } = null!;

    public MemberDirectory Members { get; private set; } = null!;

    public FarmService Farm { get; private set; } = null!;

    public FakePeers Peers { get; } = new();

    public static async Task<TestNode> StartedAsync()
    {
        var node = new TestNode();
        await node.StartDaemonAsync();
        return node;
    }

    public void CreateDaemon()
    {
        Faults = new Faults();
        Interposer = new FakeInterposer(Kernel, Faults, Time, Settings.Node);
        _system = new ActorSystem(Time, NullLogger<ActorSystem>.Instance);
        var registry = _farm?.Wrap(new FaultyRegistry(_registry, Faults)) ?? new FaultyRegistry(_registry, Faults);
        var dispatcher = new PeerDispatcher("test", Settings.Node, Time, NullLogger<PeerDispatcher>.Instance);
        Members = new MemberDirectory(registry, Keys, Settings, Time, NullLogger.Instance);
        var ports = new NodePorts(Interposer, Interposer, Interposer, Interposer, Interposer, Peers.Connect(dispatcher, Faults, Time), dispatcher);
        Service = new ApplicationService(_system, registry, Keys, ports, Members, Settings, Time, NullLogger<ApplicationService>.Instance);
        Farm = new FarmService(_system, registry, _registry, Keys, "test", [], Service, Members, ports.Messenger, Settings, Time);
    }

    public async Task StartDaemonAsync()
    {
        CreateDaemon();
        await Service.StartAsync(CancellationToken.None).WaitAsync(Limit);
    }

    /// <summary>SIGKILL: nothing of it has an effect any more.</summary>
    public async Task KillDaemonAsync()
    {
        Faults.Die();
        if (_system is not null) await _system.DisposeAsync().AsTask().WaitAsync(Limit);
        Kernel.DaemonDied();
    }

    public async Task RestartDaemonAsync()
    {
        await KillDaemonAsync();
        await StartDaemonAsync();
    }

    public static ApplicationDeclaration Declare(string? name = "shop", string? ip = null, string? hostname = null) =>
        new() { Name = name, Ip = ip, Hostname = hostname, Processes = [new ProcessDeclaration { Command = ["/usr/bin/program"] }] };

    public Task<ApplicationView> RunAsync(string name = "shop") => Service.RunAsync(Declare(name), CancellationToken.None).WaitAsync(Limit);

    public async Task<ApplicationState?> StateAsync(string aid = "shop")
    {
        var pairs = (await _registry.RangeAsync(new KeyRange(Keys.Application(Aid.Parse(aid))), CancellationToken.None)).Pairs;
        return pairs is [var pair] ? RegistryJson.Application(pair) : null;
    }

    public async Task<IReadOnlyList<ApplicationEvent>> EventsAsync(string aid = "shop") =>
        [.. (await RangeAsync(Keys.Events(Aid.Parse(aid)))).Select(RegistryJson.Event)];

    public async Task<IReadOnlyList<SnapshotRecord>> SnapshotsAsync() => [.. (await RangeAsync(Keys.Snapshots)).Select(RegistryJson.Snapshot)];

    public async Task<IReadOnlyList<KeyValue>> RangeAsync(string prefix) =>
        (await _registry.RangeAsync(KeyRange.Prefix(prefix), CancellationToken.None)).Pairs;

    /// <summary>Writes a state as a former daemon would have left it.</summary>
    public async Task PutStateAsync(ApplicationState state) => await _registry.TransactAsync(
        new Transaction([], [new Operation.Put(Keys.Application(state.Aid), RegistryJson.Bytes(state))], []), CancellationToken.None);

    /// <summary>Waits until a condition holds.</summary>
    public static async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        using var limit = new CancellationTokenSource(Limit, TimeProvider.System);
        while (!await condition())
        {
            Assert.False(limit.IsCancellationRequested, $"still waiting: {what}");
            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System);
        }
    }

    /// <summary>Lets the clock run until a task has ended.</summary>
    public async Task<T> AdvanceUntilAsync<T>(Task<T> task)
    {
        await UntilAsync(
            () =>
            {
                if (!task.IsCompleted) Time.Advance(TimeSpan.FromMilliseconds(500));
                return Task.FromResult(task.IsCompleted);
            },
            "the task to end");
        return await task;
    }

    /// <summary>Waits until every snapshot is durable and none is to be deleted, or the daemon has died.</summary>
    public Task UntilSettledAsync() => UntilAsync(
        async () =>
        {
            if (Faults.Dead) return true;
            var snapshots = await SnapshotsAsync();
            lock (Kernel.Gate)
            {
                return snapshots.All(snapshot => snapshot.Durable)
                    && snapshots.GroupBy(snapshot => snapshot.Aid).All(group => group.Count() <= Settings.KeepSnapshots)
                    && snapshots.Count == Kernel.Snapshots.Count;
            }
        },
        "snapshots to be durable");

    /// <summary>Waits until what follows a snapshot of an application behind its back is over.</summary>
    public Task UntilSyncedAsync(Aid aid) => UntilAsync(
        async () => (await SnapshotsAsync()).Where(snapshot => snapshot.Aid == aid).All(snapshot => snapshot.Durable), "the snapshots to be durable");

    /// <summary>
    /// What must hold whenever no operation is under way: registry and node agree, every application is in a resting
    /// state, and nothing is there that no application answers for.
    /// </summary>
    public async Task CheckInvariantsAsync()
    {
        Assert.Empty(Kernel.Violations);
        var states = (await RangeAsync(Keys.Applications)).Select(RegistryJson.Application).ToList();
        var snapshots = await SnapshotsAsync();
        foreach (var state in states)
        {
            var instance = Kernel.Instances.GetValueOrDefault(state.Aid) ?? new FakeInstance();
            switch (state.Status)
            {
                case ApplicationStatus.Running:
                    Assert.Equal((FakeProcesses.Running, FakePort.Plugged, true), (instance.Processes, instance.Port, state.Resumed));
                    Assert.Equal(instance.Joined, state.Joined.Select(joined => joined.Name));
                    break;
                case ApplicationStatus.Dormant:
                    Assert.Equal((FakeProcesses.None, FakePort.Parked), (instance.Processes, instance.Port));
                    Assert.NotNull(state.Snapshot);
                    break;
                case ApplicationStatus.Stopped:
                    Assert.Equal((FakeProcesses.None, FakePort.None), (instance.Processes, instance.Port));
                    break;
                default:
                    Assert.Fail($"{state.Aid} rests in {state.Status}");
                    break;
            }

            Assert.Null(state.PendingSnapshot);
            Assert.Null(state.Former);
            Assert.Equal(snapshots.Where(s => s.Aid == state.Aid).Select(s => s.Id).Max(StringComparer.Ordinal), state.Snapshot);
            var numbers = (await EventsAsync(state.Aid.Value)).Select(e => e.Number).ToList();
            Assert.Equal(Enumerable.Range(1, (int)state.NextEvent - 1).Select(n => (long)n).TakeLast(256), numbers);
        }

        IReadOnlyList<string> Sorted(IEnumerable<string> names) => [.. names.Order(StringComparer.Ordinal)];
        async Task<IReadOnlyList<string>> NamesAsync(string prefix) => Sorted((await RangeAsync(prefix)).Select(pair => pair.Key[prefix.Length..]));
        Assert.Equal(Sorted(states.Select(s => s.Aid.Value)), await NamesAsync(Keys.Aids));
        Assert.Equal(Sorted(states.Select(s => s.Identity.Ip)), await NamesAsync(Keys.Addresses));
        Assert.Equal(Sorted(states.Select(s => s.Identity.Hostname)), await NamesAsync(Keys.Hostnames));
        Assert.Equal(Sorted(states.Where(s => s.Status == ApplicationStatus.Running).Select(s => s.Aid.Value)), await NamesAsync(Keys.Owners));
        Assert.Equal(Sorted(Kernel.Snapshots.Keys), Sorted(snapshots.Select(s => s.Id)));
        Assert.All(Kernel.Snapshots.Values, snapshot => Assert.True(snapshot.Complete));
        Assert.Subset(states.Select(s => s.Aid).ToHashSet(), Kernel.Instances.Keys.ToHashSet());
        Assert.Subset(states.Select(s => s.Aid).ToHashSet(), snapshots.Select(s => s.Aid).ToHashSet());
        var eventsOf = (await RangeAsync($"{Keys.Root}events/")).Select(pair => pair.Key[(Keys.Root.Length + 7)..].Split('/')[0]).Distinct();
        Assert.Subset(states.Select(s => s.Aid.Value).ToHashSet(), eventsOf.ToHashSet());
        var resourcesOf = (await RangeAsync($"{Keys.Root}resources/")).Select(pair => pair.Key[(Keys.Root.Length + 10)..].Split('/')[0]).Distinct();
        Assert.Subset(states.Select(s => s.Aid.Value).ToHashSet(), resourcesOf.ToHashSet());
    }

    public async ValueTask DisposeAsync()
    {
        await KillDaemonAsync();
        if (_farm is null) await _registry.DisposeAsync();
    }
}
