using System.Globalization;
using System.Text.Json;
using Vni.EndToEnd.Tests.Farming;

namespace Vni.EndToEnd.Tests.Farms;

/// <summary>Nodes die, are cut off, leave: what ran there runs elsewhere from its newest checkpoint, or is lost for a named reason.</summary>
public sealed class RecoveryTests(PlaygroundFixture fixture) : PlaygroundTests(fixture)
{
    private const string Aid = "app";

    public override async Task DisposeAsync()
    {
        await Farm.FarmAsync("heal");
        foreach (var member in (await Farm.FarmJsonAsync("status")).GetProperty("members").EnumerateArray().Where(m => m.Text("status") is "off" or "dead").Select(m => m.Text("name")))
            await Farm.FarmAsync("restart", member);
        foreach (var aid in (await Farm.VniJsonAsync("n1", "ps")).EnumerateArray().Select(a => a.Text("aid")).ToList())
            await Eventually.GetAsync($"removal of {aid} between its checkpoints", () => Farm.TryVniAsync("n1", "rm", "--force", aid), removed => removed.Status == 0);
        foreach (var node in Farm.Nodes) // What a node could not be told to delete while it was cut off, it deletes when it starts.
        {
            await Farm.FarmAsync("kill", node, "--daemon-only");
            await Farm.FarmAsync("restart", node);
        }

        await base.DisposeAsync();
    }

    [Fact]
    public async Task A_node_dies_and_its_application_goes_on_elsewhere_from_the_newest_checkpoint()
    {
        var (ip, before) = await RunAsync("--checkpoint", "1s");
        await using var client = await LineClient.ConnectAsync(Farm.Client, ip);
        await AwaitCopyAsync();
        await client.CountAsync();
        await Farm.FarmAsync("kill", "n1");
        var node = await AwaitRunningAsync("n2", "n3");
        await Assert.ThrowsAsync<IOException>(() => client.CountAsync()); // It knows at once that it must connect anew.
        Assert.True(await FaultsWatch.BeatsAsync(Farm, ip) > before, "it has begun anew");
        await Farm.FarmAsync("restart", "n1");
        await AwaitRunningAsync(node);
        Assert.Equal([node], await FaultsWatch.RunningAsync(Farm, Aid));
        await Farm.MigrateAsync(Aid, "n1", at: "n3");
    }

    [Fact]
    public async Task A_node_that_is_cut_off_freezes_and_gives_way_and_cleans_up_when_it_is_back()
    {
        var (ip, before) = await RunAsync("--checkpoint", "1s");
        await AwaitCopyAsync();
        await using var watch = new FaultsWatch(Farm, Aid);
        await Farm.FarmAsync("partition", "n1");
        var node = await AwaitRunningAsync("n2", "n3");
        Assert.True(IsFrozen("n1"), "it runs on the node that was cut off");
        Assert.True(await FaultsWatch.BeatsAsync(Farm, ip) > before, "it has begun anew");
        await Farm.FarmAsync("heal");
        await Eventually.TrueAsync("the end of the old copy", () => Farm.ProcessesOf("n1").All(p => p.Name != FaultsWatch.Program));
        await AwaitRunningAsync(node);
        watch.Check();
    }

    [Fact]
    public async Task Without_a_checkpoint_it_is_lost_and_found_again_with_its_connections()
    {
        var (ip, _) = await RunAsync();
        await using var client = await LineClient.ConnectAsync(Farm.Client, ip);
        await client.CountAsync();
        await Farm.FarmAsync("partition", "n1");
        var view = await Eventually.GetAsync("loss", () => Farm.InspectAsync(Aid, "n3"), v => v.Text("status") == "lost");
        Assert.Contains("n1", view.Text("reason"), StringComparison.Ordinal);
        Assert.True(IsFrozen("n1"), "it runs on a node that was given up");
        await Farm.FarmAsync("heal");
        await AwaitRunningAsync("n1");
        await client.CountAsync();
    }

    [Fact]
    public async Task Without_a_checkpoint_what_died_with_its_node_is_lost_and_can_be_started_again()
    {
        await RunAsync();
        await Farm.FarmAsync("kill", "n1");
        await Eventually.GetAsync("loss", () => Farm.InspectAsync(Aid, "n3"), v => v.Text("status") == "lost");
        await Farm.FarmAsync("restart", "n1");
        await Farm.VniAsync("n3", "start", Aid);
        await AwaitRunningAsync("n1", "n2", "n3");
    }

