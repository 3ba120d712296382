using Vni.Actors;
using Vni.Actors.Applications;
using Vni.Cli.Declarations;
using Xunit;

namespace Vni.Unit.Tests.Cli;

public sealed class ChainKeysTests
{
    [Fact]
    public void A_process_says_its_place_in_the_chain()
    {
        var declaration = ApplicationFile.Parse(
            """
            processes:
              - name: db
                command: postgres
                ready: { port: 5432, interval: 100ms, timeout: 2m }
                restart: { policy: always, delay: 500ms, max-delay: 30s, reset: 5m, count: 9 }
                stop-signal: INT
                grace: 30s
              - { name: cache, command: redis, ready: { file: /run/redis.sock } }
              - { name: app, command: app, after: [db, cache], restart: on-failure, ready: { command: curl -f localhost } }
              - { name: log, command: log, after: app }
            """,
            "a.yaml");
        var (db, cache, app, log) = (declaration.Processes[0], declaration.Processes[1], declaration.Processes[2], declaration.Processes[3]);
        Assert.Equal(new RestartPolicy { Policy = "always", DelaySeconds = 0.5, MaxDelaySeconds = 30, ResetSeconds = 300, MaxCount = 9 }, db.Restart);
        Assert.Equal(new ReadinessTest { Port = 5432, IntervalSeconds = 0.1, TimeoutSeconds = 120 }, db.Ready);
        Assert.Equal(("INT", 30.0), (db.StopSignal, db.GraceSeconds));
        Assert.Equal(new ReadinessTest { File = "/run/redis.sock" }, cache.Ready);
        Assert.Equal((null, "TERM", null), (cache.Restart, cache.StopSignal, cache.GraceSeconds));
        Assert.Equal(["db", "cache"], app.After);
        Assert.Equal(new RestartPolicy { Policy = "on-failure" }, app.Restart);
        Assert.Equal(["curl", "-f", "localhost"], app.Ready?.Command);
        Assert.Equal(["app"], log.After);
    }

    [Fact]
    public void What_is_wrong_is_said_with_its_place()
    {
        var e = Assert.Throws<VniException>(() => ApplicationFile.Parse(
            """
            processes:
              - name: a
                command: a
                restart: on-failur
                ready: { prot: 1, timeout: soon }
                stop-signal: HALT
                grace: x
              - { name: b, command: b, after: { c: d }, restart: { count: many, pause: 1s } }
            """,
            "a.yaml"));
        foreach (var part in new[]
        {
            "a.yaml:4:14: processes[0].restart 'on-failur' is not valid: did you mean 'on-failure'?", "unknown key 'prot' in processes[0].ready; did you mean 'port'?", "processes[0].ready.timeout 'soon'",
            "a.yaml:6:18: processes[0].stop-signal 'HALT'", "processes[0].grace 'x'", "processes[1].after must be a process's name, or a list of such; found a mapping", "processes[1].restart.count 'many'",
            "unknown key 'pause' in processes[1].restart",
        }) Assert.Contains(part, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("after: b", "comes after 'b', which is not declared")]
    [InlineData("after: a", "no process can be the first of 'a' after 'a'")]
    [InlineData("ready: {}", "has 0 tests")]
    [InlineData("ready: { port: 0 }", "port 0")]
    [InlineData("restart: { delay: 2m, max-delay: 1m }", "longest restart delay")]
    public void What_the_chain_rules_out_is_refused_with_the_file(string line, string problem)
    {
        var e = Assert.Throws<VniException>(() => ApplicationFile.Parse($"processes:\n  - name: a\n    command: a\n    {line}\n", "a.yaml"));
        Assert.Contains(problem, e.Message, StringComparison.Ordinal);
        Assert.Contains("a.yaml:2:", e.Message, StringComparison.Ordinal);
    }
}
