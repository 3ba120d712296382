using Vni.Actors;
using Vni.Actors.Identity;
using Vni.Actors.Messages;
using Vni.Actors.Registry;
using Vni.Actors.Resources;
using Vni.Unit.Tests.Fakes;
using Xunit;

namespace Vni.Unit.Tests.Resources;

/// <summary>Resource ids of applications, as users and the registry see them.</summary>
public sealed class ResourceIdsTests
{
    private static readonly Aid Shop = Aid.Parse("shop");
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(10);

    [Fact]
    public async Task They_are_translated_both_ways_from_whatever_node_is_asked()
    {
        await using var farm = await TestFarm.StartedAsync();
        await farm[1].RunAsync();
        var pid = farm[1].Kernel[Shop].InitPid;
        foreach (var node in new[] { farm[1], farm[3] })
        {
            Assert.Equal(["1", "2"], (await node.Service.ListResourcesAsync(Shop, ResourceType.Process, default)).Select(r => r.Virtual));
            var there = await node.Service.TranslateAsync(Shop, ResourceType.Process, "2", default);
            Assert.Equal(("n1", $"{pid + 1}", "virtualize"), (there.Node, there.System, there.Disposition));
            var back = await node.Service.TranslateSystemAsync("n1", ResourceType.Process, $"{pid + 1}", default);
            Assert.Equal(there, back);
            Assert.Equal(ErrorCodes.UnknownResource, await CodeAsync(() => node.Service.TranslateAsync(Shop, ResourceType.Process, "9", default)));
            Assert.Equal(ErrorCodes.UnknownResource, await CodeAsync(() => node.Service.TranslateSystemAsync("n1", ResourceType.Process, "9", default)));
            Assert.Equal(ErrorCodes.NotFound, await CodeAsync(() => node.Service.TranslateSystemAsync("n9", ResourceType.Process, "9", default)));
            Assert.Equal(ErrorCodes.NotFound, await CodeAsync(() => node.Service.TranslateAsync(Aid.Parse("none"), ResourceType.Process, "1", default)));
        }
    }

    [Fact]
    public async Task While_it_is_being_started_they_are_not_known()
    {
        await using var node = await TestNode.StartedAsync();
        var (reached, release) = node.Faults.HoldAt("start:processes");
        var running = node.RunAsync();
        await reached.WaitAsync(TestNode.Limit);
        var e = await Assert.ThrowsAsync<VniException>(() => node.Service.ListResourcesAsync(Shop, null, default).WaitAsync(TestNode.Limit));
        Assert.Equal(ErrorCodes.WrongState, e.Code);
        Assert.Contains("it is being started", e.Message);
        release.SetResult();
        await running;
        Assert.Equal(2, (await node.Service.ListResourcesAsync(Shop, null, default)).Count);
    }

    [Fact]
    public async Task A_translation_looks_and_a_list_may_be_a_moment_old()
    {
        await using var node = await TestNode.StartedAsync();
        await node.RunAsync();
        Assert.Equal(2, (await node.Service.ListResourcesAsync(Shop, null, default)).Count);
        Add(node, "0.0.0.0:80", "socket:[1]");
        Assert.Equal(2, (await node.Service.ListResourcesAsync(Shop, null, default)).Count);
        Assert.Equal("socket:[1]", (await node.Service.TranslateAsync(Shop, ResourceType.Tcp, "0.0.0.0:80", default)).System);
        Add(node, "0.0.0.0:81", "socket:[2]");
        node.Time.Advance(node.Settings.ResourceDelay);
        Assert.Equal(4, (await node.Service.ListResourcesAsync(Shop, null, default)).Count);
        await node.Service.SnapshotAsync(Shop, new SnapshotRequest(), default); // What was seen a moment ago is gone.
        Assert.All(await node.Service.ListResourcesAsync(Shop, null, default), r => Assert.Null(r.System));
    }

    [Fact]
    public async Task Rules_add_paths_and_decide_what_becomes_of_resources()
    {
        await using var node = await TestNode.StartedAsync();
        await node.Service.RunAsync(
            TestNode.Declare() with
            {
                Rules = """
                    Define <ME> as PROPERTY application-ID
                    REDIR PATH "/user/app/config" to "/usr/app/<ME>/config"
                    RESOURCE process "2" ON any DO share
                    """,
            },
            default);
        var path = await node.Service.TranslateAsync(Shop, ResourceType.Path, "/user/app/config", default);
        Assert.Equal(($"/proc/{node.Kernel[Shop].InitPid}/root/usr/app/shop/config", "duplicate"), (path.System, path.Disposition));
        Assert.Equal(
            [("1", "virtualize"), ("2", "share")],
            (await node.Service.ListResourcesAsync(Shop, ResourceType.Process, default)).Select(r => (r.Virtual, r.Disposition)));
    }

