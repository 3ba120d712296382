using System.Text.Json;
using Vni.EndToEnd.Tests.Farming;

namespace Vni.EndToEnd.Tests;

/// <summary>Members of a chain: started in order, started again, joined by others, and all of that through a snapshot [A2].</summary>
public sealed class MemberTests(FarmFixture fixture) : FarmTests(fixture)
{
    [Fact]
    public async Task An_application_starts_after_its_database_is_ready_and_is_started_again_when_it_crashes()
    {
        await RunChainAsync($$"""
              - name: app
                command: [/usr/bin/python3, -c, "import os, socket, sys, time; socket.create_connection(('127.0.0.1', 7000)); print('in order', flush=True); os.path.exists('/var/tmp/again') and time.sleep(1000); open('/var/tmp/again', 'w'); sys.exit(3)"]
                after: db
                restart: { policy: on-failure, delay: 20ms }
              - name: db
                command: sh -c 'sleep 0.2; exec {{App("static")}} 7000'
                ready: { port: 7000, interval: 20ms }
            """);
        var app = await MemberAsync("app", member => member.Text("state") == "running" && member.GetProperty("restarts").GetInt32() == 1);
        Assert.Equal(3, app.GetProperty("lastExit").GetProperty("exitCode").GetInt32());
        Assert.Equal("in order\nin order\n", await Eventually.GetAsync("two runs", () => Farm.VniAsync("logs", "--process", "app", "chain"), log => log.Split('\n').Length == 3));
    }

    [Fact]
    public async Task A_chain_that_does_not_get_ready_or_makes_no_sense_is_refused_and_leaves_nothing()
    {
        var slow = await FileAsync("  - { name: db, command: sleep 1000, ready: { file: /var/tmp/never, timeout: 200ms } }\n  - { name: app, command: sleep 1000, after: db }");
        Assert.Contains("cannot start 'db' of application chain: file /var/tmp/never did not exist within 0.2 s", await Farm.RefusedAsync("not_ready", "run", "-f", slow), StringComparison.Ordinal);
        var circle = await FileAsync("  - { name: db, command: sleep 1000, after: app }\n  - { name: app, command: sleep 1000, after: db }");
        Assert.Contains("'db' after 'app' after 'db'", await Farm.RefusedAsync("invalid_argument", "run", "-f", circle), StringComparison.Ordinal);
        Assert.Equal("[]", (await Farm.VniAsync("ps", "-o", "json")).Trim());
    }

    [Fact]
    public async Task A_start_that_waits_for_what_never_comes_is_given_up()
    {
        var start = Farm.TryVniAsync("run", "-f", await FileAsync("  - { name: db, command: sleep 1000, ready: { file: /var/tmp/never, timeout: 10m } }"));
        await Eventually.GetAsync("its start", () => Farm.TryVniAsync("inspect", "chain", "-o", "json"), seen => seen.Status == 0 && seen.Output.Contains("\"starting\"", StringComparison.Ordinal));
        await Farm.VniAsync("rm", "--force", "chain");
        var given = await start;
        Assert.True(given.Status == 1 && given.Error.Contains("was given up", StringComparison.Ordinal), given.ToString());
        Assert.Equal("[]", (await Farm.VniAsync("ps", "-o", "json")).Trim());
    }

    [Fact]
    public async Task Restarts_go_on_through_snapshots_and_counts_with_them()
    {
        await RunChainAsync("  - { name: app, command: sh -c 'exit 4', restart: { policy: always, delay: 30ms, max-delay: 60ms } }");
        for (var round = 0; round < 3; round++)
        {
            var before = (await MemberAsync("app", _ => true)).GetProperty("restarts").GetInt32();
            await MemberAsync("app", member => member.GetProperty("restarts").GetInt32() > before);
            await Farm.VniAsync("snapshot", "chain");
            await Farm.VniAsync("restore", "chain");
            await MemberAsync("app", member => member.GetProperty("restarts").GetInt32() > before + 1);
        }

        Assert.Equal("running", await Farm.StatusAsync("chain"));
    }

    [Fact]
    public async Task A_program_that_joins_is_saved_and_restored_with_the_application_until_that_is_stopped()
    {
        var ip = await RunCounterAsync("app");
        var joined = await Farm.VniJsonAsync("join", "--name", "second", "--env", "A=b", "app", "--", App("static"), "7001");
        var pid = joined.GetProperty("pid").GetInt32();
        await using var client = await LineClient.ConnectAsync(Farm.Client, ip, 7001);
        await client.CountAsync();
        for (var round = 0; round < 2; round++)
        {
            await Farm.VniAsync("snapshot", "app");
            await Farm.VniAsync("restore", "app");
            await client.CountAsync();
            var process = (await Farm.InspectAsync("app")).GetProperty("processes").EnumerateArray().Single(p => p.GetProperty("process").GetString() == "second");
            Assert.Equal((pid, 1), (process.GetProperty("pid").GetInt32(), process.GetProperty("parent").GetInt32()));
        }

        Assert.Contains("serving on 7001", await Farm.VniAsync("logs", "--process", "second", "app"), StringComparison.Ordinal);
        Assert.Contains("second has joined as process", await Farm.VniAsync("events", "app"), StringComparison.Ordinal);
        await Farm.VniAsync("stop", "app");
        var stopped = await Farm.InspectAsync("app");
        Assert.Equal(["main", "second"], stopped.GetProperty("exits").EnumerateArray().Select(exit => exit.Text("process")));
        Assert.Empty(stopped.GetProperty("joined").EnumerateArray());
        Assert.Contains("start it first", await Farm.RefusedAsync("wrong_state", "join", "app", "--", "true"), StringComparison.Ordinal);
        await Farm.VniAsync("start", "app");
        Assert.DoesNotContain("7001", string.Join(' ', (await Farm.InspectAsync("app")).Processes()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_cannot_join_is_refused_with_a_sentence_and_nothing_has_changed()
    {
        await RunCounterAsync("app");
        var before = (await Farm.InspectAsync("app")).Processes();
        Assert.Contains("'main'", await Farm.RefusedAsync("name_in_use", "join", "--name", "main", "app", "--", "true"), StringComparison.Ordinal);
        Assert.Contains("/no/such", await Farm.RefusedAsync("command_not_found", "join", "app", "/no/such"), StringComparison.Ordinal);
        await Farm.RefusedAsync("user_not_found", "join", "--user", "nobody-at-all", "app", "true");
        await Farm.RefusedAsync("invalid_argument", "join", "--name", "A B", "--stop-signal", "HALT", "app", "true");
        await Farm.RefusedAsync("not_found", "join", "nothing", "true");
        Assert.Equal(2, (await Farm.TryVniAsync("join", "--restart", "sometimes", "app", "true")).Status);
        var after = await Farm.InspectAsync("app");
        Assert.Equal(before, after.Processes());
        Assert.Empty(after.GetProperty("joined").EnumerateArray());
    }

    private Task<JsonElement> MemberAsync(string name, Predicate<JsonElement> good) => Eventually.GetAsync(
        $"the wanted state of {name}",
        async () => (await Farm.InspectAsync("chain")).GetProperty("chain").EnumerateArray().FirstOrDefault(member => member.Text("name") == name),
        member => member.ValueKind == JsonValueKind.Object && good(member));

    private async Task RunChainAsync(string processes) => await Farm.VniAsync("run", "-f", await FileAsync(processes));

    private async Task<string> FileAsync(string processes)
    {
        var file = Path.Combine(Farm.Directory, "chain.yaml");
        await File.WriteAllTextAsync(file, $"name: chain\nprocesses:\n{processes}\n");
        return file;
    }
}
