using Vni.Actors;
using Vni.Actors.Applications;
using Vni.Actors.Interposition;
using Vni.Interposer.Instances;
using Vni.Interposer.Linux;
using Xunit;

namespace Vni.Linux.Tests.Instances;

/// <summary>The real harness in real namespaces, without a network.</summary>
#pragma warning disable CA1001 // IAsyncLifetime.DisposeAsync disposes the node.
public sealed class InstanceTests : IAsyncLifetime
#pragma warning restore CA1001
{
    private readonly TestNode _node = new();

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await _node.DisposeAsync();

    [Fact]
    public async Task Exit_statuses_and_signals_of_the_whole_chain_are_recorded()
    {
        var instance = await _node.StartAsync(TestNode.Spec(TestNode.Shell("exit 3", "a"), TestNode.Shell("kill -TERM $$", "b"), TestNode.Shell("exit 0", "c")));
        await instance.EndedAsync();
        Assert.Equal([new ProcessExit("a", 3, null), new ProcessExit("b", null, 15), new ProcessExit("c", 0, null)], instance.Exits());
    }

    [Fact]
    public async Task An_instance_that_is_killed_counts_as_killed_for_each_process()
    {
        var instance = await _node.StartAsync(TestNode.Spec(TestNode.Shell("exec sleep 1000")));
        instance.Cgroup.Kill();
        await instance.EndedAsync();
        Assert.Equal([new ProcessExit("main", null, 9)], instance.Exits());
    }

    [Fact]
    public async Task Termination_is_passed_on_to_every_process_of_the_chain()
    {
        var trap = "trap 'exit 21' TERM; echo ready; while :; do sleep 1000 & wait; done";
        var instance = await _node.StartAsync(TestNode.Spec(TestNode.Shell(trap, "a"), TestNode.Shell(trap, "b")));
        foreach (var name in new[] { "a", "b" }) await LogHolds(instance, name, "ready");
        instance.Signal(Libc.SIGTERM);
        while (instance.Exits().Any(e => e.ExitCode != 21)) await Task.Delay(TimeSpan.FromMilliseconds(2), TimeProvider.System, _node.Limit);
    }

    [Theory]
    [InlineData("/no/such/program", "root", "/", ErrorCodes.CommandNotFound, "'main' of application web: command '/no/such/program' does not exist")]
    [InlineData("no-such-program", "root", "/", ErrorCodes.CommandNotFound, "command 'no-such-program' does not exist")]
    [InlineData("/etc/passwd", "root", "/", ErrorCodes.CommandNotExecutable, "/etc/passwd")]
    [InlineData("/bin/true", "nobody-at-all", "/", ErrorCodes.UserNotFound, "user 'nobody-at-all'")]
    [InlineData("/bin/true", "root:no-such-group", "/", ErrorCodes.UserNotFound, "no-such-group")]
    [InlineData("/bin/true", "root", "/no/such/directory", ErrorCodes.WorkdirNotFound, "/no/such/directory")]
    public async Task What_cannot_be_started_is_said_with_code_and_object_and_leaves_no_process(string command, string user, string workdir, string code, string sentence)
    {
        var spec = TestNode.Spec(TestNode.Shell("exec sleep 1000", "first"), new ProcessDeclaration { Command = [command], User = user, Workdir = workdir });
        var e = await Assert.ThrowsAsync<VniException>(() => _node.StartAsync(spec));
        Assert.Equal(code, e.Code);
        Assert.Contains(sentence, e.Message, StringComparison.Ordinal);
        Assert.False(_node.Cgroups.Find(spec.Aid).IsPopulated);
    }

    [Fact]
    public async Task A_missing_root_is_refused_and_leaves_nothing()
    {
        var spec = TestNode.Spec(TestNode.Shell("true"));
        spec = spec with { Declaration = spec.Declaration with { Root = "/no/such/root" } };
        var e = await Assert.ThrowsAsync<VniException>(() => _node.StartAsync(spec));
        Assert.Equal(ErrorCodes.RootNotFound, e.Code);
        Assert.False(Directory.Exists(_node.PathsOf(spec).Directory));
    }

    [Fact]
    public async Task A_root_in_our_own_directories_is_refused()
    {
        var spec = TestNode.Spec(TestNode.Shell("true"));
        spec = spec with { Declaration = spec.Declaration with { Root = _node.Options.StateDirectory } };
        Assert.Equal(ErrorCodes.InvalidArgument, (await Assert.ThrowsAsync<VniException>(() => _node.StartAsync(spec))).Code);
    }

    [Fact]
    public async Task An_instance_that_is_prepared_and_given_up_leaves_no_process()
    {
        var spec = TestNode.Spec(TestNode.Shell("exec sleep 1000"));
        _node.Layers.Build(spec, _node.PathsOf(spec));
        var cgroup = _node.Cgroups.Create(spec.Aid, new ResourceLimits());
        var prepared = await _node.Launcher.PrepareAsync(spec, _node.PathsOf(spec), cgroup, _node.Limit);
        Assert.Equal([prepared.InitPid], cgroup.Pids());
        await prepared.DisposeAsync();
        Assert.False(cgroup.IsPopulated);
    }

    [Fact]
    public async Task Programs_see_their_own_names_user_directory_and_environment()
    {
        var spec = TestNode.Spec(new ProcessDeclaration
        {
            Command = ["/bin/sh", "-c", "hostname; id -un; pwd; env | sort; cat /etc/hosts; echo end"],
            User = "www-data",
            Workdir = "/usr/share",
            Env = new Dictionary<string, string> { ["COLOUR"] = "blue = not red", ["HOME"] = "/tmp" },
        });
        var instance = await _node.StartAsync(spec);
        var log = await LogHolds(instance, "main", "end\n");
        Assert.StartsWith("web-1\nwww-data\n/usr/share\n", log, StringComparison.Ordinal);
        foreach (var line in new[] { "COLOUR=blue = not red", "HOME=/tmp", "USER=www-data", "HOSTNAME=web-1", "127.0.0.1 localhost", "10.99.0.5 web-1.vni.internal web-1" }) Assert.Contains("\n" + line + "\n", log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_the_nodes_business_is_hidden()
    {
        var instance = await _node.StartAsync(TestNode.Spec(TestNode.Shell("exec sleep 1000")));
        var (_, output) = await instance.RunAsync($"""
            cat /etc/shadow; cat /etc/gshadow
            ls -A /root /home /boot | sed 's/^/in: /'
            find /run ! -type d | sed 's/^/in: /'
            ls -A {_node.Options.StateDirectory} {_node.Options.RuntimeDirectory} | sed 's/^/own: /'
            ls -ld /root /run/lock | cut -c1-10
            cat /etc/ssh/ssh_host_* 2>/dev/null
            """);
        Assert.Contains("/etc/shadow: No such file", output, StringComparison.Ordinal);
        Assert.Contains("/etc/gshadow: No such file", output, StringComparison.Ordinal);
        Assert.Equal([], output.Split('\n').Where(l => l.StartsWith("in: ", StringComparison.Ordinal) && !l.EndsWith(':')).Select(l => l[4..]).Where(l => l.Length > 0));
        Assert.DoesNotContain(output.Split('\n'), l => l.StartsWith("own: ", StringComparison.Ordinal) && !l.EndsWith(':') && l.Length > 5);
        Assert.Contains("drwx------\ndrwxrwxrwt\n", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_nodes_files_are_never_written_and_changes_survive_a_new_start()
    {
        var spec = TestNode.Spec(TestNode.Shell("echo changed > /etc/vni-test-mark; rm /etc/passwd; ln -sf /tmp /.vni/spec; rm -f /.vni/appshot"));
        var instance = await _node.StartAsync(spec);
        await instance.EndedAsync();
        Assert.False(File.Exists("/etc/vni-test-mark"));
        Assert.True(File.Exists("/etc/passwd"));
        spec = spec with { Declaration = spec.Declaration with { Processes = [TestNode.Shell("cat /etc/vni-test-mark; ls /etc/passwd; echo end")] } };
        instance = await _node.StartAsync(spec);
        var log = await LogHolds(instance, "main", "end\n");
        Assert.StartsWith("changed\nls: cannot access '/etc/passwd'", log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task First_process_holds_no_descriptor_of_the_node_and_none_is_given_to_the_chain()
    {
        var instance = await _node.StartAsync(TestNode.Spec(TestNode.Shell("exec sleep 1000")));
        var (_, output) = await instance.RunAsync("for p in 1 2; do for fd in /proc/$p/fd/*; do echo $p $(readlink $fd); done; done");
        Assert.Equal(
            ["1 /dev/null", "1 /dev/null", "1 /dev/null", "2 /dev/null", "2 /var/log/vni/main.log", "2 /var/log/vni/main.log"],
            output.TrimEnd().Split('\n').Order());
    }

    [Fact]
    public async Task Power_over_the_node_is_gone()
    {
        var instance = await _node.StartAsync(TestNode.Spec(TestNode.Shell("exec sleep 1000")));
        var (_, output) = await instance.RunAsync("""
            grep -E 'Cap(Eff|Bnd)' /proc/2/status
            echo h > /proc/sysrq-trigger && echo FAIL sysrq
            echo 1 > /proc/sys/kernel/panic && echo FAIL sysctl
            mount -t tmpfs none /mnt && echo FAIL mount
            mknod /tmp/disk b 254 0 && echo FAIL mknod
            ip link add dummy0 type veth && echo FAIL ip
            hostname other && echo FAIL hostname
            echo 1 > /sys/kernel/mm/ksm/run && echo FAIL sys
            ls /proc | grep -cE '^[0-9]+$'
            """);
        Assert.DoesNotContain("FAIL", output, StringComparison.Ordinal);

        // chown, dac_override, fowner, fsetid, kill, setgid, setuid, setpcap, net_bind_service, sys_chroot, audit_write, setfcap
        const string kept = "00000000a00405fb";
        Assert.Contains($"CapEff:\t{kept}", output, StringComparison.Ordinal);
        Assert.Contains($"CapBnd:\t{kept}", output, StringComparison.Ordinal);
        Assert.InRange(int.Parse(output.TrimEnd().Split('\n')[^1]), 3, 8); // The instance's processes and the script's, not the node's.
    }

    [Fact]
    public async Task First_process_reaps_orphans_and_what_moved_to_the_background_keeps_the_instance_alive()
    {
        var instance = await _node.StartAsync(TestNode.Spec(TestNode.Shell("(sleep 0 & exec sleep 0) & sleep 1000 & echo $! > /tmp/background; exit 5")));
        while (instance.Exits()[0].ExitCode != 5) await Task.Delay(TimeSpan.FromMilliseconds(2), TimeProvider.System, _node.Limit);
        Assert.True(instance.Cgroup.IsPopulated);
        IReadOnlyList<LiveProcess> processes;
        do processes = LiveProcesses.List(instance.Cgroup, ChainRecords.ReadPids(_node.PathsOf(instance.Spec)));
        while (!processes.Select(p => p.Command).SequenceEqual(["appshot init", "sleep 1000"]) && !_node.Limit.IsCancellationRequested);
        Assert.Equal([0, 1], processes.Select(p => p.Parent));
        Assert.Equal(2, instance.Cgroup.Pids().Count); // No ended process waits to be reaped.
    }

    [Fact]
    public async Task Processes_are_listed_with_both_pids_and_their_names()
    {
        var instance = await _node.StartAsync(TestNode.Spec(
            new ProcessDeclaration { Name = "web", Command = ["/bin/sleep", "1000"] }, new ProcessDeclaration { Name = "cache", Command = ["/bin/sleep", "2000"] }));
        var processes = LiveProcesses.List(instance.Cgroup, ChainRecords.ReadPids(_node.PathsOf(instance.Spec)));
        Assert.Equal([null, "web", "cache"], processes.Select(p => p.Process));
        Assert.Equal([1, 2, 3], processes.Select(p => p.Pid));
        Assert.Equal([0, 1, 1], processes.Select(p => p.Parent));
        Assert.Equal(instance.InitPid, processes[0].HostPid);
        Assert.Equal("/bin/sleep 1000", processes[1].Command);
        Assert.All(processes, p => Assert.True(p.Memory > 0 && p.Threads == 1));
    }

    [Fact]
    public async Task Nothing_of_an_instance_is_mounted_on_the_node_and_removal_leaves_nothing()
    {
        var instance = await _node.StartAsync(TestNode.Spec(TestNode.Shell("exec sleep 1000")));
        Assert.DoesNotContain(_node.Options.StateDirectory, await File.ReadAllTextAsync("/proc/self/mounts"), StringComparison.Ordinal);
        instance.Cgroup.Kill();
        await instance.Cgroup.RemoveAsync(_node.Limit);
        await _node.Watcher.WatchAsync(instance.InitPid, _node.Limit);
        LayerBuilder.Remove(_node.PathsOf(instance.Spec));
        Assert.False(Directory.Exists(_node.PathsOf(instance.Spec).Directory));
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
