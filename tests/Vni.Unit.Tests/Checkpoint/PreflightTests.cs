using Vni.Interposer.Checkpoint;
using Xunit;

namespace Vni.Unit.Tests.Checkpoint;

public sealed class PreflightTests
{
    private readonly FakeProc _proc = new FakeProc().Add(107, "python3", "7", 7, 7);

    [Fact]
    public void What_ordinary_programs_hold_is_let_through()
    {
        _proc.Fd(107, 0, "/dev/null", new DeviceNumber(true, 1, 3)).Fd(107, 1, "/dev/pts/0", new DeviceNumber(true, 136, 0)).Fd(107, 2, "/dev/tty", new DeviceNumber(true, 5, 0))
            .Fd(107, 3, "socket:[1]", socket: "TCP").Fd(107, 4, "socket:[2]", socket: "UNIX-STREAM").Fd(107, 5, "pipe:[3]").Fd(107, 6, "anon_inode:[eventpoll]")
            .Fd(107, 7, "anon_inode:inotify").Fd(107, 8, "/memfd:x (deleted)").Fd(107, 9, "/var/log/x").Fd(107, 63, "anon_inode:[timerfd]")
            .File(107, "maps", "7f00-7f01 r--p 0 0:0 1 /usr/lib/x.so\n");
        Assert.Empty(Find());
    }

    [Fact]
    public void An_io_uring_is_named_with_process_and_descriptor_even_if_it_is_also_mapped()
    {
        _proc.Fd(107, 5, "anon_inode:[io_uring]").File(107, "maps", "7f00-7f01 rw-s 0 0:e 1 anon_inode:[io_uring]\n");
        Assert.Equal("process 7 (python3) has an io_uring instance open (fd 5): close it before the snapshot", Assert.Single(Find()).Text);
    }

    [Fact]
    public void An_io_uring_whose_descriptor_is_closed_is_found_by_its_mapping()
    {
        _proc.File(107, "maps", "7f00-7f01 rw-s 0 0:e 1 anon_inode:[io_uring]\n");
        Assert.Contains("process 7 (python3) has an io_uring instance mapped", Assert.Single(Find()).Text);
    }

    [Fact]
    public void Devices_sockets_and_kernel_objects_that_cannot_be_saved_are_all_reported_together()
    {
        _proc.Fd(107, 3, "/dev/fuse", new DeviceNumber(true, 10, 229)).Fd(107, 4, "/dev/loop0", new DeviceNumber(false, 1, 3))
            .Fd(107, 5, "socket:[1]", socket: "AF_VSOCK").Fd(107, 6, "anon_inode:[userfaultfd]").Fd(107, 7, "anon_inode:kvm-vm").Fd(107, 8, "/secretmem (deleted)");
        var texts = Find().Select(f => f.Text).ToList();
        Assert.Equal(6, texts.Count);
        Assert.Contains(texts, t => t.Contains("device /dev/fuse (10:229)"));
        Assert.Contains(texts, t => t.Contains("device /dev/loop0 (1:3)"));
        Assert.Contains(texts, t => t.Contains("VSOCK"));
        Assert.Contains(texts, t => t.Contains("userfaultfd"));
        Assert.Contains(texts, t => t.Contains("kvm-vm"));
        Assert.Contains(texts, t => t.Contains("secret memory"));
    }

    [Fact]
    public void A_tracer_a_sandbox_and_a_dead_main_thread_are_found_by_the_state_of_the_process()
    {
        _proc.Add(108, "gdb", "8", 8, 8, tracer: 5).Add(109, "chrome", "9", 9, 9, user: "2").Add(110, "jail", "10\t1", 1, 1).Add(111, "lost", "11", 11, 0).Add(112, "dead", "12", 12, 12, state: 'Z', threads: 3);
        var findings = Find(108, 109, 110, 111, 112);
        Assert.Contains("process 8 (gdb) is being traced", Of(108));
        Assert.Contains("process 9 (chrome) has a user namespace of its own", Of(109));
        Assert.Contains("has a PID namespace of its own", Of(110));
        Assert.Contains("is in a session or process group of the node", Of(111));
        Assert.Contains("main thread that ended", Of(112));
        Assert.All(findings, f => Assert.False(f.Transient));
        string Of(int pid) => Assert.Single(findings, f => f.Pid == pid).Text;
    }

    [Fact]
    public void A_zombie_holds_nothing()
    {
        _proc.Add(108, "ended", "8", 8, 8, state: 'Z', user: "2").Fd(108, 1, "anon_inode:[io_uring]");
        Assert.Empty(Find(108));
    }

    [Fact]
    public void What_passes_by_itself_is_marked_as_such()
    {
        _proc.Add(108, "make", "8", 8, 8, state: 'D');
        Assert.True(Assert.Single(Find(108)).Transient);
    }

    [Fact]
    public void Processes_that_have_ended_or_are_not_the_instances_are_passed_over() => Assert.Empty(Find(12345));

    private IReadOnlyList<Finding> Find(params int[] more) => Preflight.Find(_proc, [100, 107, .. more]);
}
