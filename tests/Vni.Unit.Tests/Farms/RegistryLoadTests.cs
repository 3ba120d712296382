using System.Net;
using Vni.Actors.Applications;
using Vni.Actors.Identity;
using Vni.Actors.Messages;
using Vni.Actors.Nodes;
using Vni.Actors.Registry;
using Vni.Unit.Tests.Fakes;
using Xunit;
using Xunit.Abstractions;

namespace Vni.Unit.Tests.Farms;

/// <summary>Reading and changing an application costs the registry the same, whatever else is in the farm.</summary>
public sealed class RegistryLoadTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const int MostOperations = 16;
    private const int MostPairs = 80;

    private readonly CountingRegistry.Counts _counts = new();
    private TestFarm _farm = null!;
    private ApplicationState _pattern = null!;
    private int _filled;

    public async Task InitializeAsync()
    {
        _farm = await TestFarm.StartedAsync(
            nodes: 6,
            configure: settings => settings with { Addresses = new AddressRange(IPAddress.Parse("10.112.0.0"), 12, null) },
            wrap: registry => new CountingRegistry(registry, _counts));
        await _farm[3].RunAsync("pattern");
        _pattern = (await _farm.StateAsync("pattern"))!;
    }

    public async Task DisposeAsync() => await _farm.DisposeAsync();

    [Fact]
    public async Task It_is_constant_at_10_1000_and_100000_applications()
    {
        foreach (var (size, newcomer) in new[] { (10, 4), (1_000, 5), (100_000, 6) })
        {
            await FillAsync(size);
            foreach (var (what, cost) in await MeasureAsync($"app{size}", _farm[newcomer]))
            {
                output.WriteLine($"{size,7} {what,-24} {cost.Operations,3} operations {cost.Pairs,4} pairs");
                // What follows the operation behind its back, as the scheduler's look at an owner record that has gone, is counted too.
                Assert.InRange(cost.Operations, 1, MostOperations);
                Assert.InRange(cost.Pairs, 0, MostPairs);
            }
        }
    }

    private async Task<Dictionary<string, (int Operations, int Pairs)>> MeasureAsync(string name, TestNode newcomer)
    {
        var (aid, costs) = (Aid.Parse(name), new Dictionary<string, (int Operations, int Pairs)>());
        async Task CountAsync(string what, Func<Task> operation)
        {
            var before = _counts.Total;
            await operation().WaitAsync(TestNode.Limit);
            await _farm[1].UntilSyncedAsync(aid);
            var after = _counts.Total;
            costs[what] = (after.Operations - before.Operations, after.Pairs - before.Pairs);
        }

        await CountAsync("run", () => _farm[1].RunAsync(name));
        await CountAsync("a node's first run", () => newcomer.RunAsync($"first-{name}"));
        await CountAsync("run without a name", () => _farm[2].Service.RunAsync(TestNode.Declare(null), default));
        await CountAsync("view", () => _farm[1].Service.GetAsync(aid, default));
        await CountAsync("view from elsewhere", () => _farm[2].Service.GetAsync(aid, default));
        await CountAsync("events", async () =>
        {
            await foreach (var happened in _farm[2].Service.EventsAsync(aid, false, default)) Assert.NotEmpty(happened.Kind);
        });
        await CountAsync("stop from elsewhere", () => _farm[2].Service.StopAsync(aid, default, default));
        await CountAsync("start", () => _farm[1].Service.StartAsync(aid, default));
        await CountAsync("snapshot", () => _farm[1].Service.SnapshotAsync(aid, new SnapshotRequest(Sync: true), default));
        await CountAsync("restore", () => _farm[1].Service.RestoreAsync(aid, new RestoreRequest(), default));
        await CountAsync("migrate", () => _farm.MigrateAsync(_farm[1], _farm[2], name));
        await CountAsync("stop by a stale place", () => _farm[1].Service.StopAsync(aid, default, default));
        await CountAsync("remove", () => _farm[2].Service.RemoveAsync(aid, false, default));
        return costs;
    }

    /// <summary>Applications as they would be there, half of them running on the third node.</summary>
    private async Task FillAsync(int size)
    {
        const int PerTransaction = 24;
        var lease = (await _farm[1].RangeAsync(_farm.Keys.Member("n3")))[0].Lease;
        while (_filled < size)
        {
            var operations = new List<Operation>();
            for (var i = 0; i < PerTransaction && _filled < size; i++) Add(operations, _filled++, lease);
            await _farm.Registry.TransactAsync(new Transaction([], operations, []), default);
        }
    }

    private void Add(List<Operation> operations, int number, long lease)
    {
        var (aid, keys) = (Aid.Parse($"f{number:D6}"), _farm.Keys);
        var address = new IPAddress([10, (byte)(112 + (number >> 16)), (byte)(number >> 8), (byte)number]).ToString();
        var identity = _pattern.Identity with { Ip = address, Hostname = $"h{number}" };
        var holder = RegistryJson.Bytes(new HolderRecord(aid));
        var running = number % 2 == 0;
        operations.Add(new Operation.Put(keys.Application(aid), RegistryJson.Bytes(_pattern with { Aid = aid, Identity = identity, Status = running ? ApplicationStatus.Running : ApplicationStatus.Stopped })));
        operations.AddRange(new[] { keys.Aid(aid), keys.Address(address), keys.Hostname(identity.Hostname) }.Select(key => new Operation.Put(key, holder)));
        if (running) operations.Add(new Operation.Put(keys.Owner(aid), RegistryJson.Bytes(new OwnerRecord("n3", 1)), lease));
    }
}
