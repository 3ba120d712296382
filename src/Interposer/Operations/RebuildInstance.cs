using System.Net;
using Vni.Actors;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Actors.Resources;
using Vni.Actors.Snapshots;
using Vni.Interposer.Checkpoint;
using Vni.Interposer.Checkpoint.Queues;
using Vni.Interposer.Linux;
using Vni.Interposer.Network;
using Vni.Interposer.Resources;

namespace Vni.Interposer.Operations;

/// <summary>How far a rebuild has got.</summary>
internal enum RebuildStage
{
    /// <summary>The layer is in place, and the port holds frames.</summary>
    Prepared,

    /// <summary>The namespaces exist and have their network.</summary>
    Network,

    /// <summary>Every process is there; none runs.</summary>
    Rebuilt,

    /// <summary>The commit has been made.</summary>
    Committed,

    /// <summary>Frames flow.</summary>
    Plugged,

    /// <summary>The processes run.</summary>
    Resumed,
}

/// <summary>An instance to be rebuilt, whichever way its state has come here.</summary>
internal sealed record RebuildRequest
{
    /// <summary>The instance.</summary>
    public required InstanceSpec Instance { get; init; }

    /// <summary>What it was saved with; checked by whoever read it.</summary>
    public required SnapshotManifest Manifest { get; init; }

    /// <summary>Directory of CRIU's images.</summary>
    public required string Images { get; init; }

    /// <summary>Called as it gets on.</summary>
    public required Action<RebuildStage> Reached { get; init; }

    /// <summary>Puts the layer in place.</summary>
    public required Func<LayerSwap, Task> PutLayer { get; init; }

    /// <summary>Returns when images and layer are known to be what was saved; asked before the commit.</summary>
    public required Func<Task> Verify { get; init; }

    /// <summary>The point of no return.</summary>
    public required Func<CancellationToken, Task> Commit { get; init; }

    /// <summary>Frames that were held elsewhere.</summary>
    public TravelledFrames Frames { get; init; } = TravelledFrames.None;

    /// <summary>Where what <see cref="PutLayer"/> put in place goes if the rebuild fails; <c>null</c>: it is deleted.</summary>
    public string? KeepLayer { get; init; }

    /// <summary>A CRIU that was started ahead in the instance's cgroup, without the overlay, and is used up; <c>null</c>: none.</summary>
    public CriuSession? Criu { get; init; }
}

/// <summary>
/// Builds an instance's shell and lets CRIU fill it: layer, cgroup, CRIU with the port parked; then, with everything
/// rebuilt and nothing running, comparison of every virtual id, commit; then plug, held frames, resume. Before
/// the commit every failure takes away what was built and puts the former layer back.
/// </summary>
internal sealed class RebuildInstance(InstanceKit kit, StopInstance stop)
{
    public async Task<RestoreResult> RunAsync(RebuildRequest rebuild, PhaseClock phases, CancellationToken cancellationToken)
    {
        var (aid, identity) = (rebuild.Instance.Aid, rebuild.Instance.Identity);
        var paths = kit.Paths(aid);
        var swap = new LayerSwap(paths);
        var wasParked = kit.Network.IsParked(aid);
        var stages = new Stages(kit, rebuild, phases);
        try
        {
            await using var ahead = rebuild.Criu;
            if (ahead is null) await kit.Cgroups.Find(aid).RemoveAsync(CancellationToken.None).ConfigureAwait(false); // One that a release left would be frozen.
            Directory.CreateDirectory(paths.Root);
            await rebuild.PutLayer(swap).ConfigureAwait(false);
            phases.Mark("layer");
            var overlay = new OverlayMount(rebuild.Instance.Declaration.Root, paths.Upper, paths.Work, paths.Root);
            await using var own = ahead is null ? CriuSession.Start(kit.Spawner, kit.CriuLaunch(MakeCgroup(rebuild.Instance).Directories, overlay)) : null;
            kit.Gate.RefuseWhenClosed(aid); // A fence from now on finds CRIU, and ends it.
            if (ahead is not null) MountNamespace.MountOverlay(ahead.Pid, overlay.Lower, overlay.Upper, overlay.Work, overlay.Root);
            kit.Network.Park(aid, identity);
            rebuild.Reached(RebuildStage.Prepared);
            var request = new RestoreRequest { Aid = aid, ImagesDirectory = rebuild.Images, LogDirectory = paths.Directory, Root = paths.Root };
            var restored = await Restore.RunAsync(ahead ?? own!, request, stages, cancellationToken).ConfigureAwait(false);
            phases.Mark("resume");
            rebuild.Reached(RebuildStage.Resumed);
            if (restored.PlugFailure is not null) await stages.PlugAsync().ConfigureAwait(false);
            kit.Live.Add(rebuild.Instance, restored.InitPid);
            swap.Complete();
            return new RestoreResult(restored.InitPid, stages.FramesHeld, phases.Phases);
        }
        catch (Exception e)
        {
            // Also after the commit: what could not be plugged has reached nobody, so what was saved is still the truth.
            var refused = e is VniException { Code: ErrorCodes.Internal or ErrorCodes.NodeIncapable or ErrorCodes.RestoreFailed } ? kit.Gate.Refused(aid, e) : null;
            if (rebuild.KeepLayer is { } kept) swap.TakeBack(kept);
            await stop.RunAsync(aid, TimeSpan.Zero, keepParked: wasParked).ConfigureAwait(false);
            if (refused is not null) throw refused;
            throw;
        }
    }

