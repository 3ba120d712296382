using Vni.Actors;
using Vni.Actors.Applications;
using Vni.Actors.Identity;
using Vni.Actors.Messages;
using Vni.Actors.Nodes;
using Vni.Actors.Registry;
using Vni.Unit.Tests.Fakes;
using Xunit;
using static Vni.Actors.Applications.ApplicationStatus;

namespace Vni.Unit.Tests.Nodes;

/// <summary>A daemon that starts, keeps its lease, and stops.</summary>
public sealed class NodeTests : IAsyncLifetime
{
    private static readonly Aid Shop = Aid.Parse("shop");

    private TestNode _node = null!;

    public async Task InitializeAsync() => _node = await TestNode.StartedAsync();

    public async Task DisposeAsync() => await _node.DisposeAsync();

    /// <summary>The table of <see cref="ApplicationRecovery"/>, row by row: what is recorded, whether processes live, what it becomes.</summary>
    public static TheoryData<ApplicationStatus, ApplicationStatus?, bool, bool, ApplicationStatus?> Table => new()
    {
        // status, former, resumed, alive, becomes
        { Starting, null, false, true, Running },
        { Starting, null, false, false, null },
        { Starting, Stopped, false, true, Running },
        { Starting, Stopped, false, false, Stopped },
        { Running, null, true, true, Running },
        { Running, null, true, false, Stopped },
        { Running, Dormant, false, true, Running },
        { Running, Dormant, false, false, Dormant },
        { Running, Stopped, false, false, Stopped },
        { Snapshotting, Running, true, true, Running },
        { Snapshotting, Running, true, false, Stopped },
        { Dormant, null, false, true, Dormant },
        { Dormant, null, false, false, Dormant },
        { Restoring, Dormant, false, true, Dormant },
        { Restoring, Dormant, false, false, Dormant },
        { Restoring, Stopped, false, true, Stopped },
        { Restoring, Stopped, false, false, Stopped },
        { Stopping, Running, true, true, Stopped },
        { Stopping, Running, true, false, Stopped },
        { Stopping, Dormant, false, false, Stopped },
        { Stopped, null, false, true, Stopped },
        { Stopped, null, false, false, Stopped },
        { Removing, null, false, true, null },
        { Removing, null, false, false, null },
    };

    [Theory]
    [MemberData(nameof(Table))]
    public async Task What_a_former_daemon_left_is_put_right(ApplicationStatus status, ApplicationStatus? former, bool resumed, bool alive, ApplicationStatus? becomes)
    {
        await _node.RunAsync();
        var snapshot = (await _node.Service.SnapshotAsync(Shop, new SnapshotRequest(LeaveRunning: true, Sync: true), default)).Snapshot;
        await _node.KillDaemonAsync();
        var state = (await _node.StateAsync())!;
        var pending = status is Snapshotting ? "shop.zzzzzzzzzzzz" : status is Restoring || (status == Running && !resumed) ? snapshot : null;
        if (status == Snapshotting) _node.Kernel.Snapshots[pending!] = new FakeSnapshot(Shop) { Complete = true };
        await _node.PutStateAsync(state with { Status = status, Former = former, Resumed = resumed, PendingSnapshot = pending });
        if (status is Dormant or Stopped) await _node.Registry.TransactAsync(new Transaction([], [new Operation.Delete(new KeyRange(_node.Keys.Owner(Shop)))], []), default);
        var instance = _node.Kernel[Shop];
        var pid = instance.InitPid;
        (instance.Processes, instance.Port) = alive ? (FakeProcesses.Frozen, FakePort.Parked) : (FakeProcesses.None, FakePort.Parked);

        await _node.StartDaemonAsync();
        await _node.UntilSettledAsync();
        await _node.CheckInvariantsAsync();
        var found = await _node.StateAsync();
        Assert.Equal(becomes, found?.Status);
        if (becomes == Running) Assert.Equal(pid, _node.Kernel[Shop].InitPid);
        Assert.DoesNotContain("start:layer", _node.Faults.Snapshot()); // Nothing is started that was not running.
        Assert.DoesNotContain("restore:check", _node.Faults.Snapshot());
        if (found is not null && (status, former) is not ((Running, null) or (Dormant, _) or (Stopped, _)))
            Assert.Equal("recovered", (await _node.EventsAsync())[^1].Kind);
        if (found is not null && status == Running && resumed && !alive) Assert.Equal(FakeInterposer.Exits, found.Exits);

        // Starting once more finds nothing to put right.
        var events = (await _node.EventsAsync()).Count;
        await _node.RestartDaemonAsync();
        await _node.CheckInvariantsAsync();
        Assert.Equal(events, (await _node.EventsAsync()).Count);
    }

