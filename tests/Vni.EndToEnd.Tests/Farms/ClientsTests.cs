using Vni.EndToEnd.Tests.Farming;

namespace Vni.EndToEnd.Tests.Farms;

/// <summary>Clients of an application that is moved around notice pauses and nothing else.</summary>
public sealed class ClientsTests(PlaygroundFixture fixture) : PlaygroundTests(fixture)
{
    [Fact]
    public async Task One_connection_lives_through_a_round()
    {
        var ip = await RunCounterAsync("cache");
        await using var client = await LineClient.ConnectAsync(Farm.Client, ip);
        var load = new SteadyLoad(() => client.CountAsync());
        await load.AdvanceAsync();
        foreach (var node in new[] { "n2", "n3", "n1" })
        {
            await Farm.MigrateAsync("cache", node, at: "n2");
            await load.AdvanceAsync();
        }

        await load.StopAsync();
        await Farm.AssertAsync("cache", "running", "n1");
    }
}
