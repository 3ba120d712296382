using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Vni.Actors;
using Vni.Actors.Applications;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Actors.Snapshots;
using Vni.Interposer.Checkpoint;
using Vni.Interposer.Fencing;
using Vni.Interposer.Instances;
using Vni.Interposer.Linux;
using Vni.Interposer.Network;
using Vni.Interposer.Operations;
using Vni.Interposer.Transfers;

namespace Vni.Interposer;

/// <summary>The interposer of a Linux node. Every operation is a class of its own under <c>Operations/</c>.</summary>
public sealed partial class LinuxInterposer : IInterposer, IInstanceAccess
{
    private readonly InstanceKit _kit;
    private readonly EpollLoop _events = new("kernel events");
    private readonly StartInstance _start;
    private readonly StopInstance _stop;
    private readonly FreezeInstance _freezer;
    private readonly CaptureInstance _capture;
    private readonly RestoreInstance _restore;
    private readonly VisitorLauncher _visitors;

    /// <summary>Takes possession of the node's bridge, cgroup and directories.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.NodeIncapable"/>: the node lacks something.</exception>
    public LinuxInterposer(InterposerOptions options, TimeProvider clock, ILoggerFactory loggers)
        : this(options, clock, loggers, new NodeNetwork(options.Network))
    {
    }

    /// <summary>The same with another network plane, which it takes possession of.</summary>
    internal LinuxInterposer(InterposerOptions options, TimeProvider clock, ILoggerFactory loggers, INodeNetwork network)
    {
        var watcher = new PidfdWatcher();
        watcher.AdoptOrphans();
        var spawner = new ProcessSpawner(watcher);
        var cgroups = new CgroupTree(options.Node, _events);
        var gate = new FenceGate(Libc.BootTime);
        _kit = new InstanceKit
        {
            Options = options,
            Clock = clock,
            Log = loggers.CreateLogger<LinuxInterposer>(),
            Spawner = spawner,
            Watcher = watcher,
            Cgroups = cgroups,
            Network = new FencedNetwork(network, gate),
            Gate = gate,
            Harness = new HarnessLauncher(options, spawner),
            Layers = new LayerBuilder(options),
            Live = new LiveInstances(options, watcher),
            Platform = new PlatformProbe(options, spawner),
        };
        _stop = new StopInstance(_kit);
        _start = new StartInstance(_kit, _stop);
        _freezer = new FreezeInstance(_kit);
        var dumper = new DumpInstance(_kit);
        var rebuild = new RebuildInstance(_kit, _stop);
        _capture = new CaptureInstance(_kit, _freezer, dumper);
        _restore = new RestoreInstance(_kit, rebuild);
        _departures = new DepartInstance(_kit, _stop, _freezer, dumper);
        _arrivals = new ArriveInstance(_kit, _stop, rebuild);
        _visitors = new VisitorLauncher(options, spawner, cgroups, _events);
        _fence = new NodeFence(_kit);
        _guard = new NodeGuard(options, cgroups, spawner, gate, _kit.Log);
        _kit.Network.Start();
    }

    /// <inheritdoc />
    public ChannelReader<InstanceEnded> Ended => _kit.Live.Ended;

    /// <inheritdoc />
    public Task<PlatformFacts> GetPlatformAsync(CancellationToken cancellationToken) => _kit.Platform.GetAsync(cancellationToken);

    /// <inheritdoc />
    public Task<NodeInventory> DiscoverAsync(CancellationToken cancellationToken) => DiscoverFencedAsync(cancellationToken);

    /// <inheritdoc />
    public Task<StartedInstance> StartAsync(InstanceSpec instance, CancellationToken cancellationToken) => _start.RunAsync(instance, cancellationToken);

    /// <inheritdoc />
    public Task<StartedInstance> AdoptAsync(InstanceSpec instance, CancellationToken cancellationToken) => AdoptConfirmedAsync(instance, () => new AdoptInstance(_kit, _freezer).RunAsync(instance), cancellationToken);

    /// <inheritdoc />
    public Task<int> JoinAsync(InstanceSpec instance, ProcessDeclaration process, CancellationToken cancellationToken) => new JoinInstance(_kit).RunAsync(instance, process, cancellationToken);

    /// <inheritdoc />
    public async Task<IReadOnlyList<ProcessExit>> StopAsync(InstanceSpec instance, TimeSpan grace, CancellationToken cancellationToken)
    {
        await _stop.RunAsync(instance.Aid, grace).ConfigureAwait(false);
        return ChainRecords.ReadExits(_kit.Paths(instance.Aid), instance.Declaration.Processes);
    }

    /// <inheritdoc />
    public Task<CaptureResult> CaptureAsync(InstanceSpec instance, string snapshotId, CaptureMode mode, Quiescing quiescing, CancellationToken cancellationToken) =>
        _capture.RunAsync(instance, snapshotId, mode, quiescing, cancellationToken);

