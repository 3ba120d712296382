using Vni.EndToEnd.Tests.Farming;

namespace Vni.EndToEnd.Tests;

/// <summary>Two hundred instances of a small program on one machine.</summary>
public sealed class ManyInstancesTests(FarmFixture fixture) : FarmTests(fixture)
{
    private const int Count = 200;

    [Fact]
    public async Task Two_hundred_start_are_listed_snapshotted_restored_and_removed()
    {
        string[] aids = [.. Enumerable.Range(0, Count).Select(n => $"tiny-{n}")];
        await ForAllAsync(aids, aid => Farm.VniAsync("run", "--name", aid, "--", App("static")));
        var listed = (await Farm.VniJsonAsync("ps")).EnumerateArray().ToDictionary(a => a.Text("aid"), a => a.Text("ip"), StringComparer.Ordinal);
        Assert.Equal(aids.Order(StringComparer.Ordinal), listed.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(Count, listed.Values.Distinct(StringComparer.Ordinal).Count());

        var clients = new Dictionary<string, LineClient>(StringComparer.Ordinal);
        foreach (var (aid, ip) in listed) clients[aid] = await LineClient.ConnectAsync(Farm.Client, ip);
        foreach (var client in clients.Values) await client.CountAsync();

        await ForAllAsync(aids, aid => Farm.VniAsync("snapshot", aid));
        Assert.All((await Farm.VniJsonAsync("ps")).EnumerateArray(), a => Assert.Equal("dormant", a.Text("status")));
        await ForAllAsync(aids, aid => Farm.VniAsync("restore", aid));
        foreach (var client in clients.Values) await client.CountAsync();
        foreach (var client in clients.Values) await client.DisposeAsync();

        await ForAllAsync(aids, aid => Farm.VniAsync("rm", "--force", aid));
        Assert.Empty((await Farm.VniJsonAsync("ps")).EnumerateArray());
    }

    /// <summary>Four at a time, as an impatient operator's script would.</summary>
    private static Task ForAllAsync(IEnumerable<string> aids, Func<string, Task> work) =>
        Parallel.ForEachAsync(aids, new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (aid, _) => await work(aid));
}
