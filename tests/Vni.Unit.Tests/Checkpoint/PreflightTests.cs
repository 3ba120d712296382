using Vni.Actors.Interposition;
using Vni.Interposer.Checkpoint;
using Vni.Interposer.Checkpoint.Findings;
using Vni.Interposer.Linux;
using Xunit;

namespace Vni.Unit.Tests.Checkpoint;

public sealed class PreflightTests
{
    private readonly FakeProc _proc = new FakeProc().Add(107, "python3", "7", 7, 7);
    private SocketTable _sockets = new([], []);
    private string _locks = "";
    private IReadOnlyList<ulong>? _searched;

    [Fact]
    public void What_ordinary_programs_hold_is_let_through()
    {
        _proc.Mounts(100, "25 20 0:40 / / rw - overlay o rw", "26 25 0:41 / /dev/shm rw - tmpfs t rw");
        _proc.Fd(107, 0, "/dev/null", new DeviceNumber(true, 1, 3)).Fd(107, 1, "/dev/pts/0", new DeviceNumber(true, 136, 0)).Fd(107, 2, "/dev/tty", new DeviceNumber(true, 5, 0))
            .Fd(107, 3, "socket:[1]", socket: "TCP").Fd(107, 4, "socket:[2]", socket: "UNIX-STREAM").Fd(107, 5, "pipe:[3]").Fd(107, 6, "anon_inode:[eventpoll]")
            .Fd(107, 7, "anon_inode:inotify").Fd(107, 8, "/memfd:x (deleted)").Fd(107, 9, "/var/log/x", mount: 25).Fd(107, 10, "/tmp/x (deleted)", mount: 25).Fd(107, 63, "anon_inode:[timerfd]")
            .File(107, "maps", "7f00-7f01 r--p 0 00:28 1    /usr/lib/x.so\n7f02-7f03 rw-s 0 00:01 5    /memfd:x (deleted)\n7f04-7f05 rw-p 0 00:00 0    [heap]\n");
        _sockets = new([new TcpListener(1, 80, 0)], [new UnixSocket(2, 1, 1, null, 0)]);
        Assert.Empty(Find());
    }

    [Fact]
    public void An_io_uring_is_named_with_process_and_descriptor_even_if_it_is_also_mapped()
    {
        _proc.Fd(107, 5, "anon_inode:[io_uring]").File(107, "maps", "7f00-7f01 rw-s 0 0:e 1 anon_inode:[io_uring]\n");
        var finding = Assert.Single(Find());
        Assert.Equal("process 7 (python3) has an io_uring instance open (fd 5): configure it to use another way of input and output", finding.Text);
        Assert.Equal(new Finding(7, 107, "python3", "io-uring", "has an io_uring instance open (fd 5)", "configure it to use another way of input and output"), finding);
    }

    [Theory]
    [InlineData("anon_inode:[io_uring]", FindingKinds.IoUring)]
    [InlineData("/secretmem (deleted)", FindingKinds.SecretMemory)]
    public void What_is_mapped_is_found_when_its_descriptor_is_closed(string name, string kind)
    {
        _proc.File(107, "maps", $"7f00-7f01 rw-s 0 0:e 1 {name}\n");
        var finding = Assert.Single(Find());
        Assert.Equal(kind, finding.Kind);
        Assert.Contains("mapped", finding.What);
    }

    [Fact]
    public void Devices_sockets_and_kernel_objects_that_cannot_be_saved_are_all_reported_together()
    {
        _proc.Fd(107, 3, "/dev/fuse", new DeviceNumber(true, 10, 229)).Fd(107, 4, "/dev/loop0", new DeviceNumber(false, 1, 3))
            .Fd(107, 5, "socket:[1]", socket: "AF_VSOCK").Fd(107, 6, "anon_inode:[userfaultfd]").Fd(107, 7, "anon_inode:kvm-vm").Fd(107, 8, "/secretmem (deleted)").Fd(107, 9, "anon_inode:bpf-map")
            .Fd(107, 10, "socket:[2]", socket: "MPTCP").Fd(107, 11, "socket:[3]", socket: "PING");
        var found = Find();
        Assert.Equal(
            ["device", "device", "socket", "kernel-object", "kernel-object", "secret-memory", "kernel-object", "socket", "socket"],
            found.Select(f => f.Kind));
        Assert.Contains("device /dev/fuse (10:229)", found[0].What);
        Assert.Contains("VSOCK", found[2].What);
        Assert.Contains("bpf-map", found[6].What);
        Assert.Contains("multipathtcp=0", found[7].Remedy);
        Assert.All(found, f => Assert.False(f.Transient));
    }

