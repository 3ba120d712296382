using Vni.EndToEnd.Tests.Farming;

namespace Vni.EndToEnd.Tests;

/// <summary>
/// The daemon dies without a word, and is started again: instances that ran still run, registry and kernel agree, an
/// interrupted operation is done or undone, nothing leaks.
/// </summary>
public sealed class CrashTests : IAsyncLifetime
{
    private Farm _farm = null!;
    private string _program = "";

    public async Task InitializeAsync()
    {
        _farm = await Farm.StartAsync();
        _program = Path.Combine(await _farm.AddAppsAsync(), "static");
    }

    public async Task DisposeAsync() => await _farm.DisposeAsync();

    [Fact]
    public async Task Idle_daemon_killed_and_instances_run_on_and_are_adopted()
    {
        var ip = (await _farm.RunAsync("app", _program)).Text("ip");
        await _farm.RunAsync("asleep", _program);
        await _farm.VniAsync("snapshot", "asleep");
        await _farm.RunAsync("halted", _program);
        await _farm.VniAsync("stop", "halted");
        await using var client = await LineClient.ConnectAsync(_farm.Client, ip);
        await client.CountAsync();
        var before = (await _farm.InspectAsync("app")).Processes();

        await _farm.KillDaemonAsync();
        await client.CountAsync(); // Nobody needs the daemon for this.
        await _farm.StartDaemonAsync();

        var after = await _farm.InspectAsync("app");
        Assert.Equal("running", after.Text("status"));
        Assert.Equal(before, after.Processes());
        Assert.Equal(("dormant", "stopped"), (await _farm.StatusAsync("asleep"), await _farm.StatusAsync("halted")));
        await CheckAsync("app", client);
        await _farm.VniAsync("restore", "asleep");
        await _farm.VniAsync("start", "halted");
        await CheckNothingLeaksAsync();
    }

    [Fact]
    public async Task Graceful_stop_leaves_instances_running()
    {
        var ip = (await _farm.RunAsync("app", _program)).Text("ip");
        await using var client = await LineClient.ConnectAsync(_farm.Client, ip);
        Assert.Equal(0, await _farm.StopDaemonAsync());
        await client.CountAsync();
        await _farm.StartDaemonAsync();
        await CheckAsync("app", client);
        await CheckNothingLeaksAsync();
    }

    [Fact]
    public async Task An_application_that_ended_while_no_daemon_ran_is_found_stopped()
    {
        await _farm.RunAsync("app", "/bin/sh", "-c", "while [ ! -e /var/tmp/end ]; do sleep 0.05; done; exit 5");
        var pid = (await _farm.InspectAsync("app")).GetProperty("processes")[0].GetProperty("hostPid").GetInt32();
        await _farm.KillDaemonAsync();
        await File.WriteAllTextAsync($"/proc/{pid}/root/var/tmp/end", "");
        await Eventually.TrueAsync("the end of the application", () => !File.Exists($"/proc/{pid}/comm"));
        await _farm.StartDaemonAsync();
        Assert.Equal("stopped", await _farm.StatusAsync("app"));
        await _farm.VniAsync("start", "app");
        await CheckNothingLeaksAsync();
    }

    [Theory]
    [MemberData(nameof(FaultPointsOf), "run", "start")]
    public async Task Killed_during_run(string point)
    {
        await RestartAsync(point);
        await _farm.TryVniAsync("run", "--name", "app", "--", _program);
        await _farm.AwaitDaemonDeathAsync();
        await RestartAsync();
        var found = (await _farm.VniJsonAsync("ps")).EnumerateArray().ToList();
        if (found.Count == 0 || found[0].Text("status") != "running")
        {
            if (found.Count > 0) await _farm.VniAsync("rm", "--force", "app");
            await _farm.AssertNothingLeftAsync();
            await _farm.RunAsync("app", _program); // Name and address are free, or it would be refused.
        }

        await using var client = await LineClient.ConnectAsync(_farm.Client, (await _farm.InspectAsync("app")).Text("ip"));
        await CheckAsync("app", client);
        await CheckNothingLeaksAsync();
    }

