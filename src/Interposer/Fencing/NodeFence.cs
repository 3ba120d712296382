using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Interposer.Linux;
using Vni.Interposer.Operations;

namespace Vni.Interposer.Fencing;

/// <summary>
/// Fencing by the daemon, and the way back from a guard's fence. A guard freezes the directory that holds all cgroups of the
/// node, which takes one write and stops whatever works on instances too (CRIU among it). The daemon freezes each instance by
/// itself and then thaws that directory, so that each can be let go by itself.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "The semaphore has no handle as long as nobody asks for one.")]
internal sealed class NodeFence(InstanceKit kit)
{
    private const string FreezeFile = "cgroup.freeze";

    /// <summary>One at a time: who finds everything frozen must not hold what another has just let go.</summary>
    private readonly SemaphoreSlim _turn = new(1, 1);

    /// <summary>Freezes and parks everything; what starts later finds the gate closed.</summary>
    public Task RunAsync(CancellationToken cancellationToken)
    {
        kit.Gate.Close();
        return HoldAllAsync(cancellationToken);
    }

    /// <summary>Turns a guard's fence, if there is one, into the daemon's.</summary>
    public async Task SettleAsync(CancellationToken cancellationToken)
    {
        if (!IsGuarded) return;
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (!IsGuarded) return;
            kit.Log.LogWarning("A guard has frozen this node: its applications stay frozen until they are confirmed");
            await HoldEachAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Whether a guard's fence is there.</summary>
    public bool IsGuarded => IsSetFrozen(kit.Cgroups.Root);

    /// <summary>Lets an instance go on that the fence holds.</summary>
    public async Task LiftAsync(InstanceSpec instance, CancellationToken cancellationToken)
    {
        var aid = instance.Aid;
        if (!kit.Gate.Holds(aid)) return;
        await SettleAsync(cancellationToken).ConfigureAwait(false);
        var plug = kit.Gate.HoldsPort(aid);
        kit.Gate.Confirm(aid);
        if (plug) kit.Network.Plug(aid, instance.Identity);
        foreach (var cgroup in CgroupsOf(aid)) await cgroup.ThawAsync(cancellationToken).ConfigureAwait(false);
    }

    private async Task HoldAllAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await HoldEachAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task HoldEachAsync(CancellationToken cancellationToken)
    {
        var aids = kit.Cgroups.List();
        foreach (var aid in aids.Where(IsBeingRebuilt))
        {
            kit.Gate.Hold(aid); // Whoever rebuilds it finds out why that fails.
            kit.Cgroups.Find(aid).Kill();
        }

        foreach (var aid in aids) Freeze(aid);
        foreach (var aid in aids) Park(aid);
        foreach (var cgroup in aids.Where(kit.Gate.Holds).SelectMany(CgroupsOf)) await cgroup.FreezeAsync(cancellationToken).ConfigureAwait(false);
        if (IsGuarded) CgroupFile.Write(kit.Cgroups.Root, FreezeFile, "0");
    }

    /// <summary>One that is frozen already is in somebody's hands, who finds the gate closed when he would thaw it.</summary>
    private void Freeze(Aid aid)
    {
        if (kit.Gate.Holds(aid) || IsSetFrozen(kit.Cgroups.Find(aid).Directory)) return;
        kit.Gate.Hold(aid);
        foreach (var cgroup in CgroupsOf(aid)) TryWrite(cgroup, "1");
    }

    /// <summary>A port that is parked is so for another reason, and a namespace without an address has not been plugged.</summary>
    private void Park(Aid aid)
    {
        if (kit.Network.IsParked(aid)) return;
        var init = kit.Cgroups.Find(aid).Pids().Select(InstanceMember.TryRead).FirstOrDefault(m => m is { VirtualPid: 1 });
        if (init is null || InnerIdentity.Read(init.Pid) is not { } identity) return;
        if (kit.Gate.Holds(aid)) kit.Gate.HoldPort(aid);
        kit.Network.Park(aid, identity);
    }

    /// <summary>CRIU, frozen with what it builds, would never answer, and one that is not would let the instance run when it is
    /// done. Such a restore ends: what it was made from is whole, and whoever asked for it learns that it failed.</summary>
    private bool IsBeingRebuilt(Aid aid) =>
        kit.Live.FindInit(aid) is null && kit.Cgroups.Find(aid).Pids().Select(InstanceMember.TryRead).Any(member => member is { VirtualPid: null });

    private IEnumerable<Cgroup> CgroupsOf(Aid aid) => new[] { kit.Cgroups.Find(aid), kit.Cgroups.FindVisitors(aid) }.Where(c => c.Exists);

    private static bool IsSetFrozen(string directory) => CgroupFile.TryRead(directory, FreezeFile)?.TrimEnd() == "1";

    private static void TryWrite(Cgroup cgroup, string value)
    {
        try
        {
            CgroupFile.Write(cgroup.Directory, FreezeFile, value);
        }
        catch (LinuxException e) when (e.Errno is Libc.ENOENT or Libc.ENODEV)
        {
            // It ended meanwhile.
        }
    }
}
