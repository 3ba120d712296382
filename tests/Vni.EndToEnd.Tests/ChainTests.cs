using System.Text.Json.Nodes;
using Vni.EndToEnd.Tests.Farming;

namespace Vni.EndToEnd.Tests;

/// <summary>A chain of processes that hold one of everything survives, with all ids and values equal [A1 to A3, A5].</summary>
public sealed class ChainTests(FarmFixture fixture) : FarmTests(fixture)
{
    private static readonly string[] Roles = ["alpha", "beta", "gamma"];

    [Fact]
    public async Task Chain_of_three_survives_ten_rounds_with_all_ids_and_values_equal()
    {
        var ip = await RunChainAsync();
        var clients = new List<LineClient>();
        try
        {
            for (var i = 0; i < Roles.Length; i++) clients.Add(await LineClient.ConnectAsync(Farm.Client, ip, 7001 + i));
            var before = await ReportAsync(clients);
            var processes = (await Farm.InspectAsync("chain")).Processes();
            CheckContents(before);
            for (var round = 1; round <= 10; round++)
            {
                await Farm.VniAsync("snapshot", "chain");
                await Farm.VniAsync("restore", "chain");
                var after = await ReportAsync(clients);
                for (var i = 0; i < Roles.Length; i++)
                {
                    Assert.Equal(Without(before[i], "ticks"), Without(after[i], "ticks"));
                    Assert.Equal(round, await clients[i].CountAsync()); // The connection is the old one: it counts on.
                }

                Assert.Equal(processes, (await Farm.InspectAsync("chain")).Processes());
                await AssertTicksAdvanceAsync(clients, before, after);
                before = after;
            }
        }
        finally
        {
            foreach (var client in clients) await client.DisposeAsync();
        }
    }

    [Fact]
    public async Task Chain_runs_on_untouched_while_a_snapshot_is_taken_of_it()
    {
        var ip = await RunChainAsync();
        await using var client = await LineClient.ConnectAsync(Farm.Client, ip, 7003);
        var before = JsonNode.Parse(await client.AskAsync("REPORT"))!;
        await Farm.VniAsync("snapshot", "chain", "--leave-running");
        Assert.Equal("running", await Farm.StatusAsync("chain"));
        Assert.Equal(Without(before, "ticks"), Without(JsonNode.Parse(await client.AskAsync("REPORT"))!, "ticks"));
    }

    private async Task<string> RunChainAsync()
    {
        var file = Path.Combine(Farm.Directory, "chain.yaml");
        var processes = string.Join('\n', Roles.Select(role => $"  - {{ name: {role}, command: [{App("chain")}, {role}, /var/tmp] }}"));
        await File.WriteAllTextAsync(file, $"name: chain\nhostname: chain-host\nprocesses:\n{processes}\n");
        return (await Farm.VniJsonAsync("run", "-f", file)).Text("ip");
    }

    private static async Task<IReadOnlyList<JsonNode>> ReportAsync(IReadOnlyList<LineClient> clients)
    {
        var reports = new List<JsonNode>();
        foreach (var client in clients) reports.Add(JsonNode.Parse(await client.AskAsync("REPORT"))!);
        return reports;
    }

    private static string Without(JsonNode report, string name)
    {
        var rest = report.DeepClone().AsObject();
        rest.Remove(name);
        return rest.ToJsonString();
    }

    /// <summary>Equal reports prove nothing if they are empty: what the programs made must be in them.</summary>
    private static void CheckContents(IReadOnlyList<JsonNode> reports)
    {
        Assert.All(reports, r =>
        {
            Assert.Equal("chain-host", (string?)r["hostname"]);
            Assert.Equal(7, (int)r["semaphoreValue"]!);
            Assert.NotEqual(0, (int)r["semaphore"]!);
            Assert.NotEqual(0, (int)r["segment"]!);
            Assert.Equal(13, (int)r["pipeUnread"]!);
            Assert.Equal("[10,37]", r["pending"]!.ToJsonString());
            Assert.Equal(["1 message 1", "2 message 2", "3 message 3"], r["messages"]!.AsArray().Select(m => (string?)m));
            Assert.All(r["threads"]!.AsArray(), t => Assert.NotEqual(0, (int)t!));
        });
        Assert.Equal(42, (int)reports[1]["childAnswer"]!);
        Assert.Equal("pong", (string?)reports[2]["unix"]);
        Assert.Equal("nobody can open this any more", (string?)reports[2]["deleted"]);
        Assert.Equal(7, (int)reports[2]["deletedOffset"]!);
        Assert.Equal("posix shared memory", (string?)reports[2]["posixShared"]);
    }

    /// <summary>Every thread and timer goes on from where it was, and the monotonic clock never goes back.</summary>
    private static async Task AssertTicksAdvanceAsync(IReadOnlyList<LineClient> clients, IReadOnlyList<JsonNode> before, IReadOnlyList<JsonNode> after)
    {
        for (var i = 0; i < clients.Count; i++)
        {
            var (client, then, now) = (clients[i], Ticks(before[i]), Ticks(after[i]));
            Assert.All(then.Keys, name => Assert.True(now[name] >= then[name], $"{Roles[i]}: {name} was {then[name]} and is {now[name]}"));
            await Eventually.GetAsync(
                $"{Roles[i]}: more ticks than {after[i]["ticks"]}",
                async () => Ticks(JsonNode.Parse(await client.AskAsync("REPORT"))!),
                later => now.Keys.All(name => later[name] > now[name]));
        }
    }

    private static Dictionary<string, long> Ticks(JsonNode report) => report["ticks"]!.AsObject().ToDictionary(t => t.Key, t => (long)t.Value!);
}
