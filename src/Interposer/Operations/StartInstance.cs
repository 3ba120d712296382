using System.Net;
using Vni.Actors.Diagnostics;
using Vni.Actors.Interposition;
using Vni.Interposer.Network;

namespace Vni.Interposer.Operations;

/// <summary>Builds the shell of an instance and starts its chain; whatever fails, the shell is taken away again.</summary>
internal sealed class StartInstance(InstanceKit kit, StopInstance stop)
{
    public async Task<StartedInstance> RunAsync(InstanceSpec instance, CancellationToken cancellationToken)
    {
        var aid = instance.Aid;
        var paths = kit.Paths(aid);
        try
        {
            kit.Settled.Unsettle(aid);
            kit.Layers.Build(instance, paths);
            FaultPoints.Reach("start:layer");
            var cgroup = kit.Cgroups.Create(aid, instance.Declaration.Limits);
            BindGuard.Attach(cgroup.Directory, instance.Identity);
            await using var prepared = await kit.Harness.PrepareAsync(instance, paths, cgroup, cancellationToken).ConfigureAwait(false);
            FaultPoints.Reach("start:prepared");
            kit.Network.Connect(aid, instance.Identity, prepared.InitPid, []);
            kit.Network.Plug(aid, instance.Identity);
            FaultPoints.Reach("start:plugged");
            kit.Gate.RefuseWhenClosed(aid);
            await prepared.GoAsync(cancellationToken).ConfigureAwait(false);
            kit.Live.Add(instance, prepared.InitPid);
            FaultPoints.Reach("start:started");
            return new StartedInstance(prepared.InitPid);
        }
        catch
        {
            await stop.RunAsync(aid, TimeSpan.Zero).ConfigureAwait(false);
            throw;
        }
    }
}
