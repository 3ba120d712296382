using Vni.EndToEnd.Tests.Farming;

namespace Vni.EndToEnd.Tests.Farms;

/// <summary>A chain on another node is the same chain: who has joined, and what is started again [A2].</summary>
public sealed class MemberMoveTests(PlaygroundFixture fixture) : PlaygroundTests(fixture)
{
    [Fact]
    public async Task Those_that_joined_keep_their_pids_and_restarts_go_on_where_it_moves()
    {
        var ip = await RunCounterAsync("app");
        // By way of a node that does not run it.
        var pid = (await Farm.VniJsonAsync("n3", "join", "--name", "second", "app", "--", App("static"), "7001")).GetProperty("pid").GetInt32();
        await Farm.VniAsync("n2", "join", "--name", "restless", "--restart", "always", "app", "--", "/bin/sleep", "0.2");
        await using var client = await LineClient.ConnectAsync(Farm.Client, ip, 7001);
        foreach (var node in new[] { "n2", "n3" })
        {
            var before = await RestartsAsync(_ => true);
            await Farm.MigrateAsync("app", node);
            await client.CountAsync();
            await RestartsAsync(restarts => restarts > before);
            var app = await Farm.InspectAsync("app");
            var second = app.GetProperty("processes").EnumerateArray().Single(process => process.GetProperty("process").GetString() == "second");
            Assert.Equal((pid, 1), (second.GetProperty("pid").GetInt32(), second.GetProperty("parent").GetInt32()));
            Assert.Equal(["second", "restless"], app.GetProperty("joined").EnumerateArray().Select(process => process.Text("name")));
        }

        await Farm.VniAsync("n1", "join", "--name", "third", "app", "--", "/bin/sleep", "1000");
    }

    private Task<int> RestartsAsync(Predicate<int> good) => Eventually.GetAsync(
        "another restart",
        async () => (await Farm.InspectAsync("app")).GetProperty("chain").EnumerateArray().Where(member => member.Text("name") == "restless").Select(member => member.GetProperty("restarts").GetInt32()).FirstOrDefault(),
        good);
}
