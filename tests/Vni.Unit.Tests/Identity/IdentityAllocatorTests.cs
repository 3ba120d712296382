using System.Net;
using FsCheck;
using FsCheck.Fluent;
using Vni.Actors;
using Vni.Actors.Applications;
using Vni.Actors.Identity;
using Vni.Actors.Messages;
using Vni.Actors.Nodes;
using Vni.Actors.Registry;
using Vni.Actors.Snapshots;
using Vni.Cluster.Registry.Sqlite;
using Vni.Unit.Tests.Fakes;
using Xunit;

namespace Vni.Unit.Tests.Identity;

public sealed class IdentityAllocatorTests : IAsyncLifetime
{
    private readonly ManualTimeProvider _time = new();
    private readonly RegistryKeys _keys = new("test");
    private readonly Faults _faults = new();
    private SqliteRegistry _store = null!;
    private FaultyRegistry _registry = null!;
    private NodeLease _lease = null!;

    public async Task InitializeAsync()
    {
        _store = SqliteRegistry.Open(new() { Path = SqliteRegistryOptions.InMemory, Time = _time });
        _registry = new FaultyRegistry(_store, _faults);
        _lease = new NodeLease(_registry, _keys, Settings(24), _time);
        await _lease.EstablishAsync(new MemberRecord("n1", new PlatformFacts { Architecture = "x86_64", Kernel = "6", Criu = "4", CpuFeatures = [] }), default);
    }

    public async Task DisposeAsync()
    {
        _lease.Dispose();
        await _store.DisposeAsync();
    }

    private static NodeSettings Settings(int bits) => new() { Node = "n1", Addresses = new AddressRange(IPAddress.Parse("10.117.0.0"), bits, IPAddress.Parse("10.117.0.1")) };

    private IdentityAllocator Allocator(int bits = 24, int seed = 1) => new(_registry, _keys, _lease, Settings(bits), _time, new Random(seed));

    private ApplicationStore Store() => new(_registry, _keys, _lease, Settings(24), _time);

    private static Task<StoredApplication> Allocate(IdentityAllocator allocator, string? name = null, string? ip = null, string? hostname = null) =>
        allocator.AllocateAsync(TestNode.Declare(name, ip, hostname), default);

    private static async Task RefusedAsync(string code, Task task, params string[] parts)
    {
        var e = await Assert.ThrowsAsync<VniException>(() => task);
        Assert.Equal(code, e.Code);
        foreach (var part in parts) Assert.Contains(part, e.Message);
    }

    [Fact]
    public async Task Given_parts_are_taken_and_the_rest_is_derived()
    {
        var all = (await Allocate(Allocator(), "shop", "10.117.0.77", "till")).State;
        Assert.Equal(new VirtualIdentity("10.117.0.77", 24, "02:00:0a:75:00:4d", "till"), all.Identity);
        var none = (await Allocate(Allocator())).State;
        Assert.StartsWith("program-", none.Aid.Value);
        Assert.Equal(("10.117.0.2", "vni-10-117-0-2"), (none.Identity.Ip, none.Identity.Hostname));
        Assert.Equal((none.Aid.Value, none.Identity.Ip, none.Identity.Hostname), (none.Declaration.Name, none.Declaration.Ip, none.Declaration.Hostname));
        Assert.Equal((ApplicationStatus.Starting, 1L, "n1"), (none.Status, none.Epoch, none.Node));
    }

    [Fact]
    public async Task Everything_is_written_in_one_transaction_with_the_holder_as_value()
    {
        var stored = await Allocate(Allocator(), "shop", "10.117.0.77", "till");
        string[] expected = ["addresses/10.117.0.77", "aids/shop", "applications/shop", "events/shop/000000000001", "hostnames/till", "owners/shop"];
        var pairs = (await _store.RangeAsync(KeyRange.Prefix(_keys.Root), default)).Pairs.Where(p => p.ModRevision == stored.Revision).ToList();
        Assert.Equal(expected, pairs.Select(p => p.Key[_keys.Root.Length..]));
        foreach (var pair in pairs.Where(p => p.Key.Contains("/addresses/") || p.Key.Contains("/aids/") || p.Key.Contains("/hostnames/")))
            Assert.Equal(new HolderRecord(Aid.Parse("shop")), RegistryJson.Holder(pair));
        Assert.Equal(_lease.Id, pairs[^1].Lease);
        Assert.Equal("created", RegistryJson.Event(pairs[3]).Kind);
    }

