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
        var before = await FaultsWatch.BeatsAsync(Farm, ip);
        await Eventually.GetAsync(
            "checkpoint in the shared directory",
            () => Farm.SnapshotRecordsAsync(Aid),
            records => records.Any(record => record.TryGetProperty("shared", out var shared) && shared.GetBoolean()));
        await Farm.FarmAsync("kill", "n1");
        await Eventually.GetAsync("recovery", () => Farm.InspectAsync(Aid, "n3"), view => view.Text("status") == "running" && view.Text("node") != Farm.IdentityOf("n1"));
        Assert.True(await FaultsWatch.BeatsAsync(Farm, ip) > before, "it has begun anew");
    }
}
