using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Vni.Interposer.Linux;

/// <summary>
/// A process that is watched through a pidfd, so that neither a signal nor the notice of its end can ever concern
/// another process that was given its number. Disposing it ends the watching, not the process; a child of ours is still reaped.
/// </summary>
internal sealed class SpawnedProcess : IDisposable
{
    /// <summary>Exit status of a process that is not our child: only its parent is told.</summary>
    public const int UnknownStatus = -1;

    private readonly TaskCompletionSource<int> _exited = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly PidfdWatcher _watcher;

    internal SpawnedProcess(PidfdWatcher watcher, int pid, SafeFileHandle pidfd, bool child)
    {
        _watcher = watcher;
        Pid = pid;
        Pidfd = pidfd;
        IsChild = child;
    }

    /// <summary>Number in the node's PID namespace.</summary>
    public int Pid { get; }

    /// <summary>See pidfd_open(2); open until this object is disposed and, for a child, reaped.</summary>
    public SafeFileHandle Pidfd { get; }

    /// <summary>0 to 255, or 128 and the number of the signal that ended it; <see cref="UnknownStatus"/> for a process
    /// that is not our child.</summary>
    public Task<int> Exited => _exited.Task;

    internal bool IsChild { get; }

    internal bool Disposed { get; set; }

    internal long Registration { get; set; }

    /// <summary>Sends a signal; nothing happens when the process has ended.</summary>
    public void Kill(int signal) => PidfdWatcher.Kill(this, signal);

    /// <inheritdoc />
    public void Dispose() => _watcher.Release(this);

    internal void Complete(int status) => _exited.TrySetResult(status);
}

/// <summary>
/// Notices the ends of processes, all on one thread. It alone reaps: children through their pidfd, and processes that
/// were re-parented to us (see <see cref="AdoptOrphans"/>) when SIGCHLD says that there are some. Children of
/// <see cref="System.Diagnostics.Process"/> are left to the runtime, which reaps none but its own: ours have a session
/// of their own (<see cref="ProcessSpawner"/>), and so have those that descend from them; the runtime's share the daemon's.
/// </summary>
internal sealed class PidfdWatcher : IDisposable
{
    /// <summary>Of all watchers together: children are the process's, and none may reap another's.</summary>
    private static readonly Lock Gate = new();
    private static readonly Dictionary<int, SpawnedProcess> Children = [];

    private readonly EpollLoop _loop = new("process watcher");
    private PosixSignalRegistration? _childSignal;

    /// <summary>Watches a process that was started by someone else.</summary>
    /// <exception cref="LinuxException"><c>ESRCH</c>: there is no such process.</exception>
    public SpawnedProcess Watch(int pid)
    {
        var process = new SpawnedProcess(this, pid, Libc.PidfdOpen(pid), child: false);
        lock (Gate) Register(process);
        return process;
    }

    /// <summary>Returns when the process has ended, at once if there is none.</summary>
    public async Task WatchAsync(int pid, CancellationToken cancellationToken = default)
    {
        SpawnedProcess process;
        try
        {
            process = Watch(pid);
        }
        catch (LinuxException e) when (e.Errno == Libc.ESRCH)
        {
            return;
        }

        using (process) await process.Exited.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Makes this process the parent of all orphans below it (PR_SET_CHILD_SUBREAPER), such as the first process of a
    /// restored instance when CRIU has ended, and reaps those that nobody watches. It ends with this object.
    /// </summary>
    public void AdoptOrphans()
    {
        Libc.SetChildSubreaper(true);
        _childSignal = PosixSignalRegistration.Create(PosixSignal.SIGCHLD, _ => _loop.Post(ReapOrphans));
        _loop.Post(ReapOrphans);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        if (_childSignal is not null)
        {
            _childSignal.Dispose();
            Libc.SetChildSubreaper(false);
        }

        _loop.Dispose();
    }

    /// <summary>Starts a child under the lock, so that it cannot be taken for an orphan before it is known.</summary>
    internal SpawnedProcess Start(Func<int> spawn)
    {
        lock (Gate)
        {
            var pid = spawn();
            var process = new SpawnedProcess(this, pid, Libc.PidfdOpen(pid), child: true);
            Children.Add(pid, process);
            Register(process);
            return process;
        }
    }

    internal static void Kill(SpawnedProcess process, int signal)
    {
        lock (Gate)
        {
            if (!process.Disposed && !process.Exited.IsCompleted) Libc.PidfdSendSignal(process.Pidfd, signal, process.Pid);
        }
    }

    internal void Release(SpawnedProcess process)
    {
        lock (Gate)
        {
            if (process.Disposed) return;
            process.Disposed = true;
            if (process.IsChild && !process.Exited.IsCompleted) return; // Its end is still to be noticed and reaped.
            if (!process.Exited.IsCompleted) _loop.Remove(process.Pidfd, process.Registration);
            process.Pidfd.Dispose();
        }
    }

    private void Register(SpawnedProcess process) =>
        process.Registration = _loop.Add(process.Pidfd, PollEvents.Readable, () => OnExit(process));

    private void OnExit(SpawnedProcess process)
    {
        lock (Gate)
        {
            if (process.Disposed && !process.IsChild) return;
            _loop.Remove(process.Pidfd, process.Registration);
            if (process.IsChild) Children.Remove(process.Pid);

            // Also for a process that was not ours when it was started: it may have been re-parented to us since.
            var status = Libc.Reap(process.Pidfd);
            process.Complete(status ?? SpawnedProcess.UnknownStatus);
            if (process.Disposed) process.Pidfd.Dispose();
        }
    }

    private void ReapOrphans()
    {
        if (!Libc.HasEndedChild()) return;
        var session = Libc.SessionOf(0);
        foreach (var pid in ProcFile.Children())
        {
            lock (Gate)
            {
                // A zombie keeps its number and its session, so nothing can change between look and reaping.
                if (!Children.ContainsKey(pid) && Libc.SessionOf(pid) is var other && other >= 0 && other != session) Libc.ReapIfEnded(pid);
            }
        }
    }
}

/// <summary>pidfd_open(2), pidfd_send_signal(2), waitid(2), prctl(2).</summary>
internal static partial class Libc
{
    /// <summary>Numbers of signals on x86-64 and arm64; see signal(7).</summary>
    public const int SIGHUP = 1, SIGKILL = 9, SIGTERM = 15, SIGCONT = 18;