    [Fact]
    public async Task A_conflict_names_the_holder_and_allocates_nothing()
    {
        var allocator = Allocator();
        await Allocate(allocator, "shop", "10.117.0.5", "till");
        var before = (await _store.RangeAsync(KeyRange.Prefix(_keys.Root), default)).Revision;
        await RefusedAsync(ErrorCodes.NameInUse, Allocate(allocator, "shop"), "shop exists already", "starting on node n1");
        await RefusedAsync(ErrorCodes.AddressInUse, Allocate(allocator, "other", "10.117.0.5"), "10.117.0.5 is held by application shop");
        await RefusedAsync(ErrorCodes.HostnameInUse, Allocate(allocator, "other", null, "till"), "till is held by application shop");
        await RefusedAsync(ErrorCodes.AddressOutOfRange, Allocate(allocator, "other", "10.118.0.5"), "outside of the range 10.117.0.0/24");
        await RefusedAsync(ErrorCodes.AddressOutOfRange, Allocate(allocator, "other", "10.117.0.1"), "node's own");
        await RefusedAsync(ErrorCodes.AddressOutOfRange, Allocate(allocator, "other", "10.117.0.0"), "network address");
        Assert.Equal(before, (await _store.RangeAsync(KeyRange.Prefix(_keys.Root), default)).Revision);
    }

    [Fact]
    public async Task A_derived_hostname_that_somebody_holds_is_avoided_or_refused()
    {
        var allocator = Allocator(29);
        await Allocate(allocator, "thief", "10.117.0.6", "vni-10-117-0-2");
        Assert.Equal("10.117.0.3", (await Allocate(allocator)).State.Identity.Ip);
        await RefusedAsync(ErrorCodes.HostnameInUse, Allocate(allocator, "other", "10.117.0.2"), "vni-10-117-0-2 is held by application thief");
        await Allocate(allocator);
        await Allocate(allocator);
        await RefusedAsync(ErrorCodes.RangeExhausted, Allocate(allocator), "10.117.0.0/29");
    }

    [Fact]
    public async Task A_range_is_used_to_its_last_address_and_then_exhausted()
    {
        var allocator = Allocator(29);
        var made = new List<StoredApplication>();
        for (var i = 0; i < 5; i++) made.Add(await Allocate(allocator));
        Assert.Equal(5, made.Select(m => m.State.Identity.Ip).Distinct().Count());
        await RefusedAsync(ErrorCodes.RangeExhausted, Allocate(allocator), "all 5 are held");
        await Store().RemoveAsync(made[2], default);
        Assert.Equal(made[2].State.Identity.Ip, (await Allocate(allocator)).State.Identity.Ip);
    }

    [Fact]
    public async Task Usually_one_operation_is_enough()
    {
        var allocator = Allocator();
        await Allocate(allocator);
        var before = _faults.Snapshot().Count;
        for (var i = 0; i < 20; i++) await Allocate(allocator);
        Assert.All(_faults.Snapshot().Skip(before), step => Assert.True(step is "write" or "written"));
        Assert.Equal(40, _faults.Snapshot().Count - before);
    }

    [Fact]
    public async Task Many_at_once_on_two_nodes_get_an_address_each()
    {
        var (a, b) = (Allocator(seed: 1), Allocator(seed: 2));
        var made = await Task.WhenAll(Enumerable.Range(0, 100).Select(i => Allocate(i % 2 == 0 ? a : b)));
        Assert.Equal(100, made.Select(m => m.State.Identity.Ip).Distinct().Count());
        Assert.Equal(100, made.Select(m => m.State.Aid).Distinct().Count());
    }

