using Vni.Actors;
using Vni.Actors.Diagnostics;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Actors.Snapshots;
using Vni.Interposer.Checkpoint;

namespace Vni.Interposer.Operations;

/// <summary>Brings an instance back from a snapshot of this node (fig. 6): manifest, platform, then <see cref="RebuildInstance"/>
/// with the layer from its archive and the digests compared before the commit.</summary>
internal sealed class RestoreInstance(InstanceKit kit, RebuildInstance rebuild)
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
        var request = new RebuildRequest
        {
            Instance = instance,
            Manifest = manifest,
            Images = Path.Combine(directory, SnapshotPaths.Images),
            Reached = Reach,
            PutLayer = swap => PutLayerAsync(aid, snapshot.Id, directory, swap, verifier),
            Verify = verifier.VerifyAllAsync,
            Commit = commit,
        };
        return await rebuild.RunAsync(request, phases, cancellationToken).ConfigureAwait(false);
    }

    private static void Reach(RebuildStage stage)
    {
        switch (stage)
        {
            case RebuildStage.Prepared: FaultPoints.Reach("restore:prepared"); break;
            case RebuildStage.Network: FaultPoints.Reach("restore:network"); break;
            case RebuildStage.Rebuilt: FaultPoints.Reach("restore:rebuilt"); break;
            case RebuildStage.Committed: FaultPoints.Reach("restore:committed"); break;
            case RebuildStage.Plugged: FaultPoints.Reach("restore:plugged"); break;
            case RebuildStage.Resumed: FaultPoints.Reach("restore:resumed"); break;
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

    private async Task PutLayerAsync(Aid aid, string snapshotId, string directory, LayerSwap swap, ImageVerifier verifier)
    {
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
}
