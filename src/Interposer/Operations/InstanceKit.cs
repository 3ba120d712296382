using Microsoft.Extensions.Logging;
using Vni.Actors.Identity;
using Vni.Interposer.Checkpoint;
using Vni.Interposer.Fencing;
using Vni.Interposer.Instances;
using Vni.Interposer.Linux;
using Vni.Interposer.Network;
using Vni.Interposer.Resources;

namespace Vni.Interposer.Operations;

/// <summary>What the operations work with; one per daemon.</summary>
internal sealed record InstanceKit
{
    public required InterposerOptions Options { get; init; }

    public required TimeProvider Clock { get; init; }

    public required ILogger Log { get; init; }

    public required IProcessSpawner Spawner { get; init; }

    public required PidfdWatcher Watcher { get; init; }

    public required CgroupTree Cgroups { get; init; }

    public required INodeNetwork Network { get; init; }

    public required FenceGate Gate { get; init; }

    public required HarnessLauncher Harness { get; init; }

    public required LayerBuilder Layers { get; init; }

    public required LiveInstances Live { get; init; }

    public required PlatformProbe Platform { get; init; }

    public KnownDigests Digests { get; } = new();

    public SettledLayers Settled { get; } = new();

    public InstancePaths Paths(Aid aid) => new(Options, aid);

    public SnapshotPaths Snapshot(string id) => new(Options, id);

    /// <summary>Where a live instance's resources are.</summary>
    /// <param name="aid">The instance.</param>
    /// <param name="initPid">Its harness.</param>
    /// <param name="pids">Its processes; <c>null</c>: those that are in its cgroup now.</param>
    public InstanceOnNode OnNode(Aid aid, int initPid, IReadOnlyList<int>? pids = null)
    {
        var cgroup = Cgroups.Find(aid);
        return new InstanceOnNode(initPid, pids ?? cgroup.Pids(), new PortNames(Options.Network.Bridge).Veth(aid), cgroup.Directory);
    }

    /// <summary>A CRIU that is to restore is born into the instance's cgroups; one that dumps must not be frozen with it.</summary>
    public CriuLaunch CriuLaunch(IReadOnlyList<string> cgroups, OverlayMount? overlay) => new()
    {
        HarnessPath = Options.HarnessPath,
        CriuPath = Options.CriuPath,
        RuntimeDirectory = Options.RuntimeDirectory,
        Cgroups = cgroups,
        Overlay = overlay,
    };
}
