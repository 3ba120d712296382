using Vni.Actors.Interposition;
using Vni.Actors.Snapshots;

namespace Vni.Unit.Tests.Fakes;

/// <summary>Fence and shipping. The guard is the test itself: it looks at <see cref="Allowance"/>.</summary>
internal sealed partial class FakeInterposer : INodeFence, ISnapshotShipping
{
    /// <summary>What the guard was told last; <c>null</c>: it was never started, or disarmed.</summary>
    public TimeSpan? Allowance { get; private set; }

    public void Extend(TimeSpan remaining) => Allowance = remaining;

    public void Disarm() => Allowance = null;

    public async Task FenceAsync(CancellationToken cancellationToken)
    {
        await faults.StepAsync("fence");
        lock (kernel.Gate)
        {
            foreach (var instance in kernel.Instances.Values.Where(instance => instance.Processes == FakeProcesses.Running)) (instance.Processes, instance.Port, instance.Fenced) = (FakeProcesses.Frozen, FakePort.Parked, true);
        }
    }

    public async Task LiftAsync(InstanceSpec instance, CancellationToken cancellationToken)
    {
        await faults.StepAsync("lift");
        var it = kernel[instance.Aid];
        if (it is { Fenced: true, Processes: FakeProcesses.Frozen }) (it.Processes, it.Port, it.Fenced) = (FakeProcesses.Running, FakePort.Plugged, false);
    }

    public async Task SendSnapshotAsync(SnapshotRecord snapshot, Stream to, CancellationToken cancellationToken)
    {
        await VerifyAsync(snapshot);
        await SendAsync(to, $"snapshot {snapshot.Id}", cancellationToken);
    }

    public async Task ReceiveSnapshotAsync(SnapshotRecord snapshot, Stream from, CancellationToken cancellationToken)
    {
        await ReceiveAsync(from, $"snapshot {snapshot.Id}", cancellationToken);
        lock (kernel.Gate) kernel.Snapshots[snapshot.Id] = new FakeSnapshot(snapshot.Aid) { Complete = true, Synced = true };
    }

    public bool HasSnapshot(string snapshotId)
    {
        lock (kernel.Gate) return kernel.Snapshots.ContainsKey(snapshotId);
    }

    public Task ExportSnapshotAsync(SnapshotRecord snapshot, string directory, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task ImportSnapshotAsync(SnapshotRecord snapshot, string directory, CancellationToken cancellationToken) => throw new NotSupportedException();

    public void DeleteExported(string snapshotId, string directory) => throw new NotSupportedException();
}
