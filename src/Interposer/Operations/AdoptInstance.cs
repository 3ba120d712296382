using Vni.Actors;
using Vni.Actors.Interposition;
using Vni.Interposer.Instances;
using Vni.Interposer.Linux;
using Vni.Interposer.Network;

namespace Vni.Interposer.Operations;

/// <summary>Takes over a live instance of a former daemon: watches it, plugs its port, thaws it. Repeating it is harmless.</summary>
internal sealed class AdoptInstance(InstanceKit kit, FreezeInstance freezer)
{
    public async Task<StartedInstance> RunAsync(InstanceSpec instance)
    {
        var aid = instance.Aid;
        var init = kit.Cgroups.Find(aid).Pids().Select(InstanceMember.TryRead).OfType<InstanceMember>().FirstOrDefault(m => m is { VirtualPid: 1, IsHarness: true })
            ?? throw new VniException(ErrorCodes.WrongState, $"application {aid} has no processes on this node that could be taken over; start or restore it");
        try
        {
            kit.Live.Add(instance, init.Pid);
        }
        catch (LinuxException e) when (e.Errno == Libc.ESRCH)
        {
            throw new VniException(ErrorCodes.WrongState, $"application {aid} ended while it was being taken over; start or restore it", e);
        }

        new LayerSwap(kit.Paths(aid)).Complete();
        await freezer.ThawAsync(instance, TravelledFrames.None).ConfigureAwait(false);
        JoinInstance.Withdraw(init.Pid);
        return new StartedInstance(init.Pid) { Members = [.. ChainRecords.ReadChain(kit.Paths(aid)).Select(member => member.Name)] };
    }
}
