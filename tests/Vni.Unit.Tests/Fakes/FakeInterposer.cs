using System.Threading.Channels;
using Vni.Actors;
using Vni.Actors.Applications;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Actors.Resources;
using Vni.Actors.Snapshots;

namespace Vni.Unit.Tests.Fakes;

/// <summary>
/// One daemon's interposer over a <see cref="FakeKernel"/>. Every method passes the steps of the real one, each of which
/// can fail, wait, or be the daemon's last; a failure is undone as the contract says, a death is not.
/// </summary>
internal sealed partial class FakeInterposer(FakeKernel kernel, Faults faults, TimeProvider time, string node) : IInterposer, IInstanceAccess
{
    private readonly Channel<InstanceEnded> _ended = Channel.CreateUnbounded<InstanceEnded>();

    public ChannelReader<InstanceEnded> Ended => _ended.Reader;

    /// <summary>How processes end here.</summary>
    public static IReadOnlyList<ProcessExit> Exits { get; } = [new ProcessExit("main", 3, null)];

    /// <summary>The instance ends by itself; only pieces of its shell remain.</summary>
    public void End(Aid aid, int? initPid = null)
    {
        var instance = kernel[aid];
        instance.Processes = FakeProcesses.None;
        _ended.Writer.TryWrite(new InstanceEnded(aid, initPid ?? instance.InitPid, Exits));
    }

    /// <summary>What was started, in order.</summary>
    public List<InstanceSpec> Started { get; } = [];

    /// <summary>Reports an end without anything having ended.</summary>
    public void Report(InstanceEnded ended) => _ended.Writer.TryWrite(ended);

    public Task<PlatformFacts> GetPlatformAsync(CancellationToken cancellationToken) => Task.FromResult(Platform);

    public async Task<NodeInventory> DiscoverAsync(CancellationToken cancellationToken)
    {
        await faults.StepAsync("discover");
        lock (kernel.Gate)
        {
            foreach (var id in kernel.Snapshots.Where(pair => !pair.Value.Complete).Select(pair => pair.Key).ToList()) kernel.Snapshots.Remove(id);
            return new NodeInventory(
                [.. kernel.Instances.Select(pair => new FoundInstance(pair.Key, pair.Value.Alive ? FoundState.Alive : FoundState.Pieces, pair.Value.Alive ? pair.Value.InitPid : 0))],
                [.. kernel.Snapshots.Keys]);
        }
    }

    public async Task<StartedInstance> StartAsync(InstanceSpec instance, CancellationToken cancellationToken)
    {
        Started.Add(instance);
        var it = kernel[instance.Aid];
        var layer = it.Layer;
        if (it.Alive) Violate($"{instance.Aid} was started while it ran");
        try
        {
            await faults.StepAsync("start:layer");
            it.Layer = true;
            await faults.StepAsync("start:shell");
            (it.Processes, it.Port) = (FakeProcesses.HarnessOnly, FakePort.Plugged);
            await faults.StepAsync("start:processes");
            cancellationToken.ThrowIfCancellationRequested();
            it.InitPid = kernel.NextPid();
            it.Joined.Clear();
            LetRun(instance.Aid);
            await faults.StepAsync("start:done");
            return new StartedInstance(it.InitPid);
        }
        catch (Exception e) when (e is not DaemonDiedException)
        {
            (it.Processes, it.Port, it.Layer) = (FakeProcesses.None, FakePort.None, layer);
            throw;
        }
    }

    public async Task<StartedInstance> AdoptAsync(InstanceSpec instance, CancellationToken cancellationToken)
    {
        var it = kernel[instance.Aid];
        await faults.StepAsync("adopt:thaw");
        if (!it.Alive) throw new VniException(ErrorCodes.Internal, "nothing to adopt");
        Confirm(instance.Aid);
        LetRun(instance.Aid);
        it.Port = FakePort.Parked;
        await faults.StepAsync("adopt:plug");
        it.Port = FakePort.Plugged;
        return new StartedInstance(it.InitPid) { Members = [.. instance.Declaration.Processes.Select(process => process.Name), .. it.Joined] };
    }

    public async Task<int> JoinAsync(InstanceSpec instance, ProcessDeclaration process, CancellationToken cancellationToken)
    {
        var it = kernel[instance.Aid];
        await faults.StepAsync("join:ask");
        if (it.Processes != FakeProcesses.Running) throw new VniException(ErrorCodes.WrongState, "nothing runs");
        if (process.Command[0] == "missing") throw new VniException(ErrorCodes.CommandNotFound, "command 'missing' does not exist");
        it.Joined.Remove(process.Name);
        it.Joined.Add(process.Name);
        try
        {
            await faults.StepAsync("join:done");
        }
        catch (Exception e) when (e is not DaemonDiedException)
        {
            it.Joined.Remove(process.Name);
            throw;
        }

        return 40 + it.Joined.Count;
    }