    /// <inheritdoc />
    public async Task ReleaseAsync(InstanceSpec instance, CancellationToken cancellationToken)
    {
        await ParkAsync(instance, cancellationToken).ConfigureAwait(false);
        await _stop.RunAsync(instance.Aid, TimeSpan.Zero, keepParked: true).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public async Task RollBackAsync(InstanceSpec instance, string? snapshotId, CancellationToken cancellationToken)
    {
        await _freezer.ThawAsync(instance, TravelledFrames.None).ConfigureAwait(false);
        if (snapshotId is not null) await DeleteSnapshotAsync(snapshotId, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public Task<RestoreResult> RestoreAsync(InstanceSpec instance, SnapshotRecord snapshot, Func<CancellationToken, Task> commit, CancellationToken cancellationToken) =>
        _restore.RunAsync(instance, snapshot, commit, cancellationToken);

    /// <inheritdoc />
    public Task ParkAsync(InstanceSpec instance, CancellationToken cancellationToken)
    {
        _kit.Network.Park(instance.Aid, instance.Identity);
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public async Task RemoveAsync(Aid aid, CancellationToken cancellationToken)
    {
        await _stop.RunAsync(aid, TimeSpan.Zero).ConfigureAwait(false);
        var snapshots = SnapshotPaths.All(_kit.Options);
        foreach (var directory in Directory.Exists(snapshots) ? Directory.EnumerateDirectories(snapshots, aid + ".*") : [])
        {
            _kit.Digests.Forget(directory);
            CaptureInstance.DeleteDirectory(directory);
        }

        _kit.Settled.Unsettle(aid);
        LayerBuilder.Remove(_kit.Paths(aid));
    }

    /// <inheritdoc />
    public Task DeleteSnapshotAsync(string snapshotId, CancellationToken cancellationToken)
    {
        _kit.Digests.Forget(_kit.Snapshot(snapshotId).Directory);
        CaptureInstance.DeleteDirectory(_kit.Snapshot(snapshotId).Directory);
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task SyncSnapshotAsync(string snapshotId, CancellationToken cancellationToken) => Task.Run(() => SnapshotSync.Run(_kit.Snapshot(snapshotId).Directory), cancellationToken);

    /// <inheritdoc />
    public async Task<SnapshotManifest> VerifySnapshotAsync(SnapshotRecord snapshot, CancellationToken cancellationToken)
    {
        var directory = _kit.Snapshot(snapshot.Id).Directory;
        var manifest = ManifestFile.Read(directory, snapshot);
        using var verifier = ImageVerifier.Start(directory, manifest);
        await verifier.VerifyAllAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
        return manifest;
    }

    /// <inheritdoc />
    public IReadOnlyList<LiveProcess> ListProcesses(Aid aid) => LiveProcesses.List(_kit.Cgroups.Find(aid), ChainRecords.ReadPids(_kit.Paths(aid)));

    /// <inheritdoc />
    public IReadOnlyList<ChainMember> ListChain(Aid aid) => ChainRecords.ReadChain(_kit.Paths(aid));

    /// <inheritdoc />
    public Stream? OpenLog(Aid aid, string process) => ChainLogs.Open(_kit.Paths(aid), process);

    /// <inheritdoc />
    public Task<IVisitor> ExecAsync(Aid aid, VisitorRequest request, CancellationToken cancellationToken) =>
        _kit.Live.Find(aid) is var (instance, init)
            ? _visitors.StartAsync(aid, init, instance.Identity, request, cancellationToken)
            : throw new VniException(ErrorCodes.WrongState, $"nothing can be executed in application {aid}: it has no processes on this node; start or restore it first");

    /// <inheritdoc />
    public Task<IReadOnlyList<Finding>> CheckAsync(Aid aid, CancellationToken cancellationToken) => Task.Run(() => new CheckInstance(_kit).Run(aid), cancellationToken);

    /// <inheritdoc />
    public Task<IReadOnlyList<NodeCheck>> CheckAsync(CancellationToken cancellationToken) => new NodeChecks(new NodeProbe(_kit.Options, _kit.Spawner, _events)).CheckAsync(cancellationToken);

    /// <summary>Lets go of the node: instances live on, plugged ports stay, parked ones lose what they hold.</summary>
    public async ValueTask DisposeAsync()
    {
        await _departures.DisposeAsync().ConfigureAwait(false);
        await _arrivals.DisposeAsync().ConfigureAwait(false);
        _guard.Dispose();
        _kit.Live.ForgetAll();
        _kit.Network.Dispose();
        _kit.Cgroups.RemoveIfEmpty();
        _kit.Watcher.Dispose();
        _events.Dispose();
        _kit.Gate.Dispose();
    }
}
