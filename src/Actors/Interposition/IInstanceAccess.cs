using Vni.Actors.Applications;
using Vni.Actors.Identity;

namespace Vni.Actors.Interposition;

/// <summary>Looking into a live instance; beside <see cref="IInterposer"/> because no actor's decision depends on it.</summary>
public interface IInstanceAccess : IResourceAccess
{
    /// <summary>Its processes at this moment, in order of virtual pid; empty when none run. A few reads of <c>/proc</c> per process.</summary>
    IReadOnlyList<LiveProcess> ListProcesses(Aid aid);

    /// <summary>The programs of its chain and those that joined, as its harness has them, or had them last. It is what the
    /// harness wrote into the instance, where the application could, too: it can only deceive about itself.</summary>
    IReadOnlyList<ChainMember> ListChain(Aid aid);

    /// <summary>
    /// Opens the log of a process of the chain as it is now, for reading, seekable; <c>null</c> while there is none. The
    /// file is in the instance's layer, where the application can put anything: no symbolic link is followed on the way,
    /// and what is not a regular file counts as none. Stop and restore replace the file, so a follower opens it anew.
    /// </summary>
    Stream? OpenLog(Aid aid, string process);

    /// <summary>Starts a visitor: a program in all namespaces of the instance that is no member of the chain.</summary>
    Task<IVisitor> ExecAsync(Aid aid, VisitorRequest request, CancellationToken cancellationToken);

    /// <summary>Everything that would keep a running instance from being saved at this moment. It is not disturbed: neither
    /// stopped, nor traced, nor signalled. Some of what is read changes meanwhile.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.WrongState"/>: it has no processes on this node.</exception>
    Task<IReadOnlyList<Finding>> CheckAsync(Aid aid, CancellationToken cancellationToken);

    /// <summary>What this machine can and cannot do, with the remedy for what it cannot.</summary>
    Task<IReadOnlyList<NodeCheck>> CheckAsync(CancellationToken cancellationToken);
}

/// <param name="Pid">Virtual pid.</param>
/// <param name="HostPid">Pid on the node.</param>
/// <param name="Parent">Parent's virtual pid.</param>
/// <param name="Process">Name in the declaration, for the processes that the harness started itself; else <c>null</c>.</param>
/// <param name="Command">Command line, or the bracketed name if it has none.</param>
/// <param name="Threads">Number of threads.</param>
/// <param name="Memory">Resident bytes.</param>
public sealed record LiveProcess(int Pid, int HostPid, int Parent, string? Process, string Command, int Threads, long Memory);

/// <param name="Name">Its name.</param>
/// <param name="State"><c>pending</c>, <c>starting</c>, <c>running</c>, <c>waiting</c> (for its restart), <c>stopping</c> or <c>ended</c>; see <c>docs/chains.md</c>.</param>
/// <param name="Pid">Virtual pid; <c>null</c>: it does not run.</param>
/// <param name="Restarts">How often it was started again.</param>
/// <param name="LastExit">How it last ended; <c>null</c>: it has not.</param>
public sealed record ChainMember(string Name, string State, int? Pid, long Restarts, ProcessExit? LastExit)
{
    /// <summary>Of one that is not to run any more.</summary>
    public const string Ended = "ended";

    /// <summary>Of one whose restart is due.</summary>
    public const string Waiting = "waiting";
}

/// <param name="Command">Program and arguments.</param>
/// <param name="Env">Added to the instance's own variables.</param>
/// <param name="User">As in a declaration.</param>
/// <param name="Workdir">As in a declaration.</param>
/// <param name="Terminal">Whether it gets a terminal of the instance's own <c>/dev/pts</c>.</param>
/// <param name="Columns">Width of the terminal.</param>
/// <param name="Rows">Height of the terminal.</param>
public sealed record VisitorRequest(
    IReadOnlyList<string> Command, IReadOnlyDictionary<string, string> Env, string User, string Workdir, bool Terminal, int Columns, int Rows);

/// <summary>A running visitor. Disposing it ends it.</summary>
public interface IVisitor : IAsyncDisposable
{
    /// <summary>Its standard input, or the terminal; closing it is end of file.</summary>
    Stream Input { get; }

    /// <summary>Its standard output, or the terminal's.</summary>
    Stream Output { get; }

    /// <summary>Its standard error; <see cref="Stream.Null"/> with a terminal.</summary>
    Stream Error { get; }

    /// <summary>Its exit status: 0 to 255, or 128 and the number of the signal that ended it.</summary>
    Task<int> Exited { get; }

    /// <summary>Changes the terminal's size; nothing without one.</summary>
    void Resize(int columns, int rows);

    /// <summary>Sends it a signal.</summary>
    void Signal(int signal);
}

/// <param name="Name">What was looked at, in a few words.</param>
/// <param name="Ok">Whether it is as it should be.</param>
/// <param name="Required">Whether nothing works without it.</param>
/// <param name="Found">What was found, in plain words.</param>
/// <param name="Remedy">What to do, or <c>null</c> when nothing needs doing.</param>
public sealed record NodeCheck(string Name, bool Ok, bool Required, string Found, string? Remedy);