    public async Task<IReadOnlyList<ProcessExit>> StopAsync(InstanceSpec instance, TimeSpan grace, CancellationToken cancellationToken)
    {
        var it = kernel[instance.Aid];
        await faults.StepAsync("stop:kill");
        Kill(instance.Aid, it);
        await faults.StepAsync("stop:shell");
        it.Port = FakePort.None;
        return it.Killed ? [new ProcessExit("main", null, 9)] : Exits;
    }

    public async Task<CaptureResult> CaptureAsync(InstanceSpec instance, string snapshotId, CaptureMode mode, Quiescing quiescing, CancellationToken cancellationToken)
    {
        var it = kernel[instance.Aid];
        try
        {
            await faults.StepAsync("capture:freeze");
            if (it.Processes != FakeProcesses.Running) throw new VniException(ErrorCodes.DumpFailed, "nothing runs");
            it.Processes = FakeProcesses.Frozen;
            await faults.StepAsync("capture:park");
            it.Port = FakePort.Parked;
            await faults.StepAsync("capture:dump");
            var snapshot = new FakeSnapshot(instance.Aid);
            lock (kernel.Gate) kernel.Snapshots.Add(snapshotId, snapshot);
            await faults.StepAsync("capture:manifest");
            snapshot.Complete = true;
            if (mode == CaptureMode.LeaveRunning)
            {
                await faults.StepAsync("capture:plug");
                it.Port = FakePort.Plugged;
                await faults.StepAsync("capture:thaw");
                LetRun(instance.Aid);
            }

            await faults.StepAsync("capture:done");
        }
        catch (Exception e) when (e is not DaemonDiedException)
        {
            lock (kernel.Gate) kernel.Snapshots.Remove(snapshotId);
            if (it.Alive) LetRun(instance.Aid);
            throw;
        }

        var record = new SnapshotRecord(snapshotId, instance.Aid, node, time.GetUtcNow(), 4096, new string('0', 64), Durable: false) { Joined = instance.Joined.Count > 0 ? instance.Joined : null };
        return new CaptureResult(Manifest(instance, record), record, [new Phase("freeze", 1), new Phase("dump", 2)]) { ClosedVisitors = Close(quiescing) };
    }

    public async Task ReleaseAsync(InstanceSpec instance, CancellationToken cancellationToken)
    {
        await faults.StepAsync("release");
        Kill(instance.Aid, kernel[instance.Aid]);
    }

    public async Task RollBackAsync(InstanceSpec instance, string? snapshotId, CancellationToken cancellationToken)
    {
        var it = kernel[instance.Aid];
        await faults.StepAsync("rollback:plug");
        it.Port = FakePort.Plugged;
        await faults.StepAsync("rollback:thaw");
        if (it.Alive) LetRun(instance.Aid);
        await faults.StepAsync("rollback:delete");
        lock (kernel.Gate) kernel.Snapshots.Remove(snapshotId ?? "");
    }

    public async Task<RestoreResult> RestoreAsync(InstanceSpec instance, SnapshotRecord snapshot, Func<CancellationToken, Task> commit, CancellationToken cancellationToken)
    {
        var it = kernel[instance.Aid];
        if (it.Alive) Violate($"{instance.Aid} was restored while it ran");
        var port = it.Port;
        try
        {
            await faults.StepAsync("restore:check");
            await VerifyAsync(snapshot);
            await faults.StepAsync("restore:rebuild");
            it.Processes = FakeProcesses.Rebuilding;
            await faults.StepAsync("restore:built");
            cancellationToken.ThrowIfCancellationRequested();
            await commit(CancellationToken.None);
            await faults.StepAsync("restore:plug");
            it.Port = FakePort.Plugged;
            await faults.StepAsync("restore:resume");
            it.InitPid = kernel.NextPid();
            it.Joined.Clear();
            it.Joined.AddRange((snapshot.Joined ?? []).Select(joined => joined.Name));
            LetRun(instance.Aid);
            await faults.StepAsync("restore:done");
            return new RestoreResult(it.InitPid, 7, [new Phase("restore", 3)]);
        }
        catch (Exception e) when (e is not DaemonDiedException)
        {
            (it.Processes, it.Port) = (FakeProcesses.None, port);
            throw;
        }
    }

    public async Task ParkAsync(InstanceSpec instance, CancellationToken cancellationToken)
    {
        await faults.StepAsync("park");
        kernel[instance.Aid].Port = FakePort.Parked;
    }

