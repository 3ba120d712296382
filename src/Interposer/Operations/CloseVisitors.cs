using Vni.Actors;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Interposer.Checkpoint;
using Vni.Interposer.Checkpoint.Findings;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Operations;

/// <summary>Sees to whom visitors are before an instance is saved: ends visitors, and makes what they have left behind members.</summary>
internal sealed class CloseVisitors(InstanceKit kit)
{
    /// <summary>Between SIGTERM and SIGKILL.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(1);

    /// <summary>How long all of it may take.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    /// <summary>Between looks at harnesses that are ending.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(2);

    /// <summary>Visitors make new processes while they are looked at; who does nothing but that is not followed for ever.</summary>
    private const int Rounds = 20;

    /// <summary>Who is in the visitors' cgroup.</summary>
    public Visitors Look(Aid aid, int init) => new(ProcReader.Node, init, kit.Cgroups.FindVisitors(aid).Pids());

    /// <summary>Moves what visitors have left behind into the instance's cgroup: from then on it is frozen, saved and ended with it.</summary>
    public Visitors Adopt(Aid aid, int init)
    {
        var visitors = Look(aid, init);
        for (var round = 0; visitors.LeftBehind.Count > 0 && round < Rounds; round++)
        {
            foreach (var directory in kit.Cgroups.Find(aid).Directories)
            {
                foreach (var pid in visitors.LeftBehind) Move(directory, pid);
            }

            visitors = Look(aid, init);
        }

        return visitors;
    }

    /// <summary>Ends all visitors: SIGHUP, for shells, and SIGTERM; after a moment SIGKILL.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.NotDumpable"/>: one could not be ended.</exception>
    public async Task<IReadOnlyList<ClosedVisitor>> RunAsync(Aid aid, int init, CancellationToken cancellationToken)
    {
        var (closed, began) = (new Dictionary<int, ClosedVisitor>(), kit.Clock.GetTimestamp());
        while (Look(aid, init) is { Any: true } visitors)
        {
            if (kit.Clock.GetElapsedTime(began) > Limit)
            {
                throw new VniException(ErrorCodes.NotDumpable, $"application {aid} cannot be saved: a visitor could not be ended within {Limit.TotalSeconds:0} s; look at it with 'vni check {aid}'")
                {
                    Findings = visitors.Find(Libc.BootTime()),
                };
            }

            var programs = visitors.Describe();
            foreach (var one in programs) closed.TryAdd(one.HostPid, one);

            // A harness ends with its program, and tells how that ended; it is the daemon's child, which others wait for.
            if (programs.Count > 0) await EndAsync(programs, cancellationToken).ConfigureAwait(false);
            else await Task.Delay(Pause, kit.Clock, cancellationToken).ConfigureAwait(false);
        }

        return [.. closed.Values];
    }

    private async Task EndAsync(IReadOnlyList<ClosedVisitor> programs, CancellationToken cancellationToken)
    {
        var processes = programs.Select(one => TryWatch(one.HostPid)).OfType<SpawnedProcess>().ToList();
        try
        {
            foreach (var signal in new[] { Libc.SIGHUP, Libc.SIGTERM, Libc.SIGCONT }) processes.ForEach(process => process.Kill(signal));
            Task ended = Task.WhenAll(processes.Select(process => process.Exited));
            try
            {
                await ended.WaitAsync(Grace, kit.Clock, cancellationToken).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                processes.ForEach(process => process.Kill(Libc.SIGKILL));
                await ended.WaitAsync(Grace, kit.Clock, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
        finally
        {
            processes.ForEach(process => process.Dispose());
        }
    }

    private SpawnedProcess? TryWatch(int pid)
    {
        try
        {
            return kit.Watcher.Watch(pid);
        }
        catch (LinuxException e) when (e.Errno == Libc.ESRCH)
        {
            return null;
        }
    }

    private static void Move(string directory, int pid)
    {
        try
        {
            CgroupFile.Write(directory, "cgroup.procs", $"{pid}");
        }
        catch (LinuxException e) when (e.Errno == Libc.ESRCH)
        {
            // It has ended.
        }
    }
}
