using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Actors.Snapshots;

namespace Vni.Unit.Tests.Fakes;

/// <summary>Fence and shipping. The guard is the test itself: it looks at <see cref="Allowance"/>.</summary>
internal sealed partial class FakeInterposer : INodeFence, ISnapshotShipping
{
    private readonly HashSet<Aid> _confirmed = [];
    private bool _closed;

    /// <summary>What the guard was told last; <c>null</c>: it was never started, or disarmed.</summary>
    public TimeSpan? Allowance { get; private set; }

    public Action? GuardFired { get; set; }

    public void Extend(TimeSpan remaining)
    {
        if (faults.Dead) return;
        Allowance = remaining;
        lock (kernel.Gate)
        {
            _closed = false;
            _confirmed.Clear();
        }

        kernel.Arm(time, remaining, () => { if (!faults.Dead) GuardFired?.Invoke(); });
    }

    public void Disarm()
    {
        Allowance = null;
        kernel.Disarm();
    }

    public async Task FenceAsync(CancellationToken cancellationToken)
    {
        await faults.StepAsync("fence");
        lock (kernel.Gate)
        {
            _closed = true;
            _confirmed.Clear();
        }

        kernel.FreezeAll();
    }

    public async Task LiftAsync(InstanceSpec instance, CancellationToken cancellationToken)
    {
        await faults.StepAsync("lift");
        var it = kernel[instance.Aid];
        if (!it.Fenced) return;
        Confirm(instance.Aid);
        if (it.Processes == FakeProcesses.Frozen) LetRun(instance.Aid);
    }

    private void Confirm(Aid aid)
    {
        lock (kernel.Gate)
        {
            kernel[aid].Fenced = false;
            _confirmed.Add(aid);
        }
    }

    /// <summary>What every operation does at its end that would let an instance run: one that the fence keeps stays frozen until
    /// it is confirmed.</summary>
    private void LetRun(Aid aid)
    {
        lock (kernel.Gate)
        {
            var it = kernel[aid];
            it.Killed = false;
            if (it.Fenced || ((_closed || kernel.GuardFired) && !_confirmed.Contains(aid)))
            {
                (it.Processes, it.Port, it.Fenced) = (FakeProcesses.Frozen, FakePort.Parked, true);
                return;
            }

            (it.Processes, it.Port) = (FakeProcesses.Running, FakePort.Plugged);
            kernel.HaveRun.Add(aid);
            kernel.Ran(aid);
        }
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
