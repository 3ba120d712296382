using System.Text.RegularExpressions;

namespace Vni.Interposer.Checkpoint;

/// <summary>A line of CRIU's log that is understood.</summary>
/// <param name="Pattern">The line; a group <c>pid</c> is a pid of the node.</param>
/// <param name="Reason">What is the case, after the name of the process or, for the second kind, as a clause of its own;
/// <c>$1</c> is the first group.</param>
/// <param name="Remedy">What to do.</param>
internal sealed record CriuCause(Regex Pattern, string Reason, string Remedy)
{
    /// <summary>Whether the reason is about a process.</summary>
    public bool OfProcess { get; init; }

    /// <summary>See <see cref="Checkpoint.Transient"/>.</summary>
    public bool Transient { get; init; }
}

/// <summary>What CRIU 4.2 says when it fails, in plain words. More telling lines first: CRIU reports an error at every level
/// it passes, and the first cause in the list that fits any line is taken.</summary>
internal static class CriuCauses
{
    private const string TryAgain = "try again";

    public static IReadOnlyList<CriuCause> OfDump { get; } =
    [
        Process(@"anon_inode:\[io_uring\]", "uses io_uring, which cannot be saved", "configure it to use another way of input and output"),
        Process(@"Can't dump file (\d+) of that type \[\w+\] \(chr (\d+:\d+)\)", "has device $2 open (fd $1), which cannot be saved", "close it before the snapshot"),
        Process(@"Can't dump file (\d+) of that type \[\w+\] \(blk (\d+:\d+)\)", "has block device $2 open (fd $1), which cannot be saved", "close it before the snapshot"),
        Process(@"Can't dump file (\d+) of that type \[\w+\] \(anon (?:anon_inode:)?(.*)\)", "holds a kernel object that cannot be saved: $2 (fd $1)", "close it before the snapshot"),
        Process(@"Can't lookup mount=-?\d+ for fd=(-?\d+) path=(.*)", "has $2 open (fd $1), which is on no mount of the instance", "close it before the snapshot"),
        Process(@"Zombies with threads are not supported", "has a main thread that ended while others run on, which cannot be saved", "let its main thread wait for the others"),
        Process(@"Can't dump nested (\w+) namespace for (?<pid>\d+)", "has made a $1 namespace of its own, which cannot be saved", "run it without a sandbox of its own"),
        Process(@"Can't make userns id", "has made a user namespace of its own, which cannot be saved", "run it without a sandbox of its own"),
        Process(@"Unsupported proto 262 for socket", "uses Multipath TCP, which cannot be saved", "turn it off; for a Go program set GODEBUG=multipathtcp=0"),
        Process(@"Unsupported proto (\d+) for socket", "has a socket of IP protocol $1, which cannot be saved", "close it before the snapshot"),
        Process(@"Unknown socket collected \(family (\d+)\)", "has a socket of address family $1, which cannot be saved", "close it before the snapshot"),
        Process(@"Can't dump corked dgram socket", "has a corked UDP socket, which cannot be saved", "send the datagram before the snapshot"),
        Transient(@"In-flight connection", "a connection waits to be accepted", TryAgain),
        Transient(@"Non-empty write queue on an in-flight socket|closed in-flight socket", "a connection of a unix socket waits to be accepted", TryAgain),
        Process(@"fsnotify:\s+Can't dump that handle", "watches a file with inotify that cannot be found again", "stop watching files before the snapshot"),
        Process(@"External socket is used|half of stream unix connection|name-less external socket", "is connected by a unix socket to a process outside the instance", "close the connection before the snapshot"),
        Process(@"session leader of (?:zombie process )?(?<pid>\d+)\(\d+\) is outside", "is in a session whose leader is outside the instance", "end it before the snapshot"),
        Process(@"Can't find a session leader for (\d+)", "is in a session whose leader is outside the instance", "end it before the snapshot"),
        Process(@"Unseizable non-zombie (?<pid>\d+) found, state D", "waits inside the kernel and cannot be stopped", TryAgain) with { Transient = true },
        Process(@"Unable to interrupt task: (?<pid>\d+) \(Operation not permitted\)", "is being traced (ptrace), which cannot be saved", "detach the debugger"),
        new(new Regex(@"Can't dump ghost file (.*) of (\d+) size"), "the deleted but open file $1 has $2 bytes, more than the limit of 1 GiB", "let the process close it before the snapshot"),
    ];

    public static IReadOnlyList<CriuCause> OfRestore { get; } =
    [
        new(new Regex(@"File (\S.*) has bad size (\d+) \(expect (\d+)\)"), "file $1 has $2 bytes and had $3 when the snapshot was taken", "restore on a node with the same version of it, or put that version back"),
        new(new Regex(@"File (\S.*) has bad build-ID"), "program or library $1 is not the one that the processes have mapped (its build id differs)", "restore on a node with the same version of it, or put that version back"),
        new(new Regex(@"File (\S.*) has bad mode (\S+) \(expect (\S+)\)"), "file $1 has mode $2 and had $3 when the snapshot was taken", "give it the former mode"),
        new(new Regex(@"Can't open file (\S.*) on restore: No such file or directory"), "file $1 does not exist here", "restore on a node that has it, or put it back"),
        new(new Regex(@"Can't open file (\S.*) on restore: (.*)"), "file $1 cannot be opened ($2)", "make it accessible"),
        new(new Regex(@"FPU feature required by image is not supported|xsave (?:max )?size mismatch"), "the processor lacks register sets that the processes use", "restore on a node with the same kind of processor"),
    ];

    private static CriuCause Process(string pattern, string reason, string remedy) => new(new Regex(pattern), reason, remedy) { OfProcess = true };

    private static CriuCause Transient(string pattern, string reason, string remedy) => new(new Regex(pattern), reason, remedy) { Transient = true };
}
