using System.Diagnostics;
using Vni.Actors;
using Vni.Actors.Interposition;
using Vni.Interposer.Checkpoint;
using Vni.Interposer.Checkpoint.Findings;
using Xunit;

namespace Vni.Linux.Tests.Checkpoint;

/// <summary>What the check finds of real processes, held against what CRIU says of them.</summary>
public sealed class FindingTests
{
    [Theory]
    [InlineData("uring", FindingKinds.IoUring, "io_uring")]
    [InlineData("uring=mapped", FindingKinds.IoUring, "mapped")]
    [InlineData("device=/dev/fuse", FindingKinds.Device, "10:229")]
    [InlineData("traced", FindingKinds.Traced, "traced")]
    [InlineData("mptcp", FindingKinds.Socket, "MPTCP")]
    [InlineData("family=40", FindingKinds.Socket, "VSOCK")]
    [InlineData("local=sent", FindingKinds.PendingConnection, "/var/tmp/local")]
    [InlineData("local=left", FindingKinds.PendingConnection, "other end is closed")]
    [InlineData("own=user", FindingKinds.Namespace, "user namespace")]
    [InlineData("own=pid", FindingKinds.Namespace, "PID namespace")]
    [InlineData("leader", FindingKinds.DeadLeader, "main thread")]
    [InlineData("kernel=secret", FindingKinds.SecretMemory, "secret memory")]
    [InlineData("kernel=userfault", FindingKinds.KernelObject, "userfaultfd")]
    [InlineData("kernel=perf", FindingKinds.KernelObject, "perf_event")]
    [InlineData("kernel=landlock", FindingKinds.KernelObject, "landlock-ruleset")]
    [InlineData("kernel=inotify", FindingKinds.Watch, "watches a file")]
    [InlineData("kernel=fanotify", FindingKinds.Watch, "watches a file")]
    [InlineData("stray=fd", FindingKinds.OutsideFile, "on no mount of the instance, open")]
    [InlineData("halfborn", FindingKinds.Uninterruptible, "inside the kernel")]
    [InlineData("stray=cwd", FindingKinds.OutsideFile, "working directory")]
    public async Task What_criu_refuses_is_found_before_and_the_program_runs_on(string holding, string kind, string what)
    {
        await using var instance = await StartAsync(holding);
        IReadOnlyList<Finding> running = [];
        await TestInstance.UntilAsync(() => (running = Find(instance)).Any(f => f.Kind == kind && f.What.Contains(what)), "what 'vni check' is to find");
        instance.Freeze();
        foreach (var findings in new[] { running, Find(instance) })
        {
            Assert.Contains(findings, f => f.Kind == kind && f.What.Contains(what) && f.Process == "undumpable");
            Assert.Equal(kind is FindingKinds.PendingConnection or FindingKinds.Uninterruptible, findings.All(f => f.Transient));
        }

        var e = await Assert.ThrowsAsync<VniException>(() => instance.DumpAsync(instance.NewDirectory("images")));
        Assert.Contains(e.Code, new[] { ErrorCodes.NotDumpable, ErrorCodes.DumpFailed });
        await LivesOnAsync(instance);
    }

    [Theory]
    [InlineData("gone=cwd", "gone=dir", "gone=file", "kernel=pidfd", "kernel=path", "kernel=memfd", "kernel=ns", "kernel=proc", "orphan")]
    [InlineData("local=queued", "netlink=0", "netlink=15", "kernel=sys")]
    [InlineData("hold=flock")]
    [InlineData("hold=posix")]
    [InlineData("hold=ofd")]
    [InlineData("hold=lease")]
    public async Task What_criu_carries_is_not_refused(params string[] holding)
    {
        await using var instance = await StartAsync(holding);
        instance.Freeze();
        Assert.Empty(Find(instance));
        var images = instance.NewDirectory("images");
        await instance.DumpAsync(images);
        await instance.KillAsync();
        await instance.RestoreAsync(images, new RecordedStages());
        Assert.Equal("1", instance.Ask(7000, "x"));
    }

    [Fact]
    public async Task Everything_is_found_in_one_pass()
    {
        await using var instance = await StartAsync("uring", "mptcp", "traced", "stray=fd", "own=user", "leader", "local=sent", "kernel=secret", "kernel=inotify", "hold=wait");
        await TestInstance.UntilAsync(() => Find(instance).Any(f => f.Kind == FindingKinds.DeadLeader) && Find(instance).Any(f => f.Kind == FindingKinds.Namespace), "the children");
        instance.Freeze();
        var kinds = Find(instance).Select(f => f.Kind).ToHashSet();
        Assert.Superset(
            new HashSet<string> { FindingKinds.IoUring, FindingKinds.Socket, FindingKinds.Traced, FindingKinds.OutsideFile, FindingKinds.Namespace, FindingKinds.DeadLeader, FindingKinds.PendingConnection, FindingKinds.SecretMemory, FindingKinds.Watch },
            kinds);
        var e = Assert.Throws<VniException>(() => Preflight.Require(instance.Aid, Find(instance)));
        Assert.Equal(kinds, e.Findings!.Select(f => f.Kind).ToHashSet());
        Assert.False(Transient.Is(e));
        await LivesOnAsync(instance);
    }

