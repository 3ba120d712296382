using System.Text.RegularExpressions;
using Vni.EndToEnd.Tests.Farming;

namespace Vni.EndToEnd.Tests;

/// <summary>Snapshots that are not what was written, do not fit the machine, or find no room.</summary>
public sealed class DamageTests(FarmFixture fixture) : FarmTests(fixture)
{
    [Theory]
    [InlineData("images/pages-1.img", "flip")]
    [InlineData("images/pages-1.img", "truncate")]
    [InlineData("images/pages-1.img", "delete")]
    [InlineData("images/inventory.img", "flip")]
    [InlineData("images/inventory.img", "empty")]
    [InlineData("layer.tar", "flip")]
    [InlineData("layer.tar", "truncate")]
    [InlineData("manifest.json", "flip")]
    [InlineData("manifest.json", "truncate")]
    [InlineData("manifest.json", "empty")]
    [InlineData("manifest.json", "delete")]
    public async Task A_damaged_snapshot_is_refused_and_restores_once_it_is_mended(string file, string damage)
    {
        var ip = await RunCounterAsync("victim");
        await using var client = await LineClient.ConnectAsync(Farm.Client, ip);
        await client.CountAsync();
        var snapshot = (await Farm.VniJsonAsync("snapshot", "victim")).Text("snapshot");
        var path = Path.Combine(Farm.State, "snapshots", snapshot, file);
        var good = await File.ReadAllBytesAsync(path);
        if (damage == "delete") File.Delete(path);
        else await File.WriteAllBytesAsync(path, Damage(good, damage));

        Assert.Contains(Path.GetFileName(file), await Farm.RefusedAsync("snapshot_damaged", "restore", "victim"), StringComparison.Ordinal);
        Assert.Equal("dormant", await Farm.StatusAsync("victim"));

        await File.WriteAllBytesAsync(path, good);
        await Farm.VniAsync("restore", "victim");
        await client.CountAsync();
    }

    [Fact]
    public async Task A_manifest_that_names_another_directory_is_refused()
    {
        await RunCounterAsync("victim");
        var snapshot = (await Farm.VniJsonAsync("snapshot", "victim")).Text("snapshot");
        var path = Path.Combine(Farm.State, "snapshots", snapshot, "manifest.json");
        await File.WriteAllTextAsync(path, (await File.ReadAllTextAsync(path)).Replace("images/", "../../../", StringComparison.Ordinal));
        await Farm.RefusedAsync("snapshot_damaged", "restore", "victim");
        Assert.Equal("dormant", await Farm.StatusAsync("victim"));
    }

    [Fact]
    public async Task A_snapshot_of_another_processor_is_refused_and_restores_on_its_own()
    {
        var ip = await RunCounterAsync("moved");
        await using var client = await LineClient.ConnectAsync(Farm.Client, ip);
        await client.CountAsync();
        await Farm.VniAsync("snapshot", "moved");
        await Farm.StopDaemonAsync();
        var weaker = Path.Combine(Farm.Directory, "cpuinfo");
        await File.WriteAllTextAsync(weaker, Regex.Replace(await File.ReadAllTextAsync("/proc/cpuinfo"), @"\bsse4_2\b ", ""));
        await Farm.StartDaemonAsync(cpuInfo: weaker);
        Assert.Contains("sse4_2", await Farm.RefusedAsync("incompatible", "restore", "moved"), StringComparison.Ordinal);
        Assert.Equal("dormant", await Farm.StatusAsync("moved"));
        await Farm.StopDaemonAsync();
        await Farm.StartDaemonAsync();
        await Farm.VniAsync("restore", "moved");
        await client.CountAsync();
    }

    [Fact]
    public async Task A_full_disk_refuses_the_snapshot_and_the_application_goes_on()
    {
        await using var farm = await Farm.StartAsync(new FarmOptions { StateSize = "48m" });
        var ip = (await farm.RunAsync("big", "/usr/bin/redis-server", "--protected-mode", "no", "--save", "", "--dir", "/tmp", "--enable-debug-command", "yes")).Text("ip");
        await using var client = await LineClient.ConnectAsync(farm.Client, ip, 6379);
        await client.CountAsync("INCR counter");
        Assert.Equal("+OK", await client.AskAsync("DEBUG POPULATE 60000 key 1000"));
        var before = Free(farm.State);
        await farm.RefusedAsync("no_space", "snapshot", "big");
        await client.CountAsync("INCR counter");
        Assert.Equal("running", await farm.StatusAsync("big"));
        Assert.Empty((await farm.VniJsonAsync("snapshots", "big")).EnumerateArray());
        Assert.True(Free(farm.State) > before - (8 << 20), "the refused snapshot still takes room");

        Assert.Equal("+OK", await client.AskAsync("FLUSHALL"));
        Assert.Equal("+OK", await client.AskAsync("MEMORY PURGE"));
        await farm.VniAsync("snapshot", "big"); // There is room for the smaller one, and for the registry to say so.
        await farm.VniAsync("restore", "big");
        Assert.Equal(":1", await client.AskAsync("INCR counter"));
        await farm.RemoveAllAsync();
        await farm.AssertNothingLeftAsync();
    }

    private static byte[] Damage(byte[] good, string damage)
    {
        if (damage == "empty") return [];
        if (damage == "truncate") return good[..(good.Length / 2)];
        var flipped = (byte[])good.Clone();
        flipped[flipped.Length / 2] ^= 1;
        return flipped;
    }

    private static long Free(string directory) => new DriveInfo(directory).AvailableFreeSpace;
}
