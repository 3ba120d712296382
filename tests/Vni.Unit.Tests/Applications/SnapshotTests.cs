using Vni.Actors;
using Vni.Actors.Interposition;
using Vni.Actors.Messages;
using Vni.Actors.Registry;
using Vni.Unit.Tests.Fakes;
using Xunit;

namespace Vni.Unit.Tests.Applications;

/// <summary>Snapshots: complete and committed, or it runs on untouched.</summary>
public sealed class SnapshotTests : ApplicationTestBase
{
    [Theory]
    [InlineData("capture:freeze", false)]
    [InlineData("capture:dump", false)]
    [InlineData("capture:manifest", true)]
    [InlineData("capture:thaw", true)]
    public async Task A_snapshot_that_fails_leaves_it_running_untouched(string step, bool leaveRunning)
    {
        var before = (await Run()).Processes[0];
        Node.Faults.FailOnceAt(step, () => new VniException(ErrorCodes.NotDumpable, "process 7 (app) uses io_uring"));
        await RefusedAsync(ErrorCodes.NotDumpable, () => Snapshot(leaveRunning), "io_uring");
        await CheckAsync("running");
        Assert.Equal("failed", await LastEventAsync());
        Assert.Contains("io_uring", (await Node.EventsAsync())[^1].Message);
        Assert.Equal(before, (await Node.Service.GetAsync(Shop, default)).Processes[0]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_snapshot_whose_commit_the_registry_refuses_is_rolled_back(bool leaveRunning)
    {
        await Run();
        Node.Faults.At("capture:done", () =>
        {
            Node.Faults.FailOnceAt("write", () => new RegistryUnavailableException("disk full"));
            return Task.CompletedTask;
        });
        await RefusedAsync(ErrorCodes.RegistryUnavailable, () => Snapshot(leaveRunning), "disk full");
        await CheckAsync("running");
        Assert.Empty(Node.Kernel.Snapshots);
    }

    [Fact]
    public async Task A_commit_that_was_applied_but_not_acknowledged_counts()
    {
        await Run();
        Node.Faults.At("capture:done", () =>
        {
            Node.Faults.FailOnceAt("written", () => new RegistryUnavailableException("connection lost"));
            return Task.CompletedTask;
        });
        Assert.Equal("dormant", (await Snapshot()).Status);
        await CheckAsync("dormant");
        Assert.DoesNotContain("rollback:plug", Node.Faults.Snapshot());
    }

    [Fact]
    public async Task The_commit_of_a_snapshot_comes_before_the_frozen_processes_go()
    {
        await Run();
        var before = Node.Faults.Snapshot().Count;
        await Snapshot();
        var steps = Node.Faults.Snapshot().Skip(before).Where(step => step is "write" or "capture:freeze" or "capture:done" or "release").ToList();
        Assert.Equal(["write", "capture:freeze", "capture:done", "write", "release"], steps.Take(5));
    }

    [Fact]
    public async Task Visitors_that_were_closed_for_it_are_named()
    {
        await Run();
        Node.Interposer.Visitors.Add("bash");
        var view = await Node.Service.SnapshotAsync(Shop, new SnapshotRequest(LeaveRunning: true, WaitSeconds: 0, CloseVisitors: true), default).WaitAsync(TestNode.Limit);
        Assert.Equal("bash", Assert.Single(view.ClosedVisitors).Command);
        Assert.Equal(new Quiescing(TimeSpan.Zero, CloseVisitors: true), Node.Interposer.Quiescing);
    }

    [Fact]
    public async Task Other_operations_go_on_when_the_asker_goes_away()
    {
        await Run();
        var (reached, release) = Node.Faults.HoldAt("capture:dump");
        using var asker = new CancellationTokenSource();
        var snapshot = Node.Service.SnapshotAsync(Shop, new SnapshotRequest(), asker.Token);
        await reached.WaitAsync(TestNode.Limit);
        await asker.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => snapshot);
        release.SetResult();
        await TestNode.UntilAsync(async () => await StatusAsync() == "dormant", "the snapshot to be complete");
        await CheckAsync("dormant");
    }
}
