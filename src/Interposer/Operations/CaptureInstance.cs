using Vni.Actors.Diagnostics;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Actors.Snapshots;
using Vni.Interposer.Checkpoint;
using Vni.Interposer.Network;

namespace Vni.Interposer.Operations;

/// <summary>
/// Takes a snapshot (fig. 5): freeze, check, park, dump and save the layer, digests, manifest, publish. What is slow and
/// needs no frozen process comes after the processes run again, or runs beside the dump on another core. Until the
/// draft is renamed into place nothing has happened but a pause.
/// </summary>
internal sealed class CaptureInstance(InstanceKit kit, FreezeInstance freezer, DumpInstance dumper)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    public async Task<CaptureResult> RunAsync(InstanceSpec instance, string id, CaptureMode mode, Quiescing quiescing, CancellationToken cancellationToken)
    {
        var closed = new List<ClosedVisitor>();
        var result = await freezer.PatientlyAsync(quiescing, async () =>
        {
            using var quiet = await freezer.PrepareAsync(instance.Aid, quiescing, closed, cancellationToken).ConfigureAwait(false);
            return await TryAsync(instance, quiet, id, mode, cancellationToken).ConfigureAwait(false);
        }, cancellationToken).ConfigureAwait(false);
        return result with { ClosedVisitors = closed };
    }

    private async Task<CaptureResult> TryAsync(InstanceSpec instance, QuietInstance quiet, string id, CaptureMode mode, CancellationToken cancellationToken)
    {
        var (aid, init) = (instance.Aid, quiet.Init);
        var platform = await kit.Platform.GetAsync(cancellationToken).ConfigureAwait(false);
        var paths = kit.Snapshot(id);
        CreateDraft(paths);
        await using var criu = dumper.StartSession();
        var phases = new PhaseClock(kit.Clock);
        var created = kit.Clock.GetUtcNow();
        var held = true;
        try
        {
            var pids = await freezer.FreezeAsync(instance, quiet, phases, static () => FaultPoints.Reach("snapshot:frozen"), cancellationToken).ConfigureAwait(false);
            FaultPoints.Reach("snapshot:parked");
            var directory = Path.Combine(paths.Draft, SnapshotPaths.Images);
            using var images = ImageHasher.Start(directory, kit.Clock);
            var layer = SaveLayerAsync(aid, paths);
            var layerEnded = layer.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            var dump = dumper.RunAsync(criu, aid, init, pids, directory, paths.Draft, () => CompleteLayerAsync(aid, paths, layer, layerEnded));
            await Task.WhenAll(dump, layerEnded).ConfigureAwait(false); // Nothing may still write to a draft that is deleted.
            phases.Mark("dump");
            FaultPoints.Reach("snapshot:dumped");

            if (mode == CaptureMode.LeaveRunning)
            {
                held = false;
                await freezer.ThawAsync(instance, TravelledFrames.None).ConfigureAwait(false);
                phases.Mark("resume");
            }

            var state = await dump.ConfigureAwait(false);
            var files = await images.FinishAsync(paths.Draft).ConfigureAwait(false);
            phases.Mark("digest");
            var (manifest, digest) = Publish(paths, dumper.Describe(instance, id, created, platform, state, files));
            kit.Digests.Remember(paths.Directory, manifest.Files);
            if (mode == CaptureMode.LeaveFrozen && !HasRemaps(paths.Directory)) kit.Settled.Settle(aid, id);
            phases.Mark("manifest");
            FaultPoints.Reach("snapshot:published");
            var record = new SnapshotRecord(id, aid, kit.Options.Node, created, manifest.Files.Sum(f => f.Size), digest, Durable: false) { Joined = manifest.Joined };
            return new CaptureResult(manifest, record, phases.Phases);
        }
        catch (Exception e)
        {
            if (held) await freezer.ThawAsync(instance, TravelledFrames.None).ConfigureAwait(false);
            DeleteDirectory(paths.Draft);
            DeleteDirectory(paths.Directory);
            if (NoSpace.Is(e)) throw NoSpace.Of(aid, paths.Draft, e);
            throw;
        }
    }

    /// <summary>Deletes a snapshot or a draft of one.</summary>
    public static void DeleteDirectory(string path)
    {
        // Renamed first: half a snapshot must not carry the name of a whole one.
        if (!Directory.Exists(path)) return;
        var doomed = path.EndsWith(SnapshotPaths.DraftSuffix, StringComparison.Ordinal) ? path : path + SnapshotPaths.DraftSuffix;
        if (doomed != path)
        {
            if (Directory.Exists(doomed)) Directory.Delete(doomed, recursive: true);
            Directory.Move(path, doomed);
        }

        Directory.Delete(doomed, recursive: true);
    }

    private Task SaveLayerAsync(Aid aid, SnapshotPaths paths) =>
        LayerArchive.SaveAsync(kit.Spawner, kit.Paths(aid).Upper, Path.Combine(paths.Draft, SnapshotPaths.Layer));

    /// <summary>
    /// The layer is archived beside the dump. Where CRIU has made links meanwhile, to open files that have lost their names,
    /// the archive may have missed them, or have failed over a directory that changed: then it is made once more.
    /// </summary>
    private async Task CompleteLayerAsync(Aid aid, SnapshotPaths paths, Task layer, Task layerEnded)
    {
        await layerEnded.ConfigureAwait(false);
        await (HasRemaps(paths.Draft) ? SaveLayerAsync(aid, paths) : layer).ConfigureAwait(false);
    }

    private static bool HasRemaps(string directory) => DumpInstance.HasRemaps(Path.Combine(directory, SnapshotPaths.Images));

    private static void CreateDraft(SnapshotPaths paths)
    {
        if (Directory.Exists(paths.Draft)) Directory.Delete(paths.Draft, recursive: true);
        Directory.CreateDirectory(paths.Draft, OwnerOnly); // What processes hold in memory is nobody else's.
        Directory.CreateDirectory(Path.Combine(paths.Draft, SnapshotPaths.Images), OwnerOnly);
    }

    private static (SnapshotManifest Manifest, string Digest) Publish(SnapshotPaths paths, SnapshotManifest manifest)
    {
        var digest = ManifestFile.Write(paths.Draft, manifest);
        // Not synced here: that would bring all of the images to disk while the instance waits. SnapshotSync does it after
        // the commit, and until it has, the previous snapshot is kept and this one is verified by a daemon that starts.
        Directory.Move(paths.Draft, paths.Directory);
        return (manifest, digest);
    }
}
