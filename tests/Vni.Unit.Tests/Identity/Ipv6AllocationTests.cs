using System.Net;
using System.Text;
using Vni.Actors;
using Vni.Actors.Applications;
using Vni.Actors.Identity;
using Vni.Actors.Nodes;
using Vni.Actors.Registry;
using Vni.Actors.Snapshots;
using Vni.Cluster.Registry.Sqlite;
using Vni.Unit.Tests.Fakes;
using Xunit;

namespace Vni.Unit.Tests.Identity;

/// <summary>IPv6 addresses: which there are, who gets which, and that they go with the rest of an identity.</summary>
public sealed class Ipv6AllocationTests : IAsyncLifetime
{
    private readonly ManualTimeProvider _time = new();
    private readonly RegistryKeys _keys = new("test");
    private SqliteRegistry _registry = null!;
    private NodeLease _lease = null!;

    public async Task InitializeAsync()
    {
        _registry = SqliteRegistry.Open(new() { Path = SqliteRegistryOptions.InMemory, Time = _time });
        _lease = new NodeLease(_registry, _keys, Settings(), _time);
        await _lease.EstablishAsync(new MemberRecord("n1", new PlatformFacts { Architecture = "x86_64", Kernel = "6", Criu = "4", CpuFeatures = [] }), default);
    }

    public async Task DisposeAsync()
    {
        _lease.Dispose();
        await _registry.DisposeAsync();
    }

    [Fact]
    public async Task Each_ipv4_address_brings_its_counterpart_along()
    {
        var state = await AllocateAsync("shop", "10.117.0.77");
        Assert.Equal(new VirtualIdentity("10.117.0.77", 24, "02:00:0a:75:00:4d", "vni-10-117-0-77") { Ip6 = "fd00:117::4d", PrefixLength6 = 64 }, state.Identity);
        Assert.Equal("fd00:117::4d", state.Declaration.Ip6);
        Assert.Equal(["10.117.0.77", "fd00:117::4d"], await AddressesAsync());
        Assert.Equal("fd00:117::2", (await AllocateAsync()).Identity.Ip6);
    }

    [Fact]
    public async Task A_given_one_is_taken_in_its_canonical_spelling()
    {
        Assert.Equal("fd00:117::abcd:5", (await AllocateAsync("shop", ip6: "FD00:0117:0:0:0:0:ABCD:0005")).Identity.Ip6);
        Assert.Contains("fd00:117::abcd:5", await AddressesAsync());
    }

    [Fact]
    public async Task Who_wants_none_or_whose_node_has_none_gets_none()
    {
        var wanted = await AllocateAsync("shop", ip6: "none");
        Assert.Equal((null, null, "none"), (wanted.Identity.Ip6, wanted.Identity.PrefixLength6, wanted.Declaration.Ip6));
        Assert.Null((await AllocateAsync("till", settings: Settings() with { Addresses6 = null })).Identity.Ip6);
        Assert.Equal(2, (await AddressesAsync()).Count);
    }

    [Fact]
    public async Task One_that_is_held_is_refused_with_its_holder_and_nothing_is_taken()
    {
        await AllocateAsync("first", "10.117.0.9", "fd00:117::4d");
        await RefusedAsync(ErrorCodes.AddressInUse, AllocateAsync("second", ip6: "fd00:117::4d"), "fd00:117::4d is held by application first");
        await RefusedAsync(ErrorCodes.AddressInUse, AllocateAsync("third", "10.117.0.77"), "fd00:117::4d, which goes with 10.117.0.77, is held by application first");
        Assert.Equal(["10.117.0.9", "fd00:117::4d"], await AddressesAsync());
        Assert.Single((await _registry.RangeAsync(KeyRange.Prefix(_keys.Applications), default)).Pairs);
    }

    [Fact]
    public async Task An_ipv4_address_whose_counterpart_is_held_is_passed_over()
    {
        await AllocateAsync("first", "10.117.0.9", "fd00:117::2");
        Assert.Equal(("10.117.0.3", "fd00:117::3"), await PairAsync());
    }

    [Fact]
    public async Task An_ipv4_address_whose_counterpart_is_the_bridges_is_passed_over_unless_it_was_given()
    {
        var settings = Settings() with { Addresses6 = new AddressRange6(IPAddress.Parse("fd00:117::"), 64, IPAddress.Parse("fd00:117::2")) };
        Assert.Equal(("10.117.0.3", "fd00:117::3"), await PairAsync(settings));
        await RefusedAsync(ErrorCodes.AddressOutOfRange, AllocateAsync("given", "10.117.0.2", settings: settings), "fd00:117::2 cannot be used: it is the node's own");
    }

