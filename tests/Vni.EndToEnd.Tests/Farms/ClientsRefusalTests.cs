using Vni.EndToEnd.Tests.Farming;

namespace Vni.EndToEnd.Tests.Farms;

/// <summary>What cannot be moved, or not there: refused with a reason, and it runs on where it is, its connections too.</summary>
public sealed class ClientsRefusalTests(PlaygroundFixture fixture) : PlaygroundTests(fixture)
{
    [Fact]
    public async Task Commands_that_make_no_sense_are_refused_and_change_nothing()
    {
        var ip = await RunCounterAsync("app");
        await using var client = await LineClient.ConnectAsync(Farm.Client, ip);
        await client.CountAsync();
        await Farm.RefusedAsync("n1", "not_found", "migrate", "app", "no-such-node");
        await Farm.RefusedAsync("n1", "not_found", "migrate", "app", "registry");
        await Farm.RefusedAsync("n2", "not_found", "migrate", "no-such-app", Farm.IdentityOf("n2"));
        await Farm.RefusedAsync("n2", "invalid_argument", "migrate", "app", Farm.IdentityOf("n1"));
        await Farm.RefusedAsync("n2", "invalid_argument", "migrate", "app", Farm.IdentityOf("n1"), "--dry-run");
        await Farm.RefusedAsync("n1", "invalid_argument", "migrate", "app", "../n2");
        await Farm.RefusedAsync("n1", "invalid_argument", "migrate", "../app", Farm.IdentityOf("n2"));
        await Farm.RefusedAsync("n1", "invalid_argument", "migrate", "app", Farm.IdentityOf("n2"), "--timeout", "0");
        Assert.Equal(2, (await Farm.TryVniAsync("n1", "migrate", "app", Farm.IdentityOf("n2"), "--timeout", "-1")).Status);
        Assert.Equal(2, (await Farm.TryVniAsync("n1", "migrate", "app", Farm.IdentityOf("n2"), "--timeout", "soon")).Status);
        Assert.Equal(2, (await Farm.TryVniAsync("n1", "migrate", "app")).Status);
        await client.CountAsync();
        await Farm.AssertAsync("app", "running", "n1");
        await Farm.AssertNothingLeftOfAsync("n2", "n3");
    }

    [Fact]
    public async Task What_cannot_be_saved_is_named_by_a_dry_run_and_by_a_migration_and_runs_on()
    {
        var ip = (await Farm.RunAsync("n1", "odd", App("undumpable"), "uring")).Text("ip");
        await using var client = await LineClient.ConnectAsync(Farm.Client, ip);
        await client.CountAsync();
        await BlockedAsync("odd", "n2", "undumpable", "io_uring");
        Assert.Contains("io_uring", await Farm.RefusedAsync("n1", "not_dumpable", "migrate", "odd", Farm.IdentityOf("n2")), StringComparison.Ordinal);
        await client.CountAsync();
        await Farm.AssertAsync("odd", "running", "n1");
        await Farm.AssertNothingLeftOfAsync("n2", "n3");
    }

    [Fact]
    public async Task A_target_with_another_version_of_a_file_too_little_memory_or_another_processor_is_refused_with_the_reason()
    {
        var program = Path.Combine(Farm.Directory, "server");
        File.Copy(App("static"), program);
        var ip = (await Farm.RunAsync("n1", "app", program)).Text("ip");
        await using var client = await LineClient.ConnectAsync(Farm.Client, ip);
        await client.CountAsync();

        var meminfo = Path.Combine(Farm.Directory, "meminfo");
        await File.WriteAllTextAsync(meminfo, "MemTotal: 1024 kB\nMemAvailable: 64 kB\n");
        var cpuinfo = Path.Combine(Farm.Directory, "cpuinfo");
        await File.WriteAllTextAsync(cpuinfo, (await File.ReadAllTextAsync("/proc/cpuinfo")).Replace(" sse2 ", " ", StringComparison.Ordinal));
        var cases = new[] { (App("sequence"), program, program), (meminfo, "/proc/meminfo", "memory"), (cpuinfo, "/proc/cpuinfo", "sse2") };
        foreach (var (sees, where, reason) in cases)
        {
            await using (await Farm.RestartSeeingAsync("n2", sees, where))
            {
                await BlockedAsync("app", "n2", reason);
                Assert.Contains(reason, await Farm.RefusedAsync("n1", "incompatible", "migrate", "app", Farm.IdentityOf("n2")), StringComparison.Ordinal);
                await client.CountAsync();
                await Farm.AssertAsync("app", "running", "n1");
                await Farm.AssertNothingLeftOfAsync("n2");
            }
        }

        await Farm.MigrateAsync("app", "n2");
        await client.CountAsync();
    }

    [Fact]
    public async Task Stopped_and_dormant_applications_go_too_and_come_to_life_there()
    {
        var ip = await RunCounterAsync("app");
        await using var client = await LineClient.ConnectAsync(Farm.Client, ip);
        await client.CountAsync();
        await Farm.VniAsync("n1", "snapshot", "app");
        foreach (var node in new[] { "n2", "n3" })
        {
            await Farm.MigrateAsync("app", node);
            await Farm.AssertAsync("app", "dormant", node);
        }

        await Farm.VniAsync("n1", "restore", "app");
        await client.CountAsync();
        await Farm.AssertAsync("app", "running", "n3");

        await Farm.VniAsync("n1", "exec", "app", "--", "/bin/sh", "-c", "echo kept >/var/tmp/file");
        await Farm.VniAsync("n1", "stop", "app");
        await Farm.MigrateAsync("app", "n1");
        await Farm.AssertAsync("app", "stopped", "n1");
        await Farm.VniAsync("n2", "start", "app");
        Assert.Equal("kept\n", await Farm.VniAsync("n2", "exec", "app", "--", "cat", "/var/tmp/file"));
        await using var anew = await LineClient.ConnectAsync(Farm.Client, ip);
        Assert.Equal(1, await anew.CountAsync());
    }

    /// <summary>A dry run must say that all of this stands against it.</summary>
    private async Task BlockedAsync(string aid, string to, params string[] words)
    {
        var dry = await Farm.TryVniAsync("n3", "migrate", aid, Farm.IdentityOf(to), "--dry-run");
        Assert.True(dry.Status == 1, dry.ToString());
        foreach (var word in words) Assert.Contains(word, dry.Output + dry.Error, StringComparison.Ordinal);
    }
}
