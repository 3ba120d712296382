using Vni.Actors;
using Vni.Actors.Diagnostics;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Actors.Resources;
using Vni.Actors.Snapshots;
using Vni.Interposer.Checkpoint;
using Vni.Interposer.Linux;
using Vni.Interposer.Resources;

namespace Vni.Interposer.Operations;

/// <summary>
/// Takes a snapshot (fig. 5): freeze, check, park, dump and save the layer, digests, manifest, publish. What is slow and
/// needs no frozen process comes after the processes run again, or runs beside the dump on another core. Until the
/// draft is renamed into place nothing has happened but a pause.
/// </summary>
internal sealed class CaptureInstance(InstanceKit kit)
{
    /// <summary>How long a moment that CRIU cannot save (a connection that waits to be accepted, a process between
    /// vfork(2) and execve(2)) is waited for: the instance runs meanwhile.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(10), LongestPause = TimeSpan.FromMilliseconds(500);

    public async Task<CaptureResult> RunAsync(InstanceSpec instance, string id, CaptureMode mode, CancellationToken cancellationToken)
    {
        var began = kit.Clock.GetTimestamp();
        for (var pause = FirstPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            try
            {
                return await TryAsync(instance, id, mode, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (Transient.Is(e) && kit.Clock.GetElapsedTime(began) < Patience)
            {
                await Task.Delay(pause, kit.Clock, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private async Task<CaptureResult> TryAsync(InstanceSpec instance, string id, CaptureMode mode, CancellationToken cancellationToken)
    {
        var aid = instance.Aid;
        var init = kit.Live.FindInit(aid)
            ?? throw new VniException(ErrorCodes.WrongState, $"application {aid} has no processes on this node that could be saved; start it first");
        RefuseVisitors(aid);
        var platform = await kit.Platform.GetAsync(cancellationToken).ConfigureAwait(false);
        var paths = kit.Snapshot(id);
        CreateDraft(paths);
        await using var criu = CriuSession.Start(kit.Spawner, kit.CriuLaunch([kit.Cgroups.CreateSessions().Directory], overlay: null));
        var cgroup = kit.Cgroups.Find(aid);
        var phases = new PhaseClock(kit.Clock);
        var created = kit.Clock.GetUtcNow();
        var held = true;
        try
        {
            await cgroup.FreezeAsync(cancellationToken).ConfigureAwait(false);
            phases.Mark("freeze");
            FaultPoints.Reach("snapshot:frozen");
            var pids = cgroup.Pids();
            Preflight.Check(aid, pids);
            phases.Mark("check");
            kit.Network.LockLoopback(init);
            kit.Network.Park(aid, instance.Identity);
            phases.Mark("park");
            FaultPoints.Reach("snapshot:parked");

            using var images = ImageHasher.Start(Path.Combine(paths.Draft, SnapshotPaths.Images), kit.Clock);
            var layer = SaveLayerAsync(aid, paths);
            var layerEnded = layer.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            var request = new DumpRequest
            {
                Aid = aid,
                InitPid = init,
                FrozenCgroup = cgroup.Directory,
                ImagesDirectory = Path.Combine(paths.Draft, SnapshotPaths.Images),
                LogDirectory = paths.Draft,
            };
            var dump = Dump.RunAsync(criu, request, () => CompleteLayerAsync(aid, paths, layer, layerEnded));
            var scan = Task.Run(() => (Resources: ResourceScanner.Scan(init, pids), Neighbours: kit.Network.ReadNeighbours(init)), CancellationToken.None);
            await Task.WhenAll(dump, scan, layerEnded).ConfigureAwait(false); // Nothing may still write to a draft that is deleted.
            phases.Mark("dump");
            FaultPoints.Reach("snapshot:dumped");

            if (mode == CaptureMode.LeaveRunning)
            {
                held = false;
                await ResumeAsync(instance).ConfigureAwait(false);
                phases.Mark("resume");
            }

            var (resources, neighbours) = await scan.ConfigureAwait(false);
            var files = await images.FinishAsync(paths.Draft).ConfigureAwait(false);
            phases.Mark("digest");
            var (manifest, digest) = Publish(paths, Describe(instance, id, created, platform, resources, neighbours, files));
            kit.Digests.Remember(paths.Directory, manifest.Files);
            if (mode == CaptureMode.LeaveFrozen && !HasRemaps(paths.Directory)) kit.Settled.Settle(aid, id);
            phases.Mark("manifest");
            FaultPoints.Reach("snapshot:published");
            var record = new SnapshotRecord(id, aid, kit.Options.Node, created, manifest.Files.Sum(f => f.Size), digest, Durable: false);
            return new CaptureResult(manifest, record, phases.Phases);
        }
        catch (Exception e)
        {
            if (held) await ResumeAsync(instance).ConfigureAwait(false);
            DeleteDirectory(paths.Draft);
            DeleteDirectory(paths.Directory);
            if (NoSpace.Is(e)) throw NoSpace.Of(aid, paths.Draft, e);
            throw;
        }
    }

    /// <summary>Lets a frozen instance run on where it was: frames first, then processes.</summary>
    public async Task ResumeAsync(InstanceSpec instance)
    {
        kit.Settled.Unsettle(instance.Aid);
        if (kit.Live.FindInit(instance.Aid) is { } init) kit.Network.UnlockLoopback(init);
        kit.Network.Plug(instance.Aid, instance.Identity);
        await kit.Gate.ThawAsync(instance.Aid, kit.Cgroups.Find(instance.Aid)).ConfigureAwait(false);
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

    /// <summary>Whether files without a name are open. CRIU's links to them are in the archive, and no longer in the layer.</summary>
    private static bool HasRemaps(string directory) => File.Exists(Path.Combine(directory, SnapshotPaths.Images, "remap-fpath.img"));

    private void RefuseVisitors(Aid aid)
    {
        var visitors = kit.Cgroups.FindVisitors(aid).Pids();
        if (visitors.Count == 0) return;
        var names = visitors.Select(pid => $"{pid} ({ProcFile.TryRead($"/proc/{pid}/comm")?.Trim() ?? "ended"})");
        throw new VniException(
            ErrorCodes.NotDumpable,
            $"application {aid} cannot be saved while 'vni exec' is active in it: node's pid {string.Join(", ", names)}; end it and try again");
    }

    private static void CreateDraft(SnapshotPaths paths)
    {
        if (Directory.Exists(paths.Draft)) Directory.Delete(paths.Draft, recursive: true);
        Directory.CreateDirectory(paths.Draft, OwnerOnly); // What processes hold in memory is nobody else's.
        Directory.CreateDirectory(Path.Combine(paths.Draft, SnapshotPaths.Images), OwnerOnly);
    }

    private SnapshotManifest Describe(
        InstanceSpec instance, string id, DateTimeOffset created, PlatformFacts platform, ResourceTable resources, IReadOnlyList<Neighbour> neighbours, IReadOnlyList<SnapshotFile> files) => new()
    {
        Id = id,
        Aid = instance.Aid,
        Created = created,
        Node = kit.Options.Node,
        Epoch = instance.Epoch,
        Declaration = instance.Declaration,
        Identity = instance.Identity,
        Platform = platform,
        Resources = resources,
        Neighbours = neighbours,
        Files = files,
    };

    private static (SnapshotManifest Manifest, string Digest) Publish(SnapshotPaths paths, SnapshotManifest manifest)
    {
        var digest = ManifestFile.Write(paths.Draft, manifest);
        // Not synced here: that would bring all of the images to disk while the instance waits. SnapshotSync does it after
        // the commit, and until it has, the previous snapshot is kept and this one is verified by a daemon that starts.
        Directory.Move(paths.Draft, paths.Directory);
        return (manifest, digest);
    }
}
