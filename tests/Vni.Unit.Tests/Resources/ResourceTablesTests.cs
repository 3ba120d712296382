using System.Text.Json;
using Vni.Actors;
using Vni.Actors.Identity;
using Vni.Actors.Messages;
using Vni.Actors.Resources;
using Vni.Interposer.Resources;
using Xunit;

namespace Vni.Unit.Tests.Resources;

public sealed class ResourceTablesTests
{
    private static readonly Aid Shop = Aid.Parse("shop");
    private static readonly DateTimeOffset Noon = new(2030, 1, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_restore_keeps_virtual_id_and_time_and_binds_anew()
    {
        var tables = new ResourceTables(Shop);
        Assert.True(tables.Refresh("n1", "100", [Process("1", "100"), Process("2", "101")], Noon));
        Assert.False(tables.Refresh("n1", "100", [Process("1", "100"), Process("2", "101")], Noon.AddHours(1)));
        tables.Unbind();
        Assert.All(tables.Entries, entry => Assert.Equal((null, null, Noon), (entry.Node, entry.System, entry.Since)));
        Assert.True(tables.Refresh("n2", "300", [Process("1", "300"), Process("2", "301")], Noon.AddHours(2)));
        Assert.Equal(("n2", "301", Noon), tables[ResourceType.Process].Find("2") is var entry ? (entry.Node, entry.System, entry.Since) : default);
        Assert.Equal("2", tables[ResourceType.Process].Find("n2", "301").Virtual);
        Assert.False(tables[ResourceType.Process].TryFind("n1", "101", out _));
    }

    [Fact]
    public void A_pid_that_another_process_has_got_is_another_resource()
    {
        var tables = new ResourceTables(Shop);
        tables.Refresh("n1", "100", [Process("2", "101")], Noon);
        tables.Refresh("n1", "100", [Process("2", "207")], Noon.AddHours(1));
        Assert.Equal(Noon.AddHours(1), tables[ResourceType.Process].Find("2").Since);
    }

    [Fact]
    public void A_rule_comes_before_the_default_disposition()
    {
        var tables = new ResourceTables(Shop);
        tables.Refresh("n1", "100", [Listener("0.0.0.0:80", "socket:[1]"), Listener("0.0.0.0:81", "socket:[2]"), Process("1", "100")], Noon, (type, id) => id == "0.0.0.0:80" ? ResourceDisposition.Share : null);
        Assert.Equal(
            [ResourceDisposition.Share, ResourceDisposition.Multiplex],
            new[] { "0.0.0.0:80", "0.0.0.0:81" }.Select(id => tables[ResourceType.Tcp].Find(id).Disposition));
        Assert.Equal(ResourceDisposition.Virtualize, tables[ResourceType.Process].Find("1").Disposition);
    }

    [Theory]
    [InlineData("10.117.0.5:80", "did you mean '0.0.0.0:80', which stands for all addresses?")]
    [InlineData("10.117.0.5:81", "did you mean '[::]:81', which stands for all addresses?")]
    [InlineData("[fd00:117::5]:81", "did you mean '[::]:81', which stands for all addresses?")]
    [InlineData("[fd00:117::5]:80", "'vni rids shop --type tcp' lists those it has")]
    [InlineData("10.117.0.5:82", "'vni rids shop --type tcp' lists those it has")]
    [InlineData("10.117.0.5:80-10.117.0.6:40000", "'vni rids shop --type tcp' lists those it has")]
    [InlineData("80", "'vni rids shop --type tcp' lists those it has")]
    public void A_server_on_all_addresses_is_suggested_to_who_asks_for_one_of_them(string id, string remedy)
    {
        var tables = new ResourceTables(Shop);
        tables.Refresh("n1", "100", [Listener("0.0.0.0:80", "socket:[1]"), Listener("[::]:81", "socket:[2]")], Noon);
        var e = Assert.Throws<VniException>(() => tables[ResourceType.Tcp].Find(id));
        Assert.Equal((ErrorCodes.UnknownResource, $"application shop has no tcp '{id}'; {remedy}"), (e.Code, e.Message));
    }

    [Fact]
    public void Every_difference_of_virtual_ids_is_named()
    {
        var before = new ResourceTable { Ids = VirtualIds.Of([Process("1", "100"), Process("2", "101"), Listener("0.0.0.0:80", "socket:[1]"), new(ResourceType.Pty, "/dev/pts/0", "x", 0)]) };
        var after = new ResourceTable { Ids = VirtualIds.Of([Process("1", "300"), Process("2", "301"), Listener("0.0.0.0:81", "socket:[7]"), new(ResourceType.Pty, "/dev/pts/0", "y", 0)]) };
        Assert.Equal(["tcp 0.0.0.0:80 is missing", "tcp 0.0.0.0:81 is new"], ResourceDifference.Between(before, after).Order());
        Assert.Empty(ResourceDifference.Between(before, before));
    }

    [Fact]
    public void A_manifest_of_old_is_compared_by_what_it_recorded()
    {
        var old = JsonSerializer.Deserialize("""{"processes":[],"semaphores":[{"id":5193,"key":0,"values":[7]}],"sharedMemory":[],"messageQueues":[]}""", VniJson.Default.ResourceTable)!;
        var now = new ResourceTable { Semaphores = [new SemaphoreResource(5193, 0, [7])], Ids = VirtualIds.Of([Listener("0.0.0.0:80", "socket:[1]")]) };
        Assert.Empty(ResourceDifference.Between(old, now));
        Assert.Contains("5193", Assert.Single(ResourceDifference.Between(old, now with { Semaphores = [new SemaphoreResource(5193, 0, [8])] })), StringComparison.Ordinal);
    }

    [Fact]
    public void Ids_survive_the_manifests_json()
    {
        var table = new ResourceTable { Ids = VirtualIds.Of([Process("2", "101"), new(ResourceType.UnixSocket, "@a/b \"c\"", "socket:[2]", 2)]) };
        var read = JsonSerializer.Deserialize(JsonSerializer.Serialize(table, VniJson.Default.ResourceTable), VniJson.Default.ResourceTable)!;
        Assert.Empty(ResourceDifference.Between(table, read));
        Assert.Equal(2, read.Ids!["unix-socket"]["@a/b \"c\""]);
    }

    [Fact]
    public void What_has_one_name_is_numbered()
    {
        var found = new FoundResources();
        foreach (var system in new[] { "1", "2", "3" }) found.Add(ResourceType.Udp, "0.0.0.0:53", system, 0);
        Assert.Equal(["0.0.0.0:53", "0.0.0.0:53#2", "0.0.0.0:53#3"], found.All.Select(r => r.Virtual));
    }

    [Fact]
    public void Mounts_and_interfaces_are_read_from_their_files()
    {
        var found = new FoundResources();
        InstanceFiles.AddMounts(found, "43 42 0:37 / / rw,relatime - overlay overlay rw\n47 43 0:41 / /dev/a\\040b rw shared:1 master:2 - tmpfs tmpfs rw\nshort\n");
        InstanceFiles.AddInterfaces(found, "Inter-|\n face |bytes\n    lo: 1 2\n tunl0: 0 0\n  eth0: 3 4\n", new InstanceOnNode(0, [], "vv0123", "/"));
        Assert.Equal([("/", "43", "overlay"), ("/dev/a b", "47", "tmpfs")], found.All.Where(r => r.Type == ResourceType.Mount).Select(r => (r.Virtual, r.System, r.Detail!)));
        Assert.Equal(["lo", "eth0"], found.All.Where(r => r.Type == ResourceType.Interface).Select(r => r.Virtual));
        Assert.Equal("vv0123", found.All[^1].System);
    }

    [Theory]
    [InlineData("12:memory:/vni-n1/shop\n0::/vni-n1/shop\n", "shop", false)]
    [InlineData("0::/vni-n1/shop.visitors\n", "shop", true)]
    [InlineData("0::/system.slice/vni-n1/shop\n", "shop", false)]
    [InlineData("0::/vni-n2/shop\n", null, false)]
    [InlineData("0::/vni-n1/criu.sessions\n", null, false)]
    [InlineData("0::/\n", null, false)]
    public void A_process_is_known_by_its_cgroup(string cgroups, string? aid, bool visits)
    {
        var found = ResourceHolders.ApplicationOf(cgroups, "vni-n1");
        Assert.Equal((aid, visits), (found?.Aid.Value, found?.Visits ?? false));
    }

    [Fact]
    public void Names_are_lower_case_with_hyphens_and_read_again()
    {
        Assert.Equal(["process-group", "posix-message-queue", "tcp"], new[] { ResourceType.ProcessGroup, ResourceType.PosixMessageQueue, ResourceType.Tcp }.Select(ResourceNames.Of));
        Assert.Equal("copy-on-write", ResourceNames.Of(ResourceDisposition.CopyOnWrite));
        Assert.All(Enum.GetValues<ResourceType>(), type => Assert.Equal(type, ResourceNames.Parse(ResourceNames.Of(type))));
        Assert.False(ResourceNames.TryParse("Tcp", out _));
    }

    private static FoundResource Process(string id, string system) => new(ResourceType.Process, id, system, 0);

    private static FoundResource Listener(string id, string system) => new(ResourceType.Tcp, id, system, 2, "listening");
}
