using System.Diagnostics;
using System.Security.Cryptography;
using Vni.EndToEnd.Tests.Farming;

namespace Vni.EndToEnd.Tests.Farms;

/// <summary>The playground itself: made and removed any number of times, interrupted, half-made, half-dead, and nothing is left behind.</summary>
public sealed class PlaygroundLifeTests : IAsyncLifetime
{
    private readonly List<string> _names = [];

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (var name in _names) await FarmAsync("down", name);
    }

    [Fact]
    public async Task Up_and_down_twice_and_again_while_it_is_up()
    {
        var name = NewName();
        for (var round = 0; round < 2; round++)
        {
            Assert.Equal(0, (await FarmAsync("up", name, "--nodes", "2")).Status);
            Assert.Contains("was up already", (await FarmAsync("up", name, "--nodes", "2")).Output, StringComparison.Ordinal);
            var other = await FarmAsync("up", name, "--nodes", "1");
            Assert.True(other.Status == 1 && other.Error.Contains("conflict", StringComparison.Ordinal), other.ToString());
            await DownAsync(name);
        }

        Assert.Contains("There was no farm", (await FarmAsync("down", name)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_side_by_side_know_nothing_of_each_other()
    {
        var (one, two) = (NewName(), NewName());
        Assert.Equal([0, 0], (await Task.WhenAll(FarmAsync("up", one, "--nodes", "1"), FarmAsync("up", two, "--nodes", "1"))).Select(o => o.Status));
        foreach (var name in new[] { one, two })
        {
            var run = await FarmAsync("exec", name, "n1", "--", "vni", "run", "--name", "app", "--ip", "10.117.9.9", "--", "sleep", "1000");
            Assert.True(run.Status == 0, run.ToString());
        }

        await DownAsync(one);
        Assert.Contains("running", (await FarmAsync("exec", two, "n1", "--", "vni", "ps")).Output, StringComparison.Ordinal);
        await DownAsync(two);
    }

    [Fact]
    public async Task Interrupted_while_it_is_made()
    {
        var name = NewName();
        using var up = Start(name);
        await Eventually.TrueAsync("the first namespace", () => File.Exists($"/run/netns/vnifarm-{name}-n1"));
        await Shell.RunAsync($"kill -INT {up.Id}");
        await up.WaitForExitAsync();
        Assert.Equal(130, up.ExitCode);
        Assert.Empty(LeftOf(name));
    }

    [Fact]
    public async Task Killed_while_it_is_made_and_removed_or_made_anew()
    {
        var name = NewName();
        foreach (var next in new[] { "down", "up" })
        {
            using var up = Start(name);
            await Eventually.TrueAsync("the first daemon", () => File.Exists($"/run/vniakka-farm/{name}/n1/log"));
            up.Kill();
            await up.WaitForExitAsync();
            var refused = await FarmAsync("status", name);
            Assert.True(refused.Status == 1 && refused.Error.Contains("half there", StringComparison.Ordinal), refused.ToString());
            var outcome = await FarmAsync(next, name);
            Assert.True(outcome.Status == 0, outcome.ToString());
            if (next == "down") Assert.Empty(LeftOf(name));
        }

        await DownAsync(name);
    }

    [Fact]
    public async Task Down_with_dead_nodes_and_running_and_frozen_applications()
    {
        var name = NewName();
        Assert.Equal(0, (await FarmAsync("up", name)).Status);
        foreach (var node in new[] { "n1", "n2", "n3" })
        {
            var run = await FarmAsync("exec", name, node, "--", "vni", "run", "--name", $"app-{node}", "--", "sleep", "1000");
            Assert.True(run.Status == 0, run.ToString());
        }

        await FarmAsync("kill", name, "n1");
        await FarmAsync("kill", name, "n2", "--daemon-only");
        await FarmAsync("partition", name, "n3");
        await FarmAsync("kill", name, "registry");
        await DownAsync(name);
    }

    private string NewName()
    {
        var name = "p" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(3));
        _names.Add(name);
        return name;
    }

    /// <summary>As many nodes as take long enough to be interrupted.</summary>
    private static Process Start(string name)
    {
        // A shell has its background jobs ignore SIGINT, and those who run tests there would hand that down.
        var start = new ProcessStartInfo("/usr/bin/env", ["--default-signal=INT", Repository.Binary("vni"), "farm", "up", "--name", name, "--nodes", "8"]) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        return Process.Start(start)!;
    }

    private static Task<Outcome> FarmAsync(string command, string name, params string[] arguments) =>
        Shell.TryAsync(Repository.Binary("vni"), ["farm", command, "--name", name, .. arguments]);

    private static async Task DownAsync(string name)
    {
        var down = await FarmAsync("down", name);
        Assert.True(down.Status == 0, down.ToString());
        Assert.Empty(LeftOf(name));
    }

    /// <summary>Whatever bears the farm's name: namespaces, directories, locks, mounts, cgroups, processes.</summary>
    private static IReadOnlyList<string> LeftOf(string name)
    {
        var left = new List<string>();
        foreach (var place in new[] { "/run/netns", "/run/vniakka-farm", "/var/lib/vniakka-farm", "/dev/shm", "/run/lock" }.Where(Directory.Exists))
            left.AddRange(Directory.EnumerateFileSystemEntries(place).Where(entry => Path.GetFileName(entry).Contains(name, StringComparison.Ordinal)));
        left.AddRange(File.ReadLines("/proc/self/mountinfo").Where(mount => mount.Contains(name, StringComparison.Ordinal)));
        foreach (var root in File.ReadLines("/proc/self/mounts").Select(line => line.Split(' ')).Where(f => f[2] is "cgroup" or "cgroup2").Select(f => f[1]))
            left.AddRange(Directory.EnumerateDirectories(root).Where(group => Path.GetFileName(group).Contains(name, StringComparison.Ordinal)));
        foreach (var process in Directory.EnumerateDirectories("/proc").Where(d => int.TryParse(Path.GetFileName(d), out _)))
        {
            try
            {
                if (File.ReadAllText(process + "/cmdline").Contains($"/{name}/", StringComparison.Ordinal)) left.Add(process);
            }
            catch (IOException)
            {
                // It has ended.
            }
        }

        return left;
    }
}
