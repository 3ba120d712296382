using System.Text.Json;
using Vni.EndToEnd.Tests.Farming;

namespace Vni.EndToEnd.Tests;

/// <summary>Every command of vni, as a user and as a script meets it.</summary>
public sealed class CommandLineTests(FarmFixture fixture) : FarmTests(fixture)
{
    private static readonly string[] StableNames = ["aid", "status", "ip", "mac", "hostname", "node", "epoch", "pids", "snapshot"];

    [Fact]
    public async Task Run_ps_and_inspect_give_the_promised_names()
    {
        var run = await Farm.RunAsync("one", App("static"));
        var listed = Assert.Single((await Farm.VniJsonAsync("ps")).EnumerateArray());
        var inspected = await Farm.InspectAsync("one");
        foreach (var view in new[] { run, listed, inspected })
        {
            Assert.All(StableNames, name => Assert.True(view.TryGetProperty(name, out _), $"'{name}' is missing in {view}"));
            Assert.Equal("one", view.Text("aid"));
            Assert.Equal("running", view.Text("status"));
            Assert.Equal(Farm.Name, view.Text("node"));
            Assert.Equal(1, view.GetProperty("epoch").GetInt64());
            Assert.Equal(JsonValueKind.Null, view.GetProperty("snapshot").ValueKind);
            Assert.NotEmpty(view.Numbers("pids"));
        }

        Assert.Contains("one", await Farm.VniAsync("ps"), StringComparison.Ordinal);
        Assert.Contains(run.Text("ip"), await Farm.VniAsync("inspect", "one"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Logs_hold_what_the_application_printed_and_survive_stop_and_start()
    {
        await Farm.RunAsync("talker", "/bin/sh", "-c", "echo said it; echo on error >&2; exec sleep 1000");
        await Eventually.GetAsync("the output", () => Farm.VniAsync("logs", "talker"), l => l.Contains("said it\n", StringComparison.Ordinal) && l.Contains("on error\n", StringComparison.Ordinal));
        await Farm.VniAsync("stop", "talker");
        Assert.Contains("said it", await Farm.VniAsync("logs", "talker"), StringComparison.Ordinal);
        await Farm.VniAsync("start", "talker");
        await Eventually.GetAsync("the second output", () => Farm.VniAsync("logs", "talker", "--process", "main"), l => l.Split("said it").Length == 3);
    }

    [Fact]
    public async Task Exec_runs_inside_and_passes_output_and_exit_status_through()
    {
        await Farm.VniAsync("run", "--name", "inner", "--hostname", "inner-host", "--env", "COLOUR=blue", "--", App("static"));
        var outcome = await Farm.TryVniAsync("exec", "inner", "--", "/bin/sh", "-c", "hostname; echo aside >&2; exit 7");
        Assert.Equal((7, "inner-host\n", "aside\n"), (outcome.Status, outcome.Output, outcome.Error));
        var pids = await Farm.VniAsync("exec", "inner", "--", "/bin/sh", "-c", "echo $$; cat /proc/1/comm");
        Assert.EndsWith("appshot\n", pids, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Exec_passes_its_standard_input_on()
    {
        await RunCounterAsync("reader");
        var outcome = await Shell.TryAsync(Repository.Binary("vni"), ["exec", "reader", "--", "tr", "a-z", "A-Z"], "carried\n", ("VNI_SOCKET", Farm.Socket));
        Assert.Equal((0, "CARRIED\n"), (outcome.Status, outcome.Output));
    }

    [Fact]
    public async Task Exec_of_what_does_not_exist_is_refused()
    {
        await RunCounterAsync("empty");
        await Farm.RefusedAsync("command_not_found", "exec", "empty", "--", "no-such-command");
    }

    [Fact]
    public async Task Stop_keeps_files_and_identity_and_start_begins_anew()
    {
        var first = await Farm.RunAsync("keeper", "/bin/sh", "-c", "echo run >> /var/tmp/runs; exec sleep 1000");
        await Farm.VniAsync("stop", "keeper");
        var stopped = await Farm.InspectAsync("keeper");
        Assert.Equal("stopped", stopped.Text("status"));
        Assert.Empty(stopped.Numbers("pids"));
        await Farm.RefusedAsync("wrong_state", "exec", "keeper", "--", "true");
        await Farm.VniAsync("start", "keeper");
        var second = await Farm.InspectAsync("keeper");
        Assert.Equal((first.Text("ip"), first.Text("hostname")), (second.Text("ip"), second.Text("hostname")));
        Assert.Equal("run\nrun\n", await Eventually.GetAsync("the second run", () => Farm.VniAsync("exec", "keeper", "--", "cat", "/var/tmp/runs"), r => r.Length > 4));
        Assert.False(File.Exists("/var/tmp/runs"), "what the application wrote came to the node");
    }

    [Fact]
    public async Task An_application_that_ends_by_itself_is_stopped_with_its_exit_status()
    {
        await Farm.RunAsync("brief", "/bin/sh", "-c", "exit 3");
        var ended = await Eventually.GetAsync("the end", () => Farm.InspectAsync("brief"), a => a.Text("status") == "stopped");
        Assert.Equal(3, ended.GetProperty("exits")[0].GetProperty("exitCode").GetInt32());
    }

    [Fact]
    public async Task Snapshots_are_listed_and_the_former_one_is_kept()
    {
        await RunCounterAsync("shot");
        var first = (await Farm.VniJsonAsync("snapshot", "shot", "--leave-running")).Text("snapshot");
        Assert.Equal("running", await Farm.StatusAsync("shot"));
        var second = (await Farm.VniJsonAsync("snapshot", "shot")).Text("snapshot");
        Assert.NotEqual(first, second);
        var dormant = await Farm.InspectAsync("shot");
        Assert.Equal(("dormant", second), (dormant.Text("status"), dormant.Text("snapshot")));
        Assert.Empty(dormant.Numbers("pids"));
        string[] listed = [.. (await Farm.VniJsonAsync("snapshots", "shot")).EnumerateArray().Select(s => s.Text("snapshot"))];
        Assert.Contains(first, listed);
        Assert.Contains(second, listed);
        await Farm.VniAsync("restore", "shot", "--snapshot", first);
        Assert.Equal("running", await Farm.StatusAsync("shot"));
    }

    [Fact]
    public async Task Events_tell_the_life_of_an_application_in_order()
    {
        await RunCounterAsync("lived");
        await Farm.VniAsync("snapshot", "lived");
        await Farm.VniAsync("restore", "lived");
        await Farm.VniAsync("stop", "lived");
        var lines = (await Farm.VniAsync("events", "lived", "-o", "json")).Trim();
        var events = lines.StartsWith('[') ? JsonDocument.Parse(lines).RootElement.EnumerateArray().ToList() : [.. lines.Split('\n').Select(l => JsonDocument.Parse(l).RootElement)];
        Assert.Equal(["created", "started", "snapshotted", "restored", "stopped"], events.Select(e => e.Text("kind")));
        Assert.Equal(Enumerable.Range(1, 5), events.Select(e => e.GetProperty("number").GetInt32()));
    }

    [Fact]
    public async Task Version_and_check_answer()
    {
        var version = await Farm.VniAsync("version");
        Assert.Contains("0.1.0", version, StringComparison.Ordinal);
        var checks = (await Farm.VniJsonAsync("check")).EnumerateArray().ToList();
        Assert.NotEmpty(checks);
        Assert.All(checks.Where(c => c.GetProperty("required").GetBoolean()), c => Assert.True(c.GetProperty("ok").GetBoolean(), c.ToString()));
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("run", "--no-such-option", "--", "true")]
    [InlineData("run")]
    [InlineData("inspect")]
    [InlineData("run", "--memory", "much", "--", "true")]
    [InlineData("run", "--cpus", "0", "--", "true")]
    [InlineData("run", "--name=", "--", "true")]
    public async Task What_is_not_understood_is_a_usage_error(params string[] arguments) =>
        Assert.Equal(2, (await Farm.TryVniAsync(arguments)).Status);

    [Fact]
    public async Task Without_a_daemon_every_command_says_so()
    {
        var outcome = await Shell.TryAsync(Repository.Binary("vni"), ["ps"], null, ("VNI_SOCKET", Path.Combine(Farm.Directory, "nobody.sock")));
        Assert.Equal(1, outcome.Status);
        Assert.Contains("daemon_unavailable", outcome.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("inspect")]
    [InlineData("logs")]
    [InlineData("stop")]
    [InlineData("start")]
    [InlineData("rm")]
    [InlineData("snapshot")]
    [InlineData("restore")]
    [InlineData("events")]
    public async Task A_name_that_nobody_holds_is_not_found(string command) => await Farm.RefusedAsync("not_found", command, "nobody");

    [Fact]
    public async Task Environment_user_and_working_directory_reach_the_application()
    {
        await Farm.VniAsync("run", "--name", "set", "--env", "A=1", "--env", "B=two words", "--user", "www-data", "--workdir", "/usr/share",
            "--", "/bin/sh", "-c", "echo \"$A|$B|$(id -un)|$(pwd)|$HOME\"; exec sleep 1000");
        Assert.Equal("1|two words|www-data|/usr/share|/var/www\n", await Eventually.GetAsync("the output", () => Farm.VniAsync("logs", "set"), l => l.EndsWith('\n')));
    }

    [Fact]
    public async Task A_chain_is_declared_in_a_file()
    {
        var file = Path.Combine(Farm.Directory, "application.yaml");
        await File.WriteAllTextAsync(file, $$"""
            name: pair
            ip: 10.117.3.4
            hostname: pair-host
            processes:
              - name: first
                command: [{{App("static")}}, "7001"]
              - name: second
                command: [{{App("static")}}, "7002"]
                env: { COLOUR: green }
                user: www-data
                workdir: /tmp
            """);
        await Farm.VniAsync("run", "-f", file);
        var pair = await Farm.InspectAsync("pair");
        Assert.Equal(("10.117.3.4", "pair-host"), (pair.Text("ip"), pair.Text("hostname")));
        await using var first = await LineClient.ConnectAsync(Farm.Client, "10.117.3.4", 7001);
        await using var second = await LineClient.ConnectAsync(Farm.Client, "10.117.3.4", 7002);
        Assert.Equal((1, 1), (await first.CountAsync(), await second.CountAsync()));
        Assert.Contains("serving on 7002", await Farm.VniAsync("logs", "pair", "--process", "second"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task All_mistakes_of_a_file_are_reported_at_once_with_their_lines()
    {
        var file = Path.Combine(Farm.Directory, "mistakes.yaml");
        await File.WriteAllTextAsync(file, """
            name: Bad_Name
            colour: red
            processes:
              - name: first
                command: true
                spirit: high
            limits:
              memory: much
            """);
        var outcome = await Farm.TryVniAsync("run", "-f", file);
        Assert.NotEqual(0, outcome.Status);
        foreach (var part in new[] { "colour", "spirit", "command", "memory", ":2", ":5", ":6", ":8" }) Assert.Contains(part, outcome.Error, StringComparison.Ordinal);
    }
}