    public async Task RemoveAsync(Aid aid, CancellationToken cancellationToken)
    {
        var it = kernel[aid];
        await faults.StepAsync("remove:shell");
        Kill(aid, it);
        it.Port = FakePort.None;
        await faults.StepAsync("remove:files");
        lock (kernel.Gate)
        {
            kernel.Instances.Remove(aid);
            foreach (var id in kernel.Snapshots.Where(pair => pair.Value.Aid == aid).Select(pair => pair.Key).ToList()) kernel.Snapshots.Remove(id);
        }
    }

    public async Task DeleteSnapshotAsync(string snapshotId, CancellationToken cancellationToken)
    {
        await faults.StepAsync("delete");
        lock (kernel.Gate) kernel.Snapshots.Remove(snapshotId);
    }

    public async Task SyncSnapshotAsync(string snapshotId, CancellationToken cancellationToken)
    {
        await faults.StepAsync("sync");
        lock (kernel.Gate)
        {
            if (kernel.Snapshots.TryGetValue(snapshotId, out var snapshot)) snapshot.Synced = true;
        }
    }

    public async Task<SnapshotManifest> VerifySnapshotAsync(SnapshotRecord snapshot, CancellationToken cancellationToken)
    {
        await faults.StepAsync("verify");
        return await VerifyAsync(snapshot);
    }

    public IReadOnlyList<LiveProcess> ListProcesses(Aid aid)
    {
        lock (kernel.Gate)
            return kernel.Instances.TryGetValue(aid, out var it) && it.Alive ? [new LiveProcess(2, it.InitPid + 1, 0, "main", "program", 1, 4096)] : [];
    }

    public IReadOnlyList<ChainMember> ListChain(Aid aid)
    {
        lock (kernel.Gate)
            return kernel.Instances.TryGetValue(aid, out var it) ? [.. it.Joined.Select(name => new ChainMember(name, it.Ended.Contains(name) ? ChainMember.Ended : "running", 41, 0, null))] : [];
    }

    public InstanceResources? FindResources(Aid aid)
    {
        lock (kernel.Gate)
        {
            if (!kernel.Instances.TryGetValue(aid, out var it) || !it.Alive) return null;
            return new InstanceResources(it.InitPid, [
                new FoundResource(ResourceType.Process, "1", $"{it.InitPid}", 1, "appshot"),
                new FoundResource(ResourceType.Process, "2", $"{it.InitPid + 1}", 2, "program"),
                .. kernel.Resources.Where(resource => resource.Aid == aid).Select(resource => resource.Found)]);
        }
    }

    public Aid FindHolder(ResourceType type, string system)
    {
        lock (kernel.Gate)
        {
            foreach (var aid in kernel.Instances.Keys)
            {
                if (FindResources(aid)?.Found.Any(found => found.Type == type && found.System == system) == true) return aid;
            }
        }

        throw new VniException(ErrorCodes.UnknownResource, $"no application has {system}");
    }

    public Stream? OpenLog(Aid aid, string process) => null;

    public Task<IVisitor> ExecAsync(Aid aid, VisitorRequest request, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<IReadOnlyList<Finding>> CheckAsync(Aid aid, CancellationToken cancellationToken) => Task.FromResult(Findings);

    public Task<IReadOnlyList<NodeCheck>> CheckAsync(CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<NodeCheck>>([]);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static PlatformFacts Platform { get; } = new() { Architecture = "x86_64", Kernel = "6.18.0", Criu = "4.2.1", CpuFeatures = ["sse2"] };

    private static SnapshotManifest Manifest(InstanceSpec instance, SnapshotRecord record) => new()
    {
        Id = record.Id,
        Aid = instance.Aid,
        Created = record.Created,
        Node = record.Node,
        Epoch = instance.Epoch,
        Declaration = instance.Declaration,
        Identity = instance.Identity,
        Platform = Platform,
        Resources = new ResourceTable(),
        Files = [],
    };

    private Task<SnapshotManifest> VerifyAsync(SnapshotRecord snapshot)
    {
        lock (kernel.Gate)
        {
            if (!kernel.Snapshots.TryGetValue(snapshot.Id, out var files) || !files.Complete || files.Damaged)
                throw new VniException(ErrorCodes.SnapshotDamaged, $"pages.img of snapshot {snapshot.Id} is truncated");
        }

        var identity = new VirtualIdentity("10.0.0.1", 24, "02:00:0a:00:00:01", "x");
        return Task.FromResult(Manifest(new InstanceSpec(snapshot.Aid, identity, new ApplicationDeclaration(), 1), snapshot));
    }

    private void Kill(Aid aid, FakeInstance it)
    {
        if (it.Alive) _ended.Writer.TryWrite(new InstanceEnded(aid, it.InitPid, Exits));
        it.Processes = FakeProcesses.None;
    }

    private void Violate(string what)
    {
        lock (kernel.Gate) kernel.Violations.Add(what);
    }
}
