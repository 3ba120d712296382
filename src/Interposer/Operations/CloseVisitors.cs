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

    /// <summary>How long what was killed may take to end.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

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
        var closed = new Dictionary<int, ClosedVisitor>();
        for (var round = 0; Look(aid, init) is { Any: true } visitors && round < Rounds; round++)
        {
            foreach (var one in visitors.Describe()) closed.TryAdd(one.HostPid, one);
            var processes = visitors.Visiting.Select(TryWatch).OfType<SpawnedProcess>().ToList();
            try
            {
                await EndAsync(processes, visitors.Describe().Select(one => one.HostPid).ToHashSet(), cancellationToken).ConfigureAwait(false);
            }
            catch (TimeoutException e)
            {
                throw new VniException(ErrorCodes.NotDumpable, $"application {aid} cannot be saved: a visitor could not be ended within {Limit.TotalSeconds:0} s; look at it with 'vni check {aid}'", e)
                {
                    Findings = Look(aid, init).Find(Libc.BootTime()),
                };
            }
            finally
            {
                foreach (var process in processes) process.Dispose();
            }
        }

        return [.. closed.Values];
    }

    private async Task EndAsync(List<SpawnedProcess> processes, HashSet<int> programs, CancellationToken cancellationToken)
    {
        var ended = Task.WhenAll(processes.Select(process => process.Exited));
        foreach (var signal in new[] { Libc.SIGHUP, Libc.SIGTERM, Libc.SIGCONT })
        {
            foreach (var process in processes.Where(process => programs.Contains(process.Pid))) process.Kill(signal);
        }

        try
        {
            await ended.WaitAsync(Grace, kit.Clock, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // Not the harnesses: each ends with its program, and tells how that ended.
            foreach (var process in processes.Where(process => programs.Contains(process.Pid))) process.Kill(Libc.SIGKILL);
            await ended.WaitAsync(Limit, kit.Clock, cancellationToken).ConfigureAwait(false);
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
