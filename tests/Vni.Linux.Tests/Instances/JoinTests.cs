using Vni.Actors;
using Vni.Actors.Applications;
using Vni.Actors.Interposition;
using Vni.Linux.Tests.Fencing;
using Xunit;

namespace Vni.Linux.Tests.Instances;

/// <summary>Programs that join a running instance, with the real harness.</summary>
#pragma warning disable CA1001 // IAsyncLifetime.DisposeAsync disposes the node.
public sealed class JoinTests : IAsyncLifetime
#pragma warning restore CA1001
{
    private readonly FarmNode _node = new();

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await _node.DisposeAsync();

    private static ProcessDeclaration Shell(string script, string name) => new() { Name = name, Command = ["/bin/sh", "-c", script] };

    private Task<int> JoinAsync(InstanceSpec spec, ProcessDeclaration process) => _node.Daemon.JoinAsync(spec, process, _node.Limit);

    private ChainMember? Member(InstanceSpec spec, string name) => _node.Daemon.ListChain(spec.Aid).FirstOrDefault(member => member.Name == name);

    [Fact]
    public async Task A_program_that_joins_is_a_child_of_the_harness_with_name_and_log()
    {
        var spec = await _node.StartAsync();
        var pid = await JoinAsync(spec, Shell("echo here as $PPID; exec sleep 1000", "worker"));
        var process = _node.Daemon.ListProcesses(spec.Aid).Single(p => p.Pid == pid);
        Assert.Equal(("worker", 1), (process.Process, process.Parent));
        Assert.Equal(new ChainMember("worker", "running", pid, 0, null), Member(spec, "worker"));
        await _node.Eventually(() => ReadLog(spec, "worker") == "here as 1\n");
        Assert.DoesNotContain(Directory.EnumerateFiles($"/proc/{process.HostPid}/root/.vni"), file => Path.GetFileName(file).StartsWith("request", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_cannot_join_is_refused_and_changes_nothing()
    {
        var spec = await _node.StartAsync();
        async Task Refused(string code, ProcessDeclaration process)
        {
            var e = await Assert.ThrowsAsync<VniException>(() => JoinAsync(spec, process));
            Assert.Equal(code, e.Code);
            Assert.Contains($"'{process.Name}' cannot join application web", e.Message, StringComparison.Ordinal);
        }

        await Refused(ErrorCodes.NameInUse, Shell("true", "main"));
        await Refused(ErrorCodes.CommandNotFound, new ProcessDeclaration { Name = "x", Command = ["/no/such/program"] });
        await Refused(ErrorCodes.UserNotFound, Shell("true", "x") with { User = "nobody-at-all" });
        await Refused(ErrorCodes.WorkdirNotFound, Shell("true", "x") with { Workdir = "/no/such/directory" });
        Assert.Equal(["main"], _node.Daemon.ListChain(spec.Aid).Select(member => member.Name));
        Assert.Equal(2, _node.Daemon.ListProcesses(spec.Aid).Count);
        Assert.Equal(ErrorCodes.WrongState, (await Assert.ThrowsAsync<VniException>(() => JoinAsync(FarmNode.Spec("one", 6), Shell("true", "x")))).Code);
    }

    [Fact]
    public async Task One_that_has_ended_leaves_its_exit_and_its_name_and_one_that_fails_is_started_again()
    {
        var spec = await _node.StartAsync();
        await JoinAsync(spec, Shell("exit 5", "job"));
        await _node.Eventually(() => Member(spec, "job") is { State: ChainMember.Ended, LastExit.ExitCode: 5 });
        await JoinAsync(spec, Shell("echo x >> /var/tmp/runs; test $(wc -l < /var/tmp/runs) -gt 2 && exec sleep 1000; exit 6", "job") with { Restart = new RestartPolicy { DelaySeconds = 0.01 } });
        await _node.Eventually(() => Member(spec, "job") is { State: "running", Restarts: 2, LastExit.ExitCode: 6 });
        var exits = await _node.Daemon.StopAsync(spec, TimeSpan.FromSeconds(10), _node.Limit);
        Assert.Equal(["main", "job"], exits.Select(exit => exit.Process));
    }

    [Fact]
    public async Task The_next_daemon_knows_who_has_joined_and_goes_on_with_it()
    {
        var spec = await _node.StartAsync();
        var pid = await JoinAsync(spec, Shell("exec sleep 1000", "worker"));
        await _node.ReplaceDaemonAsync();
        await _node.Daemon.DiscoverAsync(_node.Limit);
        var adopted = await _node.Daemon.AdoptAsync(spec, _node.Limit);
        Assert.Equal(["main", "worker"], adopted.Members);
        Assert.Equal(pid, Member(spec, "worker")!.Pid);
        await JoinAsync(spec, Shell("exec sleep 1000", "another"));
    }

    private string ReadLog(InstanceSpec spec, string name)
    {
        using var log = _node.Daemon.OpenLog(spec.Aid, name);
        return log is null ? "" : new StreamReader(log).ReadToEnd();
    }
}