    [Fact]
    public async Task A_tcp_connection_that_nobody_has_accepted_is_found_and_passes()
    {
        await using var instance = await StartAsync("device=/dev/null");
        using var first = Outside(instance, "import socket; a=socket.create_connection(('127.0.0.1',7000)); b=socket.create_connection(('127.0.0.1',7000)); print('up',flush=True); input(); a.close(); b.close(); print('gone',flush=True); input()", network: true);
        Assert.Equal("up", await first.StandardOutput.ReadLineAsync());
        instance.Freeze();
        var finding = Assert.Single(Find(instance)); // It serves one at a time.
        Assert.Equal((FindingKinds.PendingConnection, true), (finding.Kind, finding.Transient));
        Assert.Contains("port 7000", finding.What);
        instance.Thaw();
        await EndAsync(first);
        await TestInstance.UntilAsync(() => Find(instance).Count == 0, "the connection to be accepted");
    }

    [Theory]
    [InlineData("flock", "a lock")]
    [InlineData("posix", "a lock")]
    [InlineData("lease", "a lease")]
    public async Task A_lock_that_a_process_of_the_node_holds_on_the_instances_file_is_found_with_its_holder(string kind, string what)
    {
        await using var instance = await StartAsync("hold=none");
        var take = kind switch { "flock" => "fcntl.flock(f,2)", "posix" => "fcntl.lockf(f,2)", _ => "fcntl.fcntl(f,1024,0)" }; // F_SETLEASE, F_RDLCK
        using var holder = Outside(instance, $"import fcntl; f=open('/proc/{instance.InitPid}/root/var/tmp/held','{(kind == "lease" ? "r" : "r+")}'); {take}; print('up',flush=True); input()");
        var up = await holder.StandardOutput.ReadLineAsync();
        if (kind == "lease" && up is null) return; // The program itself has the file open for writing: no lease is to be had.
        var finding = Assert.Single(Find(instance));
        Assert.Equal((FindingKinds.OutsideLock, holder.Id, null), (finding.Kind, finding.HostPid, finding.Pid));
        Assert.Contains($"{what} on", finding.What);
        Assert.Contains("var/tmp/held", finding.What);
        await EndAsync(holder);
        Assert.Empty(Find(instance));
    }

    [Theory]
    [InlineData("keep", FindingKinds.OutsidePeer, "unix socket")]
    [InlineData("drop", FindingKinds.OutsideFile, "/etc/hostname")]
    [InlineData("mapped", FindingKinds.OutsideFile, "mapped")]
    public async Task What_a_process_of_the_node_has_handed_in_is_found(string kind, string expected, string what)
    {
        await using var instance = await StartAsync($"outside={kind}");
        var pass = kind == "keep" ? "s.send(b'x'); s.recv(1)" : "socket.send_fds(s,[b'x'],[os.open('/etc/hostname',0)]); s.recv(1)";
        using var peer = Outside(instance, $"import os,socket; s=socket.socket(socket.AF_UNIX); s.connect('/proc/{instance.InitPid}/root/var/tmp/accepting'); {pass}; print('up',flush=True); input()");
        Assert.Equal("up", await peer.StandardOutput.ReadLineAsync());
        instance.Freeze();
        var finding = Assert.Single(Find(instance));
        Assert.Equal((expected, false), (finding.Kind, finding.Transient));
        Assert.Contains(what, finding.What);
        await Assert.ThrowsAsync<VniException>(() => instance.DumpAsync(instance.NewDirectory("images")));
        await LivesOnAsync(instance);
        await EndAsync(peer);
    }

    private static async Task<TestInstance> StartAsync(params string[] holding)
    {
        var instance = await TestInstance.StartAsync(["/apps/undumpable", .. holding]);
        await instance.ListeningAsync(7000);
        return instance;
    }

    internal static IReadOnlyList<Finding> Find(TestInstance instance)
    {
        using var sockets = SocketReading.Open(instance.InitPid);
        return Preflight.Search(instance.InitPid, instance.Pids(), [], sockets);
    }

    private static Task LivesOnAsync(TestInstance instance)
    {
        Assert.Contains("frozen 1", File.ReadAllText(Path.Combine(instance.Cgroup, "cgroup.events")));
        instance.Thaw();
        Assert.Equal("1", instance.Ask(7000, "x"));
        return Task.CompletedTask;
    }

    /// <summary>A process of the node, which ends with its standard input.</summary>
    private static Process Outside(TestInstance instance, string program, bool network = false)
    {
        string[] enter = network ? ["/usr/bin/nsenter", "-n", "-t", $"{instance.InitPid}"] : [];
        string[] command = [.. enter, "/usr/bin/python3", "-c", program];
        return Process.Start(new ProcessStartInfo(command[0], command[1..]) { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true })!;
    }

    private static async Task EndAsync(Process process)
    {
        process.StandardInput.Close();
        await process.WaitForExitAsync();
    }
}