    private const int SYS_pidfd_send_signal = 424, SYS_pidfd_open = 434;
    private const int P_ALL = 0, P_PID = 1, P_PIDFD = 3;
    private const int WNOHANG = 1, WEXITED = 4, WNOWAIT = 0x01000000;
    private const int CLD_EXITED = 1;
    private const int PR_SET_CHILD_SUBREAPER = 36;

    /// <summary>A pidfd; the kernel makes it close-on-exec.</summary>
    /// <exception cref="LinuxException"><c>ESRCH</c>: no such process.</exception>
    internal static SafeFileHandle PidfdOpen(int pid) =>
        CheckHandle((int)SystemCall(SYS_pidfd_open, pid, 0), "pidfd_open", pid.ToString());

    internal static void PidfdSendSignal(SafeFileHandle pidfd, int signal, int pid)
    {
        if (SystemCall(SYS_pidfd_send_signal, pidfd, signal, 0, 0) >= 0 || Marshal.GetLastPInvokeError() == ESRCH) return;
        Check(-1, "pidfd_send_signal", $"{pid}, {signal}");
    }

    /// <summary>Reaps an ended child and returns its status, 128 and the signal if one ended it; <c>null</c>: it is not
    /// our child, or someone else was faster.</summary>
    internal static unsafe int? Reap(SafeFileHandle pidfd)
    {
        SignalInformation information = default;
        var added = false;
        try
        {
            pidfd.DangerousAddRef(ref added);
            return WaitId(P_PIDFD, (int)pidfd.DangerousGetHandle(), &information, WEXITED | WNOHANG) < 0 || information.Pid == 0
                ? null
                : information.Code == CLD_EXITED ? information.Status : 128 + information.Status;
        }
        finally
        {
            if (added) pidfd.DangerousRelease();
        }
    }

    /// <summary>Whether any child has ended and not been reaped.</summary>
    internal static unsafe bool HasEndedChild()
    {
        SignalInformation information = default;
        return WaitId(P_ALL, 0, &information, WEXITED | WNOHANG | WNOWAIT) == 0 && information.Pid != 0;
    }

    /// <summary>Reaps one child if it has ended.</summary>
    internal static unsafe void ReapIfEnded(int pid)
    {
        SignalInformation information = default;
        _ = WaitId(P_PID, pid, &information, WEXITED | WNOHANG);
    }

    /// <summary>The session of a process, 0: of this one; negative if there is no such process.</summary>
    [LibraryImport("libc", EntryPoint = "getsid")]
    internal static partial int SessionOf(int pid);

    internal static void SetChildSubreaper(bool on) => Check(ProcessControl(PR_SET_CHILD_SUBREAPER, on ? 1u : 0u, 0, 0, 0), "prctl", "PR_SET_CHILD_SUBREAPER");

    /// <summary><c>siginfo_t</c> as waitid(2) fills it, on 64-bit Linux: 128 bytes.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 128)]
    private struct SignalInformation
    {
        [FieldOffset(8)]
        public int Code;

        [FieldOffset(16)]
        public int Pid;

        [FieldOffset(24)]
        public int Status;
    }

    [LibraryImport("libc", EntryPoint = "waitid", SetLastError = true)]
    private static unsafe partial int WaitId(int kind, int id, SignalInformation* information, int options);

    [LibraryImport("libc", EntryPoint = "prctl", SetLastError = true)]
    private static partial int ProcessControl(int option, nuint a, nuint b, nuint c, nuint d);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial long SystemCall(long number, long a, long b);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial long SystemCall(long number, SafeHandle descriptor, long b, nint c, long d);
}