    [Fact]
    public void Files_on_other_mounts_are_found_wherever_a_process_has_them()
    {
        _proc.Mounts(100, "25 20 0:40 / / rw - overlay o rw").Link(107, "ns/mnt", "mnt:[1]").Link(100, "ns/mnt", "mnt:[1]");
        _proc.Fd(107, 3, "/etc/hostname", mount: 900).Link(107, "cwd", "/x", mount: 900).Link(107, "exe", "/bin/y", mount: 900).Link(107, "root", "/", mount: 25)
            .File(107, "maps", "7f00-7f01 r--p 00000000 08:01 77    /etc/hostname\n7f02-7f03 r--p 00000000 08:01 78    /usr/lib/seen-below\n")
            .Link(107, "map_files/7f00-7f01", "/etc/hostname", mount: 900).Link(107, "map_files/7f02-7f03", "/usr/lib/seen-below", mount: 25);
        var found = Find();
        Assert.All(found, f => Assert.Equal(FindingKinds.OutsideFile, f.Kind));
        Assert.Equal(4, found.Count);
        Assert.Contains(found, f => f.What.Contains("working directory, /x"));
        Assert.Contains(found, f => f.What.Contains("program, /bin/y"));
        Assert.Contains(found, f => f.What.Contains("open (fd 3)"));
        Assert.Contains(found, f => f.What.Contains("mapped"));
    }

    [Fact]
    public void A_deleted_file_is_carried_up_to_what_criu_takes()
    {
        _proc.Mounts(100, "25 20 0:40 / / rw - overlay o rw").Fd(107, 3, "/tmp/a (deleted)", mount: 25, links: 0, allocated: 1ul << 30).Fd(107, 4, "/tmp/b (deleted)", mount: 25, links: 0, allocated: (1ul << 30) + 512);
        var finding = Assert.Single(Find());
        Assert.Equal(FindingKinds.LargeDeletedFile, finding.Kind);
        Assert.Contains("/tmp/b", finding.What);
    }

    [Fact]
    public void A_tracer_a_sandbox_and_a_dead_main_thread_are_found_by_the_state_of_the_process()
    {
        _proc.Add(108, "gdb", "8", 8, 8, tracer: 5).Add(109, "chrome", "9", 9, 9, user: "2").Add(110, "jail", "10\t1", 1, 1).Add(111, "lost", "11", 11, 0).Add(112, "dead", "12", 12, 12, state: 'Z', threads: 3);
        var findings = Find(108, 109, 110, 111, 112);
        Assert.Equal((FindingKinds.Traced, "process 8 (gdb) is being traced (ptrace): detach the debugger"), Of(108));
        Assert.Equal((FindingKinds.Namespace, "process 9 (chrome) has a user namespace of its own: run it without a sandbox of its own"), Of(109));
        Assert.Equal(FindingKinds.Namespace, Of(110).Kind);
        Assert.Equal(FindingKinds.Session, Of(111).Kind);
        Assert.Equal(FindingKinds.DeadLeader, Of(112).Kind);
        Assert.All(findings, f => Assert.False(f.Transient));
        (string Kind, string Text) Of(int pid) => Assert.Single(findings, f => f.HostPid == pid) is var f ? (f.Kind, f.Text) : default;
    }

    [Fact]
    public void A_zombie_holds_nothing()
    {
        _proc.Add(108, "ended", "8", 8, 8, state: 'Z', user: "1").Fd(108, 1, "anon_inode:[io_uring]");
        Assert.Empty(Find(108));
    }