    /// <summary>The cgroup of an instance that is to be restored, for CRIU to be born in.</summary>
    public Cgroup MakeCgroup(InstanceSpec instance)
    {
        var cgroup = kit.Cgroups.Create(instance.Aid, instance.Declaration.Limits);
        BindGuard.Attach(cgroup.Directory, instance.Identity);
        return cgroup;
    }

    private sealed class Stages(InstanceKit kit, RebuildRequest rebuild, PhaseClock phases) : IRestoreStages
    {
        private readonly QueueImage _queues = new(kit.Spawner, kit.Options.HarnessPath, rebuild.Instance.Aid, rebuild.Images);
        private int _init;

        public int FramesHeld { get; private set; }

        public Task SetUpNetworkAsync(int initPid, CancellationToken cancellationToken)
        {
            phases.Mark("start");
            _init = initPid;
            kit.Network.Connect(rebuild.Instance.Aid, rebuild.Instance.Identity, initPid, rebuild.Manifest.Neighbours);
            kit.Network.LockLoopback(initPid);
            phases.Mark("network");
            rebuild.Reached(RebuildStage.Network);
            return Task.CompletedTask;
        }

        public Task MakeQueuesAsync() => _queues.Exists ? _queues.RestoreAsync(_init) : Task.CompletedTask;

        public async Task VerifyAndCommitAsync(int initPid, CancellationToken cancellationToken)
        {
            if (_queues.Exists) await _queues.SettleAsync(initPid).ConfigureAwait(false);
            phases.Mark("rebuild");
            rebuild.Reached(RebuildStage.Rebuilt);
            await rebuild.Verify().ConfigureAwait(false);
            CompareResources(initPid);
            phases.Mark("verify");
            await rebuild.Commit(cancellationToken).ConfigureAwait(false);
            phases.Mark("commit");
            rebuild.Reached(RebuildStage.Committed);
        }

        public Task PlugAsync()
        {
            kit.Network.UnlockLoopback(_init);
            FramesHeld = kit.Network.Plug(rebuild.Instance.Aid, rebuild.Instance.Identity, rebuild.Frames);
            phases.Mark("plug");
            rebuild.Reached(RebuildStage.Plugged);
            return Task.CompletedTask;
        }

        private void CompareResources(int initPid)
        {
            // CRIU itself is in the cgroup until it has ended; it is not in the instance's PID namespace.
            var now = ResourceScanner.Scan(kit.OnNode(rebuild.Instance.Aid, initPid), queues: rebuild.Manifest.Resources.Has(ResourceType.PosixMessageQueue));
            var differences = ResourceDifference.Between(rebuild.Manifest.Resources, now);
            if (differences.Count > 0)
            {
                throw new VniException(
                    ErrorCodes.VerificationFailed,
                    $"snapshot {rebuild.Manifest.Id} of application {rebuild.Instance.Aid} was rebuilt with other resources than it was saved with: {string.Join("; ", differences.Take(5))}; nothing was resumed, the snapshot is unchanged");
            }
        }
    }
}