    [Fact]
    public async Task What_no_application_answers_for_is_removed()
    {
        await _node.KillDaemonAsync();
        var ghost = _node.Kernel[Aid.Parse("ghost")];
        (ghost.Processes, ghost.Port, ghost.Layer) = (FakeProcesses.Running, FakePort.Plugged, true);
        _node.Kernel.Snapshots["ghost.000000000001"] = new FakeSnapshot(Aid.Parse("ghost")) { Complete = true };
        _node.Kernel.Snapshots["other.000000000001"] = new FakeSnapshot(Aid.Parse("other")) { Complete = true };
        await _node.StartDaemonAsync();
        Assert.Empty(_node.Kernel.Instances);
        Assert.Empty(_node.Kernel.Snapshots);
    }

    [Theory]
    [InlineData(2, Dormant)]
    [InlineData(1, Stopped)]
    public async Task A_snapshot_that_is_no_longer_on_disk_is_forgotten(int snapshots, ApplicationStatus becomes)
    {
        await _node.RunAsync();
        for (var i = 1; i < snapshots; i++) await _node.Service.SnapshotAsync(Shop, new SnapshotRequest(LeaveRunning: true, Sync: true), default);
        var lost = (await _node.Service.SnapshotAsync(Shop, new SnapshotRequest(Sync: true), default)).Snapshot;
        await _node.KillDaemonAsync();
        _node.Kernel.Snapshots.Remove(lost);
        await _node.StartDaemonAsync();
        await _node.CheckInvariantsAsync();
        Assert.Equal(becomes, (await _node.StateAsync())!.Status);
        Assert.Contains(lost, (await _node.EventsAsync())[^1].Message);
    }

    [Fact]
    public async Task An_instance_that_cannot_be_adopted_is_stopped()
    {
        await _node.RunAsync();
        await _node.KillDaemonAsync();
        _node.CreateDaemon();
        _node.Faults.FailAt("adopt:thaw", () => new VniException(ErrorCodes.Internal, "its identity does not match"));
        await _node.Service.StartAsync(default).WaitAsync(TestNode.Limit);
        await _node.CheckInvariantsAsync();
        Assert.Equal(Stopped, (await _node.StateAsync())!.Status);
    }

    [Fact]
    public async Task One_application_that_cannot_be_recovered_does_not_hold_up_the_others()
    {
        await _node.RunAsync();
        await _node.RunAsync("other");
        await _node.KillDaemonAsync();
        await _node.PutStateAsync((await _node.StateAsync())! with { Status = Stopping, Former = Running });
        _node.CreateDaemon();
        _node.Faults.FailOnceAt("stop:kill", () => new VniException(ErrorCodes.Internal, "no"));
        await _node.Service.StartAsync(default).WaitAsync(TestNode.Limit);
        Assert.Equal("running", (await _node.Service.GetAsync(Aid.Parse("other"), default)).Status);
        Assert.Equal("stopping", (await _node.Service.GetAsync(Shop, default)).Status);
        await _node.Service.StopAsync(Shop, default, default); // The operator may try again.
        await _node.CheckInvariantsAsync();
    }