    [Fact]
    public void What_passes_by_itself_is_marked_as_such()
    {
        _proc.Add(108, "make", "8", 8, 8, state: 'D').Fd(107, 3, "socket:[1]", socket: "TCP").Fd(107, 4, "socket:[2]", socket: "UNIX-STREAM").Fd(107, 5, "socket:[3]", socket: "UNIX-STREAM");
        _sockets = new([new TcpListener(1, 80, 2), new TcpListener(99, 81, 1)], [new UnixSocket(2, 1, 1, "/s", 0) { Waiting = [0, 3, 77] }, new UnixSocket(3, 1, 1, null, 0) { Unread = 5 }, new UnixSocket(77, 1, 1, null, 0)]);
        var found = Find(108);
        Assert.All(found, f => Assert.True(f.Transient));
        Assert.Equal(["uninterruptible", "pending-connection", "pending-connection", "pending-connection", "pending-connection"], found.Select(f => f.Kind));
        Assert.Contains("port 80", found[1].What);
        Assert.Contains("other end is closed", found[2].What);
        Assert.Contains("something was sent", found[3].What);
        Assert.Contains("outside", found[4].What);
    }

    [Fact]
    public void The_other_end_of_a_unix_socket_must_be_the_instances()
    {
        _proc.Fd(107, 4, "socket:[2]", socket: "UNIX-STREAM").Fd(107, 5, "socket:[3]", socket: "UNIX").Fd(107, 6, "socket:[4]", socket: "UNIX-STREAM");
        _proc.Fd(107, 7, "socket:[9]", socket: "UNIX-STREAM"); // Accepted from a process of another network namespace: it is that one's.
        _sockets = new([], [new UnixSocket(2, 1, 1, null, 3), new UnixSocket(3, 1, 1, null, 2), new UnixSocket(4, 1, 1, "/run/x", 5)]);
        var found = Find();
        Assert.All(found, f => Assert.Equal((FindingKinds.OutsidePeer, false), (f.Kind, f.Transient)));
        Assert.Equal(2, found.Count);
        Assert.Contains("fd 6, /run/x", found[0].What);
        Assert.Contains("fd 7", found[1].What);
    }

    [Fact]
    public void Locks_count_when_others_hold_them_on_files_of_the_instance()
    {
        _proc.Mounts(100, "25 20 0:40 / / rw - overlay o rw").File(500, "comm", "backup\n").File(501, "comm", "vi\n").Add(500, "backup", "500", 1, 1).Link(500, "fd/3", "/proc/100/root/data/db", inode: 1234);
        _locks = """
            1: FLOCK  ADVISORY  WRITE 500 00:28:1234 0 EOF
            2: POSIX  ADVISORY  WRITE 107 00:28:1234 0 EOF
            2: -> POSIX  ADVISORY  WRITE 500 00:28:1234 0 EOF
            3: OFDLCK ADVISORY  READ -1 00:28:99 0 EOF
            4: LEASE  ACTIVE    READ 501 00:28:77 0 EOF
            5: FLOCK  ADVISORY  WRITE 502 00:28:1234 0 EOF
            6: FLOCK  ADVISORY  WRITE 501 08:01:1234 0 EOF
            7: nonsense
            """;
        var found = Find();
        Assert.Equal(["node's process 500 (backup) holds a lock on /proc/100/root/data/db of the instance", "node's process 501 (vi) holds a lease on file 77 of the instance"], found.Select(f => f.Subject + f.What));
        Assert.All(found, f => Assert.Equal(FindingKinds.OutsideLock, f.Kind));
    }

    [Theory]
    [InlineData("anon_inode:inotify", "inotify wd:1 ino:4d sdev:28 mask:100 ignored_mask:0\ninotify wd:2 ino:1f sdev:28 mask:100\n")]
    [InlineData("anon_inode:[fanotify]", "fanotify flags:0 event-flags:0\nfanotify ino:4d sdev:28 mflags:0\n")]
    public void Watched_files_must_be_where_criu_looks(string link, string info)
    {
        _proc.Fd(107, 3, link).File(107, "fdinfo/3", info);
        Assert.Empty(Find()); // In the freeze nobody searches.
        _searched = [0x1f];
        Assert.Contains("watches a file that could not be found again", Assert.Single(Find()).What);
        _searched = [0x1f, 0x4d];
        Assert.Empty(Find());
    }