    [Theory]
    [MemberData(nameof(FaultPointsOf), "join", "join")]
    public async Task Killed_while_a_program_joins(string point)
    {
        await using var client = await RunAsync();
        await RestartAsync(point);
        await _farm.TryVniAsync("join", "--name", "second", "app", "--", "/bin/sleep", "1000");
        await _farm.AwaitDaemonDeathAsync();
        await RestartAsync();
        var app = await _farm.InspectAsync("app");
        string[] joined = [.. app.GetProperty("joined").EnumerateArray().Select(process => process.Text("name"))];
        Assert.Equal(joined, app.GetProperty("processes").EnumerateArray().Select(process => process.GetProperty("process").GetString()).Where(name => name == "second"));
        await CheckAsync("app", client);
        if (joined.Length == 0) await _farm.VniAsync("join", "--name", "second", "app", "--", "/bin/sleep", "1000");
        await CheckNothingLeaksAsync();
    }

    [Theory]
    [MemberData(nameof(FaultPointsOf), "snapshot", "capture")]
    public async Task Killed_during_a_snapshot(string point)
    {
        await using var client = await RunAsync();
        await RestartAsync(point);
        await _farm.TryVniAsync("snapshot", "app");
        await _farm.AwaitDaemonDeathAsync();
        await RestartAsync();
        await CheckAsync("app", client);
        await CheckNothingLeaksAsync();
    }

    [Theory]
    [MemberData(nameof(FaultPointsOf), "restore", "resume")]
    public async Task Killed_during_a_restore(string point)
    {
        await using var client = await RunAsync();
        await _farm.VniAsync("snapshot", "app");
        await RestartAsync(point);
        await _farm.TryVniAsync("restore", "app");
        await _farm.AwaitDaemonDeathAsync();
        await RestartAsync();
        await CheckAsync("app", client);
        await CheckNothingLeaksAsync();
    }

    [Fact]
    public async Task Killed_at_random_moments_twenty_times()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        await using var client = await RunAsync();
        for (var round = 0; round < 20; round++)
        {
            var operation = _farm.TryVniAsync(await _farm.StatusAsync("app") == "running" ? "snapshot" : "restore", "app");
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(200)), TimeProvider.System);
            await _farm.KillDaemonAsync();
            await operation;
            await RestartAsync();
            var status = await _farm.StatusAsync("app");
            Assert.True(status is "running" or "dormant", $"seed {seed}, round {round}: {status}\n{_farm.Log}");
            if (status == "running") await client.CountAsync();
        }

        await CheckAsync("app", client);
        await CheckNothingLeaksAsync();
    }

    /// <summary>The points that the product's source names, so that a new one is tested without being listed again.</summary>
    public static TheoryData<string> FaultPointsOf(string operation, string other)
    {
        var points = new TheoryData<string>();
        foreach (var name in FaultPointNames.All.Where(p => p.Split(':')[0] is var head && (head == operation || head == other))) points.Add(name);
        return points;
    }

    private async Task<LineClient> RunAsync()
    {
        var client = await LineClient.ConnectAsync(_farm.Client, (await _farm.RunAsync("app", _program)).Text("ip"));
        await client.CountAsync();
        return client;
    }

    private async Task RestartAsync(string? fault = null)
    {
        if (_farm.DaemonRuns) await _farm.KillDaemonAsync();
        await _farm.StartDaemonAsync(fault);
    }

    /// <summary>The application is running, or is dormant and can be restored; its old connection lives; it can be snapshotted and restored.</summary>
    private async Task CheckAsync(string aid, LineClient client)
    {
        if (await _farm.StatusAsync(aid) == "dormant") await _farm.VniAsync("restore", aid);
        Assert.Equal("running", await _farm.StatusAsync(aid));
        await client.CountAsync();
        await _farm.VniAsync("snapshot", aid);
        await _farm.VniAsync("restore", aid);
        await client.CountAsync();
    }

    private async Task CheckNothingLeaksAsync()
    {
        // Every snapshot directory is one that the registry knows.
        string[] known = [.. (await _farm.VniJsonAsync("snapshots")).EnumerateArray().Select(s => s.Text("snapshot")).Order(StringComparer.Ordinal)];
        var directory = Path.Combine(_farm.State, "snapshots");
        string[] there = Directory.Exists(directory) ? [.. Directory.GetDirectories(directory).Select(d => Path.GetFileName(d)!).Order(StringComparer.Ordinal)] : [];
        Assert.Equal(known, there);
        await _farm.RemoveAllAsync();
        await _farm.AssertNothingLeftAsync();
    }
}
