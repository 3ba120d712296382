using System.Globalization;
using System.Text.Json;
using Vni.EndToEnd.Tests.Farming;

namespace Vni.EndToEnd.Tests.Farms;

/// <summary>Checkpoints in a directory that all nodes share, instead of on another node's disk.</summary>
public sealed class SharedSnapshotsTests(PlaygroundFixture fixture) : PlaygroundTests(fixture)
{
    private const string Aid = "app";

    private string Shared => Path.Combine(Farm.Directory, "shared");

    public override async Task InitializeAsync()
    {
        Directory.CreateDirectory(Shared);
        foreach (var node in Farm.Nodes)
        {
            await Farm.FarmAsync("kill", node, "--daemon-only");
            await File.AppendAllTextAsync(Farm.ConfigurationOf(node), $"\nsnapshots:\n  shared: {Shared}\n");
            await Farm.FarmAsync("restart", node);
        }
    }

    public override async Task DisposeAsync()
    {
        await Farm.FarmAsync("restart", "n1");
        await base.DisposeAsync();
        Assert.Empty(Directory.EnumerateFileSystemEntries(Shared));
    }

    [Fact]
    public async Task A_node_dies_and_any_other_goes_on_from_them()
    {
        var ip = (await Farm.VniJsonAsync("n1", "run", "--name", Aid, "--checkpoint", "1s", "--", App(FaultsWatch.Program))).Text("ip");
        var before = await BeatsAsync(ip);
        await Eventually.GetAsync(
            "checkpoint in the shared directory",
            async () => (await Farm.VniJsonAsync("n1", "registry", "get", $"snapshots/{Aid}.")).EnumerateArray().Select(pair => pair.GetProperty("value").ToString()).ToList(),
            records => records.Exists(IsShared));
        await Farm.FarmAsync("kill", "n1");
        await Eventually.GetAsync("recovery", () => Farm.InspectAsync(Aid, "n3"), view => view.Text("status") == "running" && view.Text("node") != Farm.IdentityOf("n1"));
        Assert.True(await BeatsAsync(ip) > before, "it has begun anew");
    }

    private static bool IsShared(string record)
    {
        using var document = JsonDocument.Parse(record);
        return document.RootElement.TryGetProperty("shared", out var shared) && shared.GetBoolean();
    }

    private async Task<long> BeatsAsync(string ip)
    {
        await using var client = await LineClient.ConnectAsync(Farm.Client, ip);
        return long.Parse((await client.AskAsync("BEAT")).Split(' ')[1], CultureInfo.InvariantCulture);
    }
}