    [Fact]
    public void Processes_that_have_ended_or_are_not_the_instances_are_passed_over() => Assert.Empty(Find(12345));

    [Fact]
    public void Threads_that_cannot_be_stopped_are_named_by_their_process()
    {
        _proc.File(107, "task/107/status", "Name:\tx\nState:\tS\n").File(107, "task/108/status", "Name:\tx\nState:\tD (disk sleep)\n");
        var finding = Assert.Single(States.Unfrozen(_proc, [100, 107]));
        Assert.Equal((7, FindingKinds.Uninterruptible, true), (finding.Pid, finding.Kind, finding.Transient));
    }

    [Fact]
    public void Message_queues_are_named()
    {
        Assert.Empty(MessageQueues.Of(["/a", "/b"], [], ["/dev/mqueue"]));
        Assert.Empty(MessageQueues.Of([], [], ["/mnt"]));
        Assert.Contains("not UTF-8", Assert.Single(MessageQueues.Of(["/a", "/\uFFFD"], [], ["/dev/mqueue"])).Text, StringComparison.Ordinal);
        Assert.Equal(
            "2 POSIX message queues, /a, /b, whose file system is not mounted at /dev/mqueue any more: mount it there", Assert.Single(MessageQueues.Of(["/a", "/b"], [], [])).Text);
        Assert.Equal(
            "POSIX message queue /a, of which a process waits for a notification: have it wait in another way than mq_notify(3): the kernel does not tell what it is to be told",
            Assert.Single(MessageQueues.Of(["/a", "/b"], ["/a"], ["/dev/mqueue"])).Text);
        Assert.Equal(
            "6 POSIX message queues, /1, /2, /3, /4, /5, ..., whose file system is mounted at /mnt, too: have the application use /dev/mqueue alone",
            Assert.Single(MessageQueues.Of(["/1", "/2", "/3", "/4", "/5", "/6"], [], ["/dev/mqueue", "/mnt"])).Text);
    }

    [Fact]
    public void A_message_queue_that_is_open_is_saved_but_not_one_that_is_open_by_a_mount_of_its_own()
    {
        _proc.Mounts(100, "30 1 0:40 / / rw - overlay overlay rw", "31 30 0:50 / /dev/mqueue rw,nosuid shared:7 - mqueue mqueue rw", "32 30 0:50 / /mnt rw - mqueue mqueue rw");
        _proc.Queue(107, 3, "/orders", mount: 17).Queue(107, 4, "/dev/mqueue/orders", mount: 31);
        Assert.Empty(Find());
        _proc.Queue(107, 5, "/mnt/orders", mount: 32);
        Assert.Equal(FindingKinds.PosixMessageQueue, Assert.Single(Find()).Kind);
        _proc.Mounts(100, "30 1 0:40 / / rw - overlay overlay rw").Queue(107, 4, "/", mount: 30).Queue(107, 5, "/", mount: 30);
        Assert.Equal(FindingKinds.OutsideFile, Assert.Single(Find()).Kind);
    }

    [Theory]
    [InlineData("QSIZE:129        NOTIFY:0     SIGNO:0     NOTIFY_PID:0     \n", false)]
    [InlineData("QSIZE:0          NOTIFY:0     SIGNO:10    NOTIFY_PID:8260  \n", true)]
    [InlineData("QSIZE:0          NOTIFY:2     SIGNO:0     NOTIFY_PID:7     \n", true)]
    public void Who_waits_for_a_notification_is_in_a_queues_file(string status, bool expected) => Assert.Equal(expected, MessageQueueNames.IsNotifying(status));

    private IReadOnlyList<Finding> Find(params int[] more) => Preflight.Find(
        _proc, [100, 107, .. more], [], (_, _) => _sockets, _locks, _searched is null ? null : (_, directory) => directory == "etc" ? _searched : []);
}
