using System.Net;
using Vni.Actors;
using Vni.Actors.Diagnostics;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Actors.Resources;
using Vni.Actors.Snapshots;
using Vni.Interposer.Checkpoint;
using Vni.Interposer.Instances;
using Vni.Interposer.Linux;
using Vni.Interposer.Network;
using Vni.Interposer.Resources;

namespace Vni.Interposer.Operations;

/// <summary>
/// Brings an instance back (fig. 6): manifest, platform, layer, shell, CRIU with the port parked; then, with everything
/// rebuilt and nothing running, digests, comparison of every virtual id, commit; then plug, held frames, resume. Before
/// the commit every failure takes away what was built and puts the former layer back.
/// </summary>
internal sealed class RestoreInstance(InstanceKit kit, StopInstance stop)
{
    public async Task<RestoreResult> RunAsync(
        InstanceSpec instance, SnapshotRecord snapshot, Func<CancellationToken, Task> commit, CancellationToken cancellationToken)
    {
        var phases = new PhaseClock(kit.Clock);
        var aid = instance.Aid;
        var directory = kit.Snapshot(snapshot.Id).Directory;
        var manifest = ManifestFile.Read(directory, snapshot);
        await RefuseIncompatibleAsync(aid, manifest, cancellationToken).ConfigureAwait(false);
        phases.Mark("manifest");

        // Digests are computed beside everything else; the commit waits for them.
        using var verifier = ImageVerifier.Start(directory, manifest, kit.Digests);
        var swap = new LayerSwap(kit.Paths(aid));
        var wasParked = kit.Network.IsParked(aid);
        var stages = new Stages(kit, instance, manifest, verifier, commit, phases);
        try
        {
            await kit.Cgroups.Find(aid).RemoveAsync(CancellationToken.None).ConfigureAwait(false); // One that a release left would be frozen.
            await PrepareLayerAsync(aid, snapshot.Id, directory, swap, verifier).ConfigureAwait(false);
            phases.Mark("layer");
            var cgroup = kit.Cgroups.Create(aid, instance.Declaration.Limits);
            BindGuard.Attach(cgroup.Directory, IPAddress.Parse(instance.Identity.Ip));
            kit.Network.Park(aid, instance.Identity);
            FaultPoints.Reach("restore:prepared");
            var paths = kit.Paths(aid);
            var overlay = new OverlayMount(instance.Declaration.Root, paths.Upper, paths.Work, paths.Root);
            await using var criu = CriuSession.Start(kit.Spawner, kit.CriuLaunch(cgroup.Directories, overlay));
            var request = new RestoreRequest { Aid = aid, ImagesDirectory = Path.Combine(directory, SnapshotPaths.Images), LogDirectory = paths.Directory, Root = paths.Root };
            var restored = await Restore.RunAsync(criu, request, stages, cancellationToken).ConfigureAwait(false);
            phases.Mark("resume");
            FaultPoints.Reach("restore:resumed");
            if (restored.PlugFailure is not null) await stages.PlugAsync().ConfigureAwait(false);
            kit.Live.Add(instance, restored.InitPid);
            swap.Complete();
            return new RestoreResult(restored.InitPid, stages.FramesHeld, phases.Phases);
        }
        catch
        {
            // Also after the commit: what could not be plugged has reached nobody, so the snapshot is still the truth.
            await stop.RunAsync(aid, TimeSpan.Zero, keepParked: wasParked).ConfigureAwait(false);
            throw;
        }
    }

    private async Task RefuseIncompatibleAsync(Aid aid, SnapshotManifest manifest, CancellationToken cancellationToken)
    {
        var platform = await kit.Platform.GetAsync(cancellationToken).ConfigureAwait(false);
        var differences = Compatibility.Check(manifest.Platform, platform);
        if (differences.Count > 0)
        {
            throw new VniException(
                ErrorCodes.Incompatible,
                $"snapshot {manifest.Id} of application {aid} cannot be restored on node {kit.Options.Node}: {string.Join("; ", differences)}; restore it on a node like {manifest.Node}");
        }
    }

    private async Task PrepareLayerAsync(Aid aid, string snapshotId, string directory, LayerSwap swap, ImageVerifier verifier)
    {
        var root = kit.Paths(aid);
        Directory.CreateDirectory(root.Root);
        if (kit.Settled.Take(aid, snapshotId))
        {
            swap.Keep();
            return;
        }

        var archive = Path.Combine(directory, SnapshotPaths.Layer);
        await verifier.VerifyAsync(SnapshotPaths.Layer).ConfigureAwait(false);
        await LayerArchive.ExtractAsync(kit.Spawner, archive, swap.BeginNew()).ConfigureAwait(false);
        swap.Exchange();
    }

    private sealed class Stages(
        InstanceKit kit, InstanceSpec instance, SnapshotManifest manifest, ImageVerifier verifier, Func<CancellationToken, Task> commit, PhaseClock phases) : IRestoreStages
    {
        private int _init;

        public int FramesHeld { get; private set; }

        public Task SetUpNetworkAsync(int initPid, CancellationToken cancellationToken)
        {
            phases.Mark("start");
            _init = initPid;
            kit.Network.Connect(instance.Aid, instance.Identity, initPid, manifest.Neighbours);
            kit.Network.LockLoopback(initPid);
            phases.Mark("network");
            FaultPoints.Reach("restore:network");
            return Task.CompletedTask;
        }

        public async Task VerifyAndCommitAsync(int initPid, CancellationToken cancellationToken)
        {
            phases.Mark("rebuild");
            FaultPoints.Reach("restore:rebuilt");
            await verifier.VerifyAllAsync().ConfigureAwait(false);
            CompareResources(initPid);
            phases.Mark("verify");
            await commit(cancellationToken).ConfigureAwait(false);
            phases.Mark("commit");
            FaultPoints.Reach("restore:committed");
        }

        public Task PlugAsync()
        {
            kit.Network.UnlockLoopback(_init);
            FramesHeld = kit.Network.Plug(instance.Aid, instance.Identity);
            phases.Mark("plug");
            FaultPoints.Reach("restore:plugged");
            return Task.CompletedTask;
        }

        private void CompareResources(int initPid)
        {
            // CRIU itself is in the cgroup until it has ended; it is not in the instance's PID namespace.
            var now = ResourceScanner.Scan(initPid, kit.Cgroups.Find(instance.Aid).Pids());
            var differences = ResourceDifference.Between(manifest.Resources, now);
            if (differences.Count > 0)
            {
                throw new VniException(
                    ErrorCodes.VerificationFailed,
                    $"snapshot {manifest.Id} of application {instance.Aid} was rebuilt with other resources than it was saved with: {string.Join("; ", differences.Take(5))}; nothing was resumed, the snapshot is unchanged");
            }
        }
    }
}