    [Fact]
    public async Task A_record_that_cannot_be_read_leaves_its_instance_alone()
    {
        await _node.RunAsync();
        await _node.KillDaemonAsync();
        await _node.Registry.TransactAsync(new Transaction([], [new Operation.Put(_node.Keys.Application(Shop), "{"u8.ToArray())], []), default);
        await _node.StartDaemonAsync();
        Assert.Equal(FakeProcesses.Running, _node.Kernel[Shop].Processes);
        var e = await Assert.ThrowsAsync<VniException>(() => _node.Service.StopAsync(Shop, default, default));
        Assert.Contains("cannot be read", e.Message);
    }

    [Fact]
    public async Task An_instance_of_an_application_that_moved_away_is_stopped()
    {
        await _node.RunAsync();
        await _node.KillDaemonAsync();
        await _node.PutStateAsync((await _node.StateAsync())! with { Node = "n2", Epoch = 2 });
        await _node.StartDaemonAsync();
        Assert.Equal(FakeProcesses.None, _node.Kernel[Shop].Processes);
        Assert.Equal(Running, (await _node.StateAsync())!.Status);
    }

    [Fact]
    public async Task The_lease_is_kept_alive_by_the_clock()
    {
        await _node.RunAsync();
        for (var i = 0; i < 20; i++)
        {
            var before = _node.Faults.Snapshot().Count(step => step == "keepalive");
            var polls = 0;
            await TestNode.UntilAsync(
                () =>
                {
                    // Now and then another second, in case that the renewal was not yet scheduled when the clock moved.
                    if (polls++ % 200 == 0) _node.Time.Advance(polls == 1 ? _node.Settings.LeaseTimeToLive / 3 : TimeSpan.FromSeconds(1));
                    return Task.FromResult(_node.Faults.Snapshot().Count(step => step == "keepalive") > before);
                },
                "a renewal");
        }

        Assert.Single(await _node.RangeAsync(_node.Keys.Members));
        Assert.Single(_node.Faults.Snapshot(), step => step == "grant");
        await _node.CheckInvariantsAsync();
    }

    [Fact]
    public async Task A_lost_lease_is_replaced_and_member_and_owners_are_put_back()
    {
        await _node.RunAsync();
        await _node.RunAsync("other");
        await _node.Service.StopAsync(Aid.Parse("other"), default, default);
        var lost = (await _node.RangeAsync(_node.Keys.Members))[0].Lease;
        await _node.Registry.RevokeLeaseAsync(lost, default);
        Assert.Empty(await _node.RangeAsync(_node.Keys.Owners));
        await TestNode.UntilAsync(
            async () =>
            {
                _node.Time.Advance(TimeSpan.FromMilliseconds(500));
                return (await _node.RangeAsync(_node.Keys.Owners)).Count == 1;
            },
            "the owner record to be back");
        var member = Assert.Single(await _node.RangeAsync(_node.Keys.Members));
        Assert.NotEqual(lost, member.Lease);
        Assert.Equal(member.Lease, (await _node.RangeAsync(_node.Keys.Owners))[0].Lease);
        await _node.CheckInvariantsAsync();
    }

    [Theory]
    [InlineData("snapshot")]
    [InlineData("stop")]
    [InlineData("remove")]
    public async Task An_operation_that_comes_before_the_loss_is_noticed_goes_through(string operation)
    {
        await _node.RunAsync();
        await _node.Registry.RevokeLeaseAsync((await _node.RangeAsync(_node.Keys.Members))[0].Lease, default);
        await (operation switch
        {
            "snapshot" => _node.Service.SnapshotAsync(Shop, new SnapshotRequest(LeaveRunning: true), default),
            "stop" => _node.Service.StopAsync(Shop, default, default),
            _ => _node.Service.RemoveAsync(Shop, force: true, default),
        }).WaitAsync(TestNode.Limit);
        await _node.UntilSettledAsync();
        await _node.CheckInvariantsAsync();
    }

