using System.Text.Json;
using Vni.EndToEnd.Tests.Farming;

namespace Vni.EndToEnd.Tests;

/// <summary>What is in the way of a snapshot: looked at, waited for, and put out of the way [A4].</summary>
public sealed class QuietTests(FarmFixture fixture) : FarmTests(fixture)
{
    [Fact]
    public async Task The_check_names_everything_and_disturbs_nobody()
    {
        var ip = (await Farm.RunAsync("odd", App("undumpable"), "traced", "uring", "mptcp", "kernel=inotify")).Text("ip");
        await Farm.RunAsync("plain", App("static"));
        await using var client = await LineClient.ConnectAsync(Farm.Client, ip);
        await client.CountAsync();
        for (var i = 0; i < 2; i++)
        {
            var (status, output, _) = await Farm.TryVniAsync("check", "odd", "-o", "json");
            Assert.Equal(1, status);
            var findings = JsonDocument.Parse(output).RootElement.GetProperty("findings").EnumerateArray().ToList();
            Assert.Superset(new HashSet<string> { "io-uring", "socket", "watch", "traced" }, findings.Select(f => f.Text("kind")).ToHashSet());
            Assert.All(findings, f => Assert.NotEmpty(f.Text("remedy")));
            await client.CountAsync();
        }

        var text = (await Farm.TryVniAsync("check", "odd")).Output;
        Assert.Contains("cannot be saved: 4 findings", text, StringComparison.Ordinal);
        Assert.Contains("(undumpable) is being traced", text, StringComparison.Ordinal);

        var refusal = await Farm.TryVniAsync("snapshot", "odd", "-o", "json");
        Assert.Equal(4, JsonDocument.Parse(refusal.Error).RootElement.GetProperty("error").GetProperty("findings").GetArrayLength());
        await client.CountAsync();

        Assert.Contains("nothing keeps it from being saved", await Farm.VniAsync("check", "plain"), StringComparison.Ordinal);
        await Farm.VniAsync("snapshot", "plain");
        Assert.Contains("dormant", await Farm.RefusedAsync("wrong_state", "check", "plain"), StringComparison.Ordinal);
        await Farm.RefusedAsync("not_found", "check", "nobody");
    }

    [Fact]
    public async Task A_passing_moment_is_waited_for_as_long_as_is_asked()
    {
        var ip = (await Farm.RunAsync("one-by-one", App("undumpable"))).Text("ip"); // It accepts a connection when the one before has ended.
        var first = await LineClient.ConnectAsync(Farm.Client, ip);
        await first.CountAsync();
        await using var second = await LineClient.ConnectAsync(Farm.Client, ip);
        var refusal = await Farm.RefusedAsync("not_dumpable", "snapshot", "one-by-one", "--wait", "300ms");
        Assert.Contains("has not yet accepted 1 of the connections to port 7000", refusal, StringComparison.Ordinal);
        Assert.Contains("tried for 0.3 s", refusal, StringComparison.Ordinal);
        await first.CountAsync();

        var snapshot = Farm.VniJsonAsync("snapshot", "one-by-one", "--leave-running", "--wait", "30s");
        await first.DisposeAsync();
        await snapshot;
        Assert.Equal("3", await second.AskAsync("x"));
    }

    [Fact]
    public async Task Visitors_are_a_refusal_or_closed_and_what_they_leave_behind_belongs_to_the_application()
    {
        var ip = (await Farm.RunAsync("visited", App("undumpable"))).Text("ip");
        await using var client = await LineClient.ConnectAsync(Farm.Client, ip);
        await Farm.VniAsync("exec", "visited", "--", "/bin/sh", "-c", "sleep 7654 >/dev/null 2>&1 </dev/null &");
        Assert.Equal(0, (await Farm.TryVniAsync("check", "visited")).Status);
        var visit = Farm.TryVniAsync("exec", "visited", "--", "/bin/sh", "-c", "trap '' TERM HUP; echo here > /var/tmp/here; while :; do sleep 1; done");
        await Eventually.GetAsync("the visitor", () => Farm.TryVniAsync("check", "visited"), seen => seen.Output.Contains("trap", StringComparison.Ordinal));
        var refusal = await Farm.RefusedAsync("not_dumpable", "snapshot", "visited");
        Assert.Contains("is a visitor", refusal, StringComparison.Ordinal);
        Assert.Contains("--close-visitors", refusal, StringComparison.Ordinal);
        await client.CountAsync();

        var taken = await Farm.VniJsonAsync("snapshot", "visited", "--close-visitors");
        Assert.Contains(taken.GetProperty("closedVisitors").EnumerateArray(), v => v.Text("command").StartsWith("/bin/sh -c trap", StringComparison.Ordinal));
        Assert.Equal(137, (await visit).Status);
        await Farm.VniAsync("restore", "visited");
        await client.CountAsync();
        Assert.Contains((await Farm.InspectAsync("visited")).GetProperty("processes").EnumerateArray(), p => p.Text("command") == "sleep 7654");
    }
}