    [Theory]
    [InlineData("fd00:118::5", "outside of the range fd00:117::/64")]
    [InlineData("fd00:117::", "the address of all routers")]
    [InlineData("fd00:117::1", "the node's own address")]
    public async Task One_that_applications_cannot_have_is_refused(string ip6, string because) =>
        await RefusedAsync(ErrorCodes.AddressOutOfRange, AllocateAsync("shop", ip6: ip6), because);

    [Fact]
    public async Task Asking_for_one_where_there_are_none_is_refused() =>
        await RefusedAsync(ErrorCodes.AddressOutOfRange, AllocateAsync("shop", ip6: "fd00:117::5", settings: Settings() with { Addresses6 = null }), "network.subnet6");

    [Fact]
    public async Task It_is_released_with_the_rest()
    {
        var settings = Settings();
        var made = await new IdentityAllocator(_registry, _keys, _lease, settings, _time, new Random(1)).AllocateAsync(TestNode.Declare(), default);
        await new ApplicationStore(_registry, _keys, _lease, settings, _time).RemoveAsync(made, default);
        Assert.Empty(await AddressesAsync());
    }

    [Fact]
    public void A_part_of_the_subnet_has_counterparts_of_its_own()
    {
        var (four, part) = (new AddressRange(IPAddress.Parse("10.117.0.0"), 16, null), (IPAddress.Parse("fd00:117::1:0"), IPAddress.Parse("fd00:117::1:ffff")));
        var six = new AddressRange6(IPAddress.Parse("fd00:117::"), 64, null, part);
        Assert.Equal("fd00:117::1:105", six.Counterpart(IPAddress.Parse("10.117.1.5"), four).ToString());
        Assert.Contains("the rest belongs to others", six.WhyNot(IPAddress.Parse("fd00:117::200")), StringComparison.Ordinal);
        Assert.True(six.Covers(16));
        Assert.False(six.Covers(15));
    }

    [Fact]
    public void A_record_of_before_is_read_as_one_without()
    {
        const string Record = """{"ip":"10.117.0.5","prefixLength":16,"mac":"02:00:0a:75:00:05","hostname":"web"}""";
        var state = new ApplicationState
        {
            Aid = Aid.Parse("web"), Declaration = TestNode.Declare("web"), Identity = new VirtualIdentity("10.117.0.5", 16, "02:00:0a:75:00:05", "web"),
            Status = ApplicationStatus.Stopped, Node = "n1", Epoch = 1, Created = default, Changed = default, NextEvent = 1,
        };
        var text = Encoding.UTF8.GetString(RegistryJson.Bytes(state).Span).Replace(""","ip6":null,"prefixLength6":null""", "", StringComparison.Ordinal).Replace("\"ip6\":null,", "", StringComparison.Ordinal);
        Assert.Contains(Record, text);
        Assert.DoesNotContain("ip6", text);
        Assert.Equal(state.Identity, RegistryJson.Application(new KeyValue("k", Encoding.UTF8.GetBytes(text), 1, 1, 1, 0)).Identity);
    }

    [Theory]
    [InlineData("fd00::1", true)]
    [InlineData("2001:db8::1", true)]
    [InlineData("fe80::1", false)]
    [InlineData("::1", false)]
    [InlineData("ff02::1", false)]
    [InlineData("::ffff:a75:5", false)]
    public void Subnets_are_of_addresses_that_hosts_have(string address, bool unicast) => Assert.Equal(unicast, Ipv6.IsUnicast(IPAddress.Parse(address)));

    private static NodeSettings Settings() => new()
    {
        Node = "n1",
        Addresses = new AddressRange(IPAddress.Parse("10.117.0.0"), 24, IPAddress.Parse("10.117.0.1")),
        Addresses6 = new AddressRange6(IPAddress.Parse("fd00:117::"), 64, IPAddress.Parse("fd00:117::1")),
    };

    private async Task<ApplicationState> AllocateAsync(string? name = null, string? ip = null, string? ip6 = null, NodeSettings? settings = null) =>
        (await new IdentityAllocator(_registry, _keys, _lease, settings ?? Settings(), _time, new Random(1)).AllocateAsync(TestNode.Declare(name, ip) with { Ip6 = ip6 }, default)).State;

    private async Task<(string Ip, string? Ip6)> PairAsync(NodeSettings? settings = null) => await AllocateAsync(settings: settings) is var state ? (state.Identity.Ip, state.Identity.Ip6) : default;

    private async Task<List<string>> AddressesAsync() =>
        [.. (await _registry.RangeAsync(KeyRange.Prefix(_keys.Addresses), default)).Pairs.Select(pair => pair.Key[_keys.Addresses.Length..])];

    private static async Task RefusedAsync(string code, Task task, string part)
    {
        var e = await Assert.ThrowsAsync<VniException>(() => task);
        Assert.Equal(code, e.Code);
        Assert.Contains(part, e.Message);
    }
}