    [Fact]
    public async Task A_registry_that_is_away_for_a_while_is_waited_for()
    {
        await _node.RunAsync();
        var (reached, release) = _node.Faults.HoldAt("stop:shell");
        var stop = _node.Service.StopAsync(Shop, default, default);
        await reached.WaitAsync(TestNode.Limit);
        var failures = 0;
        _node.Faults.At("write", () => Interlocked.Increment(ref failures) <= 3 ? throw new RegistryUnavailableException("away") : Task.CompletedTask);
        release.SetResult();
        Assert.Equal("stopped", (await _node.AdvanceUntilAsync(stop)).Status);
        Assert.True(failures > 3);
        await _node.CheckInvariantsAsync();
    }

    [Fact]
    public async Task A_decision_that_the_registry_does_not_take_changes_nothing()
    {
        await _node.RunAsync();
        _node.Faults.FailOnceAt("write", () => new RegistryUnavailableException("disk full"));
        var e = await Assert.ThrowsAsync<VniException>(() => _node.Service.StopAsync(Shop, default, default).WaitAsync(TestNode.Limit));
        Assert.Contains("disk full", e.Message);
        await _node.CheckInvariantsAsync();
        Assert.Equal(Running, (await _node.StateAsync())!.Status);
    }

    [Fact]
    public async Task Operations_are_refused_until_recovery_is_over()
    {
        await _node.KillDaemonAsync();
        _node.CreateDaemon();
        var e = await Assert.ThrowsAsync<VniException>(() => _node.RunAsync());
        Assert.Equal(ErrorCodes.DaemonUnavailable, e.Code);
        var (reached, release) = _node.Faults.HoldAt("discover");
        var start = _node.Service.StartAsync(default);
        await reached.WaitAsync(TestNode.Limit);
        e = await Assert.ThrowsAsync<VniException>(() => _node.Service.StopAsync(Shop, default, default));
        Assert.Contains("still starting", e.Message);
        release.SetResult();
        await start.WaitAsync(TestNode.Limit);
    }

    [Fact]
    public async Task A_graceful_stop_waits_for_operations_and_lets_instances_run_on()
    {
        await _node.RunAsync();
        await _node.RunAsync("other");
        var (reached, release) = _node.Faults.HoldAt("capture:dump");
        var snapshot = _node.Service.SnapshotAsync(Aid.Parse("other"), new SnapshotRequest(), default);
        await reached.WaitAsync(TestNode.Limit);
        var stop = _node.Service.DisposeAsync().AsTask();
        await TestNode.UntilAsync(async () => await IsUnavailableAsync(() => _node.RunAsync("late")), "operations to be refused");
        Assert.False(stop.IsCompleted);
        release.SetResult();
        await snapshot.WaitAsync(TestNode.Limit);
        await stop.WaitAsync(TestNode.Limit);
        Assert.Empty(await _node.RangeAsync(_node.Keys.Members));
        await _node.CheckInvariantsAsync();
        Assert.Equal(FakeProcesses.Running, _node.Kernel[Shop].Processes);

        await _node.StartDaemonAsync();
        await _node.CheckInvariantsAsync();
        Assert.Equal(2, (await _node.EventsAsync()).Count);
    }

    [Fact]
    public async Task A_node_on_which_nothing_runs_leaves_nothing_on_its_lease()
    {
        var lease = (await _node.RangeAsync(_node.Keys.Members))[0].Lease;
        await _node.Service.DisposeAsync();
        Assert.Null(await _node.Registry.GetLeaseAsync(lease, default));
    }

    [Fact]
    public void Defaults_are_pinned()
    {
        Assert.Equal(
            (3, TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(1)),
            (_node.Settings.KeepSnapshots, _node.Settings.LeaseTimeToLive, _node.Settings.DrainTime, _node.Settings.RetryDelay));
    }

    private static async Task<bool> IsUnavailableAsync(Func<Task> operation)
    {
        try
        {
            await operation();
            return false;
        }
        catch (VniException e)
        {
            return e.Code == ErrorCodes.DaemonUnavailable;
        }
    }
}