    [Fact]
    public async Task Of_many_that_want_the_same_name_one_gets_it()
    {
        var allocator = Allocator();
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 20).Select(async _ =>
        {
            try
            {
                return (await Allocate(allocator, "shop")).State.Identity.Ip;
            }
            catch (VniException e)
            {
                return e.Code;
            }
        }));
        Assert.Single(outcomes, o => o != ErrorCodes.NameInUse);
        Assert.Single((await _store.RangeAsync(KeyRange.Prefix(_keys.Addresses), default)).Pairs);
    }

    [Fact]
    public async Task An_allocation_that_was_applied_but_not_acknowledged_counts_once()
    {
        var allocator = Allocator();
        _faults.FailOnceAt("written", () => new RegistryUnavailableException("connection lost"));
        Assert.Equal("shop", (await Allocate(allocator, "shop")).State.Aid.Value);
        _faults.FailOnceAt("write", () => new RegistryUnavailableException("disk full"));
        await Assert.ThrowsAsync<RegistryUnavailableException>(() => Allocate(allocator, "other"));
        Assert.Single((await _store.RangeAsync(KeyRange.Prefix(_keys.Addresses), default)).Pairs);
    }

    [Fact]
    public async Task A_lost_lease_is_replaced_on_the_way()
    {
        await _store.RevokeLeaseAsync(_lease.Id, default);
        var stored = await Allocate(Allocator(), "shop");
        var owner = Assert.Single((await _store.RangeAsync(new KeyRange(_keys.Owner(stored.State.Aid)), default)).Pairs);
        Assert.Equal(_lease.Id, owner.Lease);
    }

    /// <summary>Allocations, given or generated, and releases in any order.</summary>
    [Fact]
    public void Whatever_the_order_names_addresses_and_hostnames_stay_one_to_one() =>
        Prop.ForAll<List<byte>>(ArbMap.Default.ArbFor<List<byte>>(), script =>
        {
            CheckAsync(script).WaitAsync(TestNode.Limit).GetAwaiter().GetResult();
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(40));

    private async Task CheckAsync(List<byte> script)
    {
        await using var store = SqliteRegistry.Open(new() { Path = SqliteRegistryOptions.InMemory, Time = _time });
        using var lease = new NodeLease(store, _keys, Settings(28), _time);
        await lease.EstablishAsync(new MemberRecord("n1", new PlatformFacts { Architecture = "x86_64", Kernel = "6", Criu = "4", CpuFeatures = [] }), default);
        var allocator = new IdentityAllocator(store, _keys, lease, Settings(28), _time, new Random(7));
        var applications = new ApplicationStore(store, _keys, lease, Settings(28), _time);
        var held = new List<StoredApplication>();
        foreach (var move in script)
        {
            if (move % 3 == 0 && held.Count > 0)
            {
                var gone = held[move % held.Count];
                held.Remove(gone);
                await applications.RemoveAsync(gone, default);
            }
            else
            {
                var name = move % 5 == 1 ? $"app{move % 7}" : null;
                var ip = move % 4 == 1 ? $"10.117.0.{2 + (move % 14)}" : null;
                var hostname = move % 7 == 2 ? $"vni-10-117-0-{2 + (move % 9)}" : null;
                try
                {
                    held.Add(await Allocate(allocator, name, ip, hostname));
                }
                catch (VniException e) when (e.Code is ErrorCodes.NameInUse or ErrorCodes.AddressInUse or ErrorCodes.HostnameInUse or ErrorCodes.RangeExhausted or ErrorCodes.AddressOutOfRange)
                {
                    if (e.Code == ErrorCodes.NameInUse) Assert.Contains(held, h => h.State.Aid.Value == name);
                    if (e.Code == ErrorCodes.AddressInUse) Assert.Contains(held, h => h.State.Identity.Ip == ip);
                }
            }

            await AssertOneToOneAsync(store, held);
        }
    }

    private async Task AssertOneToOneAsync(SqliteRegistry store, List<StoredApplication> held)
    {
        async Task<Dictionary<string, string>> HoldersAsync(string prefix) => (await store.RangeAsync(KeyRange.Prefix(prefix), default)).Pairs
            .ToDictionary(pair => RegistryJson.Holder(pair).Aid.Value, pair => pair.Key[prefix.Length..]); // Twice the same holder throws.

        Assert.Equal(held.ToDictionary(h => h.State.Aid.Value, h => h.State.Identity.Ip), await HoldersAsync(_keys.Addresses));
        Assert.Equal(held.ToDictionary(h => h.State.Aid.Value, h => h.State.Identity.Hostname), await HoldersAsync(_keys.Hostnames));
        Assert.Equal(held.ToDictionary(h => h.State.Aid.Value, h => h.State.Aid.Value), await HoldersAsync(_keys.Aids));
    }
}
