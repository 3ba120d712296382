using Vni.Actors.Identity;

namespace Vni.Interposer.Operations;

/// <summary>
/// Ends the processes of an instance and takes its shell away: cgroup, port, and with the last process the namespaces and
/// mounts. Files stay. It can be repeated, and works on what is there, complete or not.
/// </summary>
internal sealed class StopInstance(InstanceKit kit)
{
    private const int SIGTERM = 15;

    /// <summary>How long killed processes may take to end before the operation is said to have failed.</summary>
    private static readonly TimeSpan KillTimeout = TimeSpan.FromSeconds(30);

    public async Task RunAsync(Aid aid, TimeSpan grace, bool keepParked = false)
    {
        var cgroup = kit.Cgroups.Find(aid);
        var visitors = kit.Cgroups.FindVisitors(aid);
        var init = kit.Live.FindInit(aid);
        var end = kit.Live.WaitAsync(aid);
        if (init is not null && grace > TimeSpan.Zero && !cgroup.IsFrozen)
        {
            kit.Live.Signal(aid, SIGTERM);
            await Task.WhenAny(end, Task.Delay(grace, kit.Clock)).ConfigureAwait(false);
        }

        kit.Live.Forget(aid);
        cgroup.Kill();
        visitors.Kill();
        using var timeout = new CancellationTokenSource(KillTimeout, kit.Clock);
        await cgroup.RemoveAsync(timeout.Token).ConfigureAwait(false);
        await visitors.RemoveAsync(timeout.Token).ConfigureAwait(false);
        if (keepParked) kit.Network.Disconnect(aid);
        else kit.Network.Remove(aid);
        new LayerSwap(kit.Paths(aid)).Undo(); // A restore that was not completed leaves the former layer.
    }
}
