using Vni.EndToEnd.Tests.Farming;

namespace Vni.EndToEnd.Tests.Farms;

/// <summary>Many migrations at the same moment.</summary>
public sealed class ClientsCrowdTests(PlaygroundFixture fixture) : PlaygroundTests(fixture)
{
    private const int Applications = 20;

    [Fact]
    public async Task Twenty_at_once_in_both_directions_arrive_or_stay_and_none_is_lost()
    {
        var aids = Enumerable.Range(0, Applications).Select(i => $"app{i}").ToList();
        var ips = await Task.WhenAll(aids.Select((aid, i) => RunCounterAsync(aid, NodeOf(i))));
        var clients = await Task.WhenAll(ips.Select(ip => LineClient.ConnectAsync(Farm.Client, ip)));
        var loads = clients.Select(c => new SteadyLoad(() => c.CountAsync())).ToList();
        foreach (var load in loads) await load.AdvanceAsync();

        var outcomes = await Task.WhenAll(aids.Select((aid, i) => Farm.TryVniAsync("n3", "migrate", aid, Farm.IdentityOf(NodeOf(i + 1)))));

        foreach (var load in loads)
        {
            await load.AdvanceAsync();
            await load.StopAsync();
        }

        for (var i = 0; i < Applications; i++)
        {
            // What has not moved says why, and is where it was.
            Assert.True(outcomes[i].Status == 0 || outcomes[i].Error.Length > 0, outcomes[i].ToString());
            await Farm.AssertAsync(aids[i], "running", NodeOf(outcomes[i].Status == 0 ? i + 1 : i));
            await clients[i].DisposeAsync();
        }

        Assert.All(outcomes, o => Assert.True(o.Status == 0, o.ToString()));
        Assert.Equal(Applications, (await Farm.VniJsonAsync("n1", "ps")).GetArrayLength());
    }

    private static string NodeOf(int i) => i % 2 == 0 ? "n1" : "n2";
}