    [Fact]
    public async Task They_keep_their_time_over_a_snapshot_a_migration_and_a_new_daemon_and_go_with_the_application()
    {
        await using var farm = await TestFarm.StartedAsync();
        var born = farm.Time.GetUtcNow();
        await farm[1].RunAsync();
        await SavedAsync(farm, 1);
        await farm.PassAsync(Long);
        await farm[1].Service.SnapshotAsync(Shop, new SnapshotRequest(), default);
        Assert.All(await farm[1].Service.ListResourcesAsync(Shop, null, default), r => Assert.Equal((null, null), (r.Node, r.System)));
        await farm[1].Service.RestoreAsync(Shop, new RestoreRequest(), default);
        var restored = await farm[1].Service.TranslateAsync(Shop, ResourceType.Process, "2", default);
        Assert.Equal(($"{farm[1].Kernel[Shop].InitPid + 1}", "n1"), (restored.System, restored.Node));
        Assert.InRange(restored.Since, born, born.AddMinutes(1));
        await farm.MigrateAsync(farm[1], farm[2]);
        var moved = await farm[1].Service.TranslateAsync(Shop, ResourceType.Process, "2", default);
        Assert.Equal(($"{farm[2].Kernel[Shop].InitPid + 1}", "n2"), (moved.System, moved.Node));
        Assert.Equal(restored.Since.ToUnixTimeMilliseconds(), moved.Since.ToUnixTimeMilliseconds());
        await farm[2].Service.RemoveAsync(Shop, true, default);
        Assert.Empty(await farm[1].RangeAsync(farm.Keys.Resources(Shop)));
    }

    [Fact]
    public async Task Large_tables_are_written_in_parts_and_read_again()
    {
        await using var node = await TestNode.StartedAsync();
        for (var i = 0; i < 5000; i++) Add(node, $"10.0.0.1:80-10.0.{i >> 8}.{i & 255}:40000", $"socket:[{i}]");
        await node.RunAsync();
        var before = await SavedAsync(node, node.Time.Advance);
        Assert.True(before.Count >= 7);
        Assert.All(before, pair => Assert.InRange(pair.Value.Length, 1, 400_000));
        var entries = await node.Service.ListResourcesAsync(Shop, null, default);
        Assert.Equal(5002, entries.Count);
        await node.RestartDaemonAsync();
        node.Time.Advance(node.Settings.ResourceDelay * 2);
        Assert.Equal(
            entries.Select(e => (e.Type, e.Virtual, e.System, e.Since.ToUnixTimeMilliseconds())),
            (await node.Service.ListResourcesAsync(Shop, null, default)).Select(e => (e.Type, e.Virtual, e.System, e.Since.ToUnixTimeMilliseconds())));
        node.Kernel.Resources.RemoveAll(resource => resource.Found.Type == ResourceType.Tcp);
        await TestNode.UntilAsync(async () =>
        {
            node.Time.Advance(node.Settings.ResourceDelay);
            await node.Service.TranslateAsync(Shop, ResourceType.Process, "1", default);
            return (await node.RangeAsync(node.Keys.Resources(Shop))).Count == 1;
        }, "what has gone to be gone from the registry");
    }

    [Fact]
    public async Task A_stale_owner_writes_nothing()
    {
        await using var node = await TestNode.StartedAsync();
        await node.RunAsync();
        await node.Registry.TransactAsync(new Transaction([], [new Operation.Put(node.Keys.Owner(Shop), "{\"node\":\"n2\",\"epoch\":2}"u8.ToArray())], []), default);
        await node.Service.ListResourcesAsync(Shop, null, default);
        node.Time.Advance(node.Settings.ResourceDelay);
        await node.Service.TranslateAsync(Shop, ResourceType.Process, "1", default);
        node.Time.Advance(node.Settings.ResourceDelay);
        await node.Service.TranslateAsync(Shop, ResourceType.Process, "1", default);
        Assert.Empty(await node.RangeAsync(node.Keys.Resources(Shop)));
    }

    private static void Add(TestNode node, string id, string system)
    {
        lock (node.Kernel.Gate) node.Kernel.Resources.Add((Shop, new FoundResource(ResourceType.Tcp, id, system, 2)));
    }

    private static Task<IReadOnlyList<KeyValue>> SavedAsync(TestFarm farm, int node) => SavedAsync(farm[node], farm.Time.Advance);

    private static async Task<IReadOnlyList<KeyValue>> SavedAsync(TestNode node, Action<TimeSpan> pass)
    {
        IReadOnlyList<KeyValue> pairs = [];
        await TestNode.UntilAsync(async () =>
        {
            pass(node.Settings.ResourceDelay);
            return (pairs = await node.RangeAsync(node.Keys.Resources(Shop))).Count > 0;
        }, "the tables to be written");
        return pairs;
    }

    private static async Task<string?> CodeAsync(Func<Task> action) => (await Assert.ThrowsAsync<VniException>(action)).Code;
}
