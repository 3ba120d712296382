using Vni.Actors;
using Vni.Actors.Applications;
using Vni.Actors.Interposition;
using Vni.Interposer.Instances;
using Vni.Interposer.Linux;
using Xunit;

namespace Vni.Linux.Tests.Instances;

/// <summary>The harness's chain: order, readiness, restarts, stopping.</summary>
#pragma warning disable CA1001 // IAsyncLifetime.DisposeAsync disposes the node.
public sealed class ChainTests : IAsyncLifetime
#pragma warning restore CA1001
{
    private const string Idle = "exec sleep 1000";
    private readonly TestNode _node = new();

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await _node.DisposeAsync();

    public static TheoryData<string, ReadinessTest> Tests => new()
    {
        { "sleep 0.1; touch /var/tmp/up; exec sleep 1000", new ReadinessTest { File = "/var/tmp/up", IntervalSeconds = 0.01 } },
        { "sleep 0.1; touch /var/tmp/up; exec sleep 1000", new ReadinessTest { Command = ["/bin/sh", "-c", "test -e /var/tmp/up"], IntervalSeconds = 0.01 } },
        {
            "sleep 0.1; exec python3 -c 'import os, socket, time; s = socket.create_server((\"\", 5432)); os.close(os.open(\"/var/tmp/up\", os.O_CREAT)); time.sleep(1000)'",
            new ReadinessTest { Port = 5432, IntervalSeconds = 0.01 }
        },
        {
            "sleep 0.1; exec python3 -c 'import os, socket, time; s = socket.socket(socket.AF_INET6); s.bind((\"::\", 5432)); os.close(os.open(\"/var/tmp/up\", os.O_CREAT)); s.listen(); time.sleep(1000)'",
            new ReadinessTest { Port = 5432, IntervalSeconds = 0.01 }
        },
    };

    [Theory]
    [MemberData(nameof(Tests))]
    public async Task A_program_starts_when_the_one_that_it_comes_after_is_ready(string script, ReadinessTest ready)
    {
        var app = Shell("test -e /var/tmp/up && echo in order; " + Idle, "app") with { After = ["db"] };
        var instance = await _node.StartAsync(TestNode.Spec(app, Shell(script, "db") with { Ready = ready }));
        await LogHolds(instance, "app", "in order\n");
        Assert.Equal([("app", "running"), ("db", "running")], Chain(instance).Select(member => (member.Name, member.State)));
    }

    [Theory]
    [InlineData(Idle, null, "/var/tmp/never", "file /var/tmp/never did not exist within 0.2 s")]
    [InlineData(Idle, 5432, null, "nothing listened on port 5432 within 0.2 s")]
    [InlineData("echo one; printf 'no \\033 disk\\n\\n'; exit 6", 5432, null, "it ended with status 6 before it was ready; it last wrote: no ? disk; mend")]
    [InlineData("kill -KILL $$", 5432, null, "signal 9 ended it before it was ready")]
    [InlineData(Idle, null, null, "its command /bin/false ended with status 1, and not with 0 within 0.2 s")]
    public async Task A_chain_that_does_not_get_ready_fails_with_name_and_reason_and_leaves_no_process(string script, int? port, string? file, string why)
    {
        var ready = new ReadinessTest { Port = port, File = file, Command = port is null && file is null ? ["/bin/false"] : null, IntervalSeconds = 0.01, TimeoutSeconds = 0.2 };
        var spec = TestNode.Spec(Shell(Idle, "other"), Shell(script, "db") with { Ready = ready }, Shell("touch /var/tmp/app", "app") with { After = ["db"] });
        var e = await Assert.ThrowsAsync<VniException>(() => _node.StartAsync(spec));
        Assert.Equal(ErrorCodes.NotReady, e.Code);
        Assert.Contains($"cannot start 'db' of application web: {why}", e.Message, StringComparison.Ordinal);
        Assert.False(_node.Cgroups.Find(spec.Aid).IsPopulated);
        Assert.False(File.Exists(Path.Combine(_node.PathsOf(spec).Upper, "var/tmp/app")));
    }

    [Fact]
    public async Task A_program_that_fails_is_started_again_with_its_name_until_it_does_not()
    {
        var twice = "echo x >> /var/tmp/runs; test $(wc -l < /var/tmp/runs) -gt 2 || exit 4; echo steady; " + Idle;
        var instance = await _node.StartAsync(TestNode.Spec(Shell(twice) with { Restart = Quick(RestartPolicy.OnFailure) }));
        await LogHolds(instance, "main", "steady\n");
        var member = Assert.Single(Chain(instance));
        Assert.Equal(("running", 2, new ProcessExit("main", 4, null)), (member.State, member.Restarts, member.LastExit));
        Assert.Equal("main", LiveProcesses.List(instance.Cgroup, ChainRecords.ReadPids(_node.PathsOf(instance.Spec))).Single(process => process.Pid == member.Pid).Process);
    }

    [Theory]
    [InlineData(RestartPolicy.OnFailure, "exit 0", 0, 0)]
    [InlineData(RestartPolicy.Never, "exit 7", 7, 0)]
    [InlineData(RestartPolicy.OnFailure, "exit 7", 7, 2)]
    [InlineData(RestartPolicy.Always, "exit 0", 0, 2)]
    public async Task An_instance_ends_when_no_program_is_to_be_started_again(string policy, string script, int status, int restarts)
    {
        var instance = await _node.StartAsync(TestNode.Spec(Shell("echo run; " + script) with { Restart = Quick(policy) with { MaxCount = 2 } }));
        await instance.EndedAsync();
        Assert.Equal([new ProcessExit("main", status, null)], instance.Exits());
        Assert.Equal(restarts + 1, (await LogHolds(instance, "main", "run")).Split('\n').Length - 1);
    }

    [Fact]
    public async Task A_program_that_has_run_long_enough_begins_its_count_anew()
    {
        // Restarted once at most, but for the reset after every run.
        var instance = await _node.StartAsync(TestNode.Spec(Shell("echo run; exit 1") with { Restart = Quick(RestartPolicy.Always) with { MaxCount = 1, ResetSeconds = 0 } }));
        await LogHolds(instance, "main", "run\nrun\nrun\nrun\n");
    }

    [Fact]
    public async Task An_instance_without_processes_lives_while_a_restart_is_due_and_is_stopped_at_once()
    {
        var instance = await _node.StartAsync(TestNode.Spec(Shell("exit 3") with { Restart = new RestartPolicy { DelaySeconds = 3600, MaxDelaySeconds = 3600 } }));
        await Until(() => Chain(instance) is [{ State: ChainMember.Waiting, Pid: null }]);
        Assert.Equal([instance.InitPid], instance.Cgroup.Pids());
        instance.Signal(Libc.SIGTERM);
        await instance.EndedAsync();
        Assert.Equal([new ProcessExit("main", 3, null)], instance.Exits());
    }

    [Fact]
    public async Task What_a_program_leaves_in_the_foreground_is_gone_before_it_is_started_again()
    {
        var script = "grep -qsx sleep /proc/[0-9]*/comm && exit 9; sleep 1000 & test -e /var/tmp/second && echo clean && wait; touch /var/tmp/second; exit 1";
        var instance = await _node.StartAsync(TestNode.Spec(Shell(script) with { Restart = Quick(RestartPolicy.OnFailure) }));
        await LogHolds(instance, "main", "clean\n");
        Assert.Equal(new ProcessExit("main", 1, null), Chain(instance)[0].LastExit);
    }

    [Fact]
    public async Task Programs_are_stopped_in_the_other_order_each_with_its_own_signal_and_grace()
    {
        static string Trap(string signal, string what) => $"trap '{what} >> /var/tmp/ends; exit 0' {signal}; echo ready; while :; do sleep 1000 & wait; done";
        var instance = await _node.StartAsync(TestNode.Spec(
            Shell(Trap("TERM", "grep -qs deaf[-]one /proc/[0-9]*/cmdline && echo early >> /var/tmp/ends; echo db"), "db"),
            Shell(": deaf-one; trap '' TERM; echo ready; while :; do sleep 1000; done", "deaf") with { After = ["db"], GraceSeconds = 0.05 },
            Shell(Trap("INT", "sleep 0.1; echo web"), "web") with { After = ["deaf", "db"], StopSignal = "INT" }));
        foreach (var name in new[] { "db", "deaf", "web" }) await LogHolds(instance, name, "ready");
        instance.Signal(Libc.SIGTERM);
        await instance.EndedAsync();
        Assert.Equal("web\ndb\n", await File.ReadAllTextAsync(Path.Combine(_node.PathsOf(instance.Spec).Upper, "var/tmp/ends")));
        Assert.Equal([new ProcessExit("db", 0, null), new ProcessExit("deaf", null, 9), new ProcessExit("web", 0, null)], instance.Exits());
    }

    [Fact]
    public async Task What_moved_to_the_background_is_asked_to_end_after_the_chain()
    {
        var daemon = "trap 'echo daemon >> /var/tmp/ends; exit 0' TERM; echo ready; while :; do sleep 0.01; done";
        var instance = await _node.StartAsync(TestNode.Spec(Shell($"setsid /bin/sh -c '{daemon.Replace("'", "'\\''", StringComparison.Ordinal)}' & trap 'echo main >> /var/tmp/ends; exit 0' TERM; while :; do sleep 0.01; done")));
        await LogHolds(instance, "main", "ready");
        instance.Signal(Libc.SIGTERM);
        await instance.EndedAsync();
        Assert.Equal("main\ndaemon\n", await File.ReadAllTextAsync(Path.Combine(_node.PathsOf(instance.Spec).Upper, "var/tmp/ends")));
    }

    private static ProcessDeclaration Shell(string script, string name = "main") => TestNode.Shell(script, name);

    private static RestartPolicy Quick(string policy) => new() { Policy = policy, DelaySeconds = 0.01, MaxDelaySeconds = 0.02 };

    private IReadOnlyList<ChainMember> Chain(RunningInstance instance) => ChainRecords.ReadChain(_node.PathsOf(instance.Spec));

    private async Task Until(Func<bool> condition)
    {
        while (!condition()) await Task.Delay(TimeSpan.FromMilliseconds(2), TimeProvider.System, _node.Limit);
    }

    private async Task<string> LogHolds(RunningInstance instance, string process, string text)
    {
        while (true)
        {
            await using var log = ChainLogs.Open(_node.PathsOf(instance.Spec), process);
            var content = log is null ? "" : await new StreamReader(log).ReadToEndAsync(_node.Limit);
            if (content.Contains(text, StringComparison.Ordinal)) return content;
            await Task.Delay(TimeSpan.FromMilliseconds(2), TimeProvider.System, _node.Limit);
        }
    }
}