    [Fact]
    public async Task The_leader_dies_while_it_recovers()
    {
        var leader = (await Farm.VniJsonAsync("n1", "cluster", "show")).Text("leader")[(Farm.Name.Length + 1)..];
        var (victim, last) = (Farm.Nodes.First(n => n != leader), Farm.Nodes.Last(n => n != leader));
        var ips = new Dictionary<string, string>();
        foreach (var aid in new[] { "a", "b", "c", "d" })
            ips[aid] = (await Farm.VniJsonAsync(victim, "run", "--name", aid, "--checkpoint", "1s", "--", App(FaultsWatch.Program))).Text("ip");
        var holders = new Dictionary<string, string>();
        foreach (var aid in ips.Keys) holders[aid] = await AwaitCopyAsync(aid, victim);
        await Task.WhenAll(Farm.FarmAsync("kill", victim).ContinueWith(_ => Farm.FarmAsync("kill", leader), TaskScheduler.Default).Unwrap());
        foreach (var aid in ips.Keys.Where(a => holders[a] == last))
        {
            await Eventually.GetAsync($"recovery of {aid}", () => Farm.InspectAsync(aid, last), v => v.Text("status") == "running");
            Assert.True(await FaultsWatch.BeatsAsync(Farm, ips[aid]) > 0);
        }

        foreach (var aid in ips.Keys.Where(a => holders[a] != last))
            await Eventually.GetAsync($"loss of {aid}", () => Farm.InspectAsync(aid, last), v => v.Text("status") == "lost" && v.Text("reason").Length > 0);
        await Farm.FarmAsync("restart", leader);
        await Farm.FarmAsync("restart", victim);

        // Those that wait for two nodes' return take about half a minute, the usual limit.
        foreach (var aid in ips.Keys) await Eventually.GetAsync($"recovery of {aid}", () => Farm.InspectAsync(aid, last), v => v.Text("status") is "running" or "dormant", TimeSpan.FromMinutes(2));
    }

    [Fact]
    public async Task A_node_is_drained_and_leaves_and_comes_back()
    {
        var (ip, _) = await RunAsync();
        await using var client = await LineClient.ConnectAsync(Farm.Client, ip);
        await client.CountAsync();
        await Farm.VniAsync("n3", "drain", Farm.IdentityOf("n1"));
        var node = await AwaitRunningAsync("n2", "n3");
        await client.CountAsync();
        await Farm.VniAsync("n1", "cluster", "leave", Farm.IdentityOf(node));
        await AwaitRunningAsync([.. Farm.Nodes.Where(n => n != node)]);
        await client.CountAsync();
        var status = (await Farm.FarmJsonAsync("status")).GetProperty("members").EnumerateArray().Single(m => m.Text("name") == node).Text("status");
        Assert.Equal("dead", status);
        await Farm.FarmAsync("restart", node);
        await Farm.MigrateAsync(Aid, node, at: node);
        await client.CountAsync();
    }

    [Fact]
    public async Task A_dead_node_is_given_up_by_word()
    {
        await RunAsync("--checkpoint", "1s");
        await AwaitCopyAsync();
        await Farm.FarmAsync("kill", "n1");
        await Farm.VniAsync("n2", "cluster", "down", Farm.IdentityOf("n1"), "--force");
        await AwaitRunningAsync("n2", "n3");
    }

    private async Task<(string Ip, long Beats)> RunAsync(params string[] options)
    {
        var ip = (await Farm.VniJsonAsync("n1", "run", ["--name", Aid, .. options, "--", App(FaultsWatch.Program)])).Text("ip");
        return (ip, await FaultsWatch.BeatsAsync(Farm, ip));
    }

    /// <summary>Returns when a checkpoint is on another node, too; that node.</summary>
    private async Task<string> AwaitCopyAsync(string aid = Aid, string at = "n1")
    {
        var copies = await Eventually.GetAsync(
            "copy of a checkpoint",
            async () => (await Farm.SnapshotRecordsAsync(aid, at)).SelectMany(CopiesOf).ToList(),
            found => found.Count > 0);
        return copies[0][(Farm.Name.Length + 1)..];
    }

    private static IEnumerable<string> CopiesOf(JsonElement record) =>
        record.TryGetProperty("copies", out var copies) && copies.ValueKind == JsonValueKind.Array ? copies.EnumerateArray().Select(c => c.GetString()!) : [];

    /// <summary>Returns when it runs on one of these nodes; which.</summary>
    private async Task<string> AwaitRunningAsync(params string[] nodes)
    {
        var view = await Eventually.GetAsync(
            $"running on {string.Join(" or ", nodes)}",
            () => Farm.InspectAsync(Aid, nodes[^1]),
            v => v.Text("status") == "running" && nodes.Any(n => v.Text("node") == Farm.IdentityOf(n)));
        return nodes.Single(n => view.Text("node") == Farm.IdentityOf(n));
    }

    /// <summary>Whether a node keeps the application from running: cgroup-v2's <c>cgroup.events</c>.</summary>
    private bool IsFrozen(string node) => File.ReadAllText(Path.Combine(Farm.CgroupOf(node), Aid, "cgroup.events")).Contains("frozen 1", StringComparison.Ordinal);
}
