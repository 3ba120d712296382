using Vni.Actors;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Interposer.Checkpoint;
using Vni.Interposer.Linux;
using Vni.Interposer.Network;

namespace Vni.Interposer.Operations;

/// <summary>Stops an instance so that it can be saved, for a snapshot or for another node, and lets it run on.</summary>
internal sealed class FreezeInstance(InstanceKit kit)
{
    /// <summary>How long a moment that cannot be saved (a connection that waits to be accepted, a process between
    /// vfork(2) and execve(2)) is waited for: the instance runs meanwhile.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(10), LongestPause = TimeSpan.FromMilliseconds(500);

    /// <summary>Tries again as long as a failure goes away when the processes run on for a moment.</summary>
    /// <param name="attempt">Leaves the instance running when it fails.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public async Task<T> PatientlyAsync<T>(Func<Task<T>> attempt, CancellationToken cancellationToken)
    {
        var began = kit.Clock.GetTimestamp();
        for (var pause = FirstPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            try
            {
                return await attempt().ConfigureAwait(false);
            }
            catch (Exception e) when (Transient.Is(e) && kit.Clock.GetElapsedTime(began) < Patience)
            {
                await Task.Delay(pause, kit.Clock, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>The harness of an instance that runs and that nobody visits.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.WrongState"/>, <see cref="ErrorCodes.NotDumpable"/>.</exception>
    public int RequireUndisturbed(Aid aid)
    {
        var init = kit.Live.FindInit(aid)
            ?? throw new VniException(ErrorCodes.WrongState, $"application {aid} has no processes on this node that could be saved; start it first");
        return Visitors(aid) is { } visitors ? throw new VniException(ErrorCodes.NotDumpable, $"application {aid} cannot be saved while {visitors}; end it and try again") : init;
    }

    /// <summary>Who visits an instance; <c>null</c>: nobody.</summary>
    public string? Visitors(Aid aid)
    {
        var visitors = kit.Cgroups.FindVisitors(aid).Pids();
        if (visitors.Count == 0) return null;
        var names = visitors.Select(pid => $"{pid} ({ProcFile.TryRead($"/proc/{pid}/comm")?.Trim() ?? "ended"})");
        return $"'vni exec' is active in it: node's pid {string.Join(", ", names)}";
    }

    /// <summary>Freezes all processes, checks that they can be saved, and lets the port hold frames. A failure leaves the
    /// instance half stopped: <see cref="ThawAsync"/> is the caller's.</summary>
    /// <param name="instance">The instance.</param>
    /// <param name="init">Its harness.</param>
    /// <param name="phases">Gets <c>freeze</c>, <c>check</c>, <c>park</c>.</param>
    /// <param name="frozen">Called when nothing runs any more.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <returns>Its processes, by pid of the node.</returns>
    public async Task<IReadOnlyList<int>> FreezeAsync(InstanceSpec instance, int init, PhaseClock phases, Action frozen, CancellationToken cancellationToken)
    {
        var cgroup = kit.Cgroups.Find(instance.Aid);
        await cgroup.FreezeAsync(cancellationToken).ConfigureAwait(false);
        phases.Mark("freeze");
        frozen();
        var pids = cgroup.Pids();
        Preflight.Check(instance.Aid, pids);
        phases.Mark("check");
        kit.Network.LockLoopback(init);
        kit.Network.Park(instance.Aid, instance.Identity);
        phases.Mark("park");
        return pids;
    }

    /// <summary>Lets a frozen instance run on where it was: frames first, then processes. Harmless for one that runs.</summary>
    public async Task ThawAsync(InstanceSpec instance, TravelledFrames travelled)
    {
        kit.Settled.Unsettle(instance.Aid);
        if (kit.Live.FindInit(instance.Aid) is { } init) kit.Network.UnlockLoopback(init);
        kit.Network.Plug(instance.Aid, instance.Identity, travelled);
        await kit.Gate.ThawAsync(instance.Aid, kit.Cgroups.Find(instance.Aid)).ConfigureAwait(false);
    }
}
