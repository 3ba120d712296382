using Vni.Actors;
using Vni.Actors.Identity;
using Vni.Interposer.Checkpoint;
using Xunit;

namespace Vni.Unit.Tests.Checkpoint;

/// <summary>The excerpts are what CRIU 4.2.1 wrote on Linux 6.18.</summary>
public sealed class CriuLogTests
{
    private const string Always = "Error (criu/util.c:1534): rlimit: Can't setup RLIMIT_NOFILE for self: Operation not permitted\n";
    private static readonly Aid Shop = Aid.Parse("shop");

    [Theory]
    [InlineData("Error (criu/proc_parse.c:502): Unknown shit 600 (anon_inode:[io_uring])\nError (criu/proc_parse.c:738): Can't open 7's mapfile link 7ff5c69f3000: No such device or address\nError (criu/cr-dump.c:1440): Collect mappings (pid: 7) failed with -1", "P7 uses io_uring")]
    [InlineData("Error (criu/files-ext.c:94): Can't dump file 3 of that type [20666] (chr 10:229)\nError (criu/cr-dump.c:1545): Dump files (pid: 7) failed with -1", "P7 has device 10:229 open (fd 3)")]
    [InlineData("Error (criu/files-ext.c:94): Can't dump file 3 of that type [600] (anon anon_inode:[userfaultfd])\nError (criu/cr-dump.c:1545): Dump files (pid: 7) failed with -1", "P7 holds a kernel object that cannot be saved: [userfaultfd] (fd 3)")]
    [InlineData("Error (criu/sockets.c:767): sockets: BUG! Unknown socket collected (family 40)\nError (criu/cr-dump.c:1545): Dump files (pid: 7) failed with -1", "P7 has a socket of address family 40")]
    [InlineData("Error (criu/sk-inet.c:137): inet: Unsupported proto 262 for socket 1ff88\nError (criu/sk-inet.c:139): inet: For Go programs, consider using \"GODEBUG=multipathtcp=0\" to disable MPTCP\nError (criu/cr-dump.c:1545): Dump files (pid: 7) failed with -1", "P7 uses Multipath TCP")]
    [InlineData("Error (criu/sk-inet.c:504): inet: Can't dump corked dgram socket 206f0\nError (criu/cr-dump.c:1545): Dump files (pid: 7) failed with -1", "P7 has a corked UDP socket")]
    [InlineData("Error (criu/namespaces.c:460): Can't dump nested user namespace for 7\nError (criu/namespaces.c:754): Can't make userns id", "P7 has made a user namespace of its own")]
    [InlineData("Error (criu/seize.c:882): Zombies with threads are not supported", "a process has a main thread that ended")]
    [InlineData("Warn  (compel/src/lib/infect.c:132): Unable to interrupt task: 7 (Operation not permitted)\nError (criu/seize.c:335): zombie 7 (comm ) found while seizing", "P7 is being traced")]
    [InlineData("Error (criu/files-reg.c:1790): Can't lookup mount=15 for fd=3 path=/secretmem (deleted)\nError (criu/cr-dump.c:1545): Dump files (pid: 7) failed with -1", "P7 has /secretmem (deleted) open (fd 3)")]
    [InlineData("Warn  (criu/fsnotify.c:281): fsnotify: \tHandle 0x27:0xb20047 cannot be opened\nWarn  (criu/irmap.c:105): irmap: Can't stat /no-such-path: No such file or directory\nError (criu/fsnotify.c:284): fsnotify: \tCan't dump that handle\nError (criu/cr-dump.c:1545): Dump files (pid: 7) failed with -1", "P7 watches a file with inotify")]
    public void A_known_refusal_names_process_reason_and_remedy(string log, string expected)
    {
        var e = Log(log).DumpFailure(Shop, 0);
        Assert.Equal(ErrorCodes.NotDumpable, e.Code);
        Assert.StartsWith("application shop cannot be saved: " + expected, e.Message);
        Assert.Contains("; ", e.Message);
        Assert.DoesNotContain("shit", e.Message);
        Assert.False(Transient.Is(e));
    }

    [Theory]
    [InlineData("Error (criu/sk-inet.c:185): inet: In-flight connection (l) for 231b5\nError (criu/sk-inet.c:186): inet: In-flight connections can be ignored with the --skip-in-flight option.")]
    [InlineData("Error (criu/sk-unix.c:506): unix: Non-empty write queue on an in-flight socket 0x22d96")]
    [InlineData("Error (criu/cr-dump.c:1655): Timeout reached. Try to interrupt: 0\nError (compel/src/lib/infect.c:262): Unseizable non-zombie 7 found, state D, err -1/4")]
    public void A_refusal_that_passes_by_itself_is_marked_as_such(string log)
    {
        var e = Log(log).DumpFailure(Shop, 0);
        Assert.Equal(ErrorCodes.NotDumpable, e.Code);
        Assert.True(Transient.Is(e));
    }

    [Theory]
    [InlineData("Error (criu/page-xfer.c:284): page-xfer: Unable to spice data: No space left on device", 0)]
    [InlineData("", 28)]
    public void A_full_disk_has_a_code_of_its_own(string log, int errno)
    {
        Assert.Equal(ErrorCodes.NoSpace, Log(log).DumpFailure(Shop, errno).Code);
        Assert.Equal(ErrorCodes.NoSpace, Log(log).RestoreFailure(Shop, errno).Code);
    }

    [Theory]
    [InlineData("     3: Error (criu/files-reg.c:2175): File apps/static has bad size 17209 (expect 17208)", "file apps/static has 17209 bytes and had 17208")]
    [InlineData("(00.031229)      3: Error (criu/files-reg.c:2255): Can't open file apps/static on restore: No such file or directory", "file apps/static does not exist here")]
    [InlineData("Error (criu/files-reg.c:2160): File usr/lib/x.so has bad build-ID", "program or library usr/lib/x.so is not the one")]
    public void A_file_that_is_not_what_it_was_fails_the_restore_by_name(string log, string expected)
    {
        var e = Log(log).RestoreFailure(Shop, 0);
        Assert.Equal(ErrorCodes.RestoreFailed, e.Code);
        Assert.Contains(expected, e.Message);
    }

    [Fact]
    public void What_is_not_known_is_passed_on_without_what_is_always_there()
    {
        var log = Log("(00.1) Error (criu/new.c:1): Something new\nWarn  (criu/new.c:2): and odd\n(00.2) Dumping pages\nError (criu/cr-dump.c:1975): Dumping FAILED.");
        Assert.Equal(["Something new", "and odd"], log.Decisive);
        var e = log.DumpFailure(Shop, 0);
        Assert.Equal(ErrorCodes.DumpFailed, e.Code);
        Assert.Contains("could not be saved: Something new; and odd;", e.Message);
        Assert.Contains("could not be restored: Something new; and odd;", log.RestoreFailure(Shop, 0).Message);
    }

    [Fact]
    public void An_empty_log_is_said_to_be_silent() => Assert.Contains("CRIU says no reason", new CriuLog("", _ => null).DumpFailure(Shop, 0).Message);

    private static CriuLog Log(string text) => new(Always + text + "\n", pid => $"P{pid}");
}
