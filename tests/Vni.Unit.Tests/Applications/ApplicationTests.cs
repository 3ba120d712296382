using Vni.Actors;
using Vni.Actors.Applications;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Actors.Messages;
using Vni.Actors.Registry;
using Vni.Unit.Tests.Fakes;
using Xunit;

namespace Vni.Unit.Tests.Applications;

/// <summary>The life of one application: every move, every refusal, every failure.</summary>
public sealed class ApplicationTests : IAsyncLifetime
{
    private static readonly Aid Shop = Aid.Parse("shop");

    private TestNode _node = null!;

    public async Task InitializeAsync() => _node = await TestNode.StartedAsync();

    public async Task DisposeAsync() => await _node.DisposeAsync();

    private Task<ApplicationView> Run() => _node.RunAsync();

    private Task<ApplicationView> Start() => _node.Service.StartAsync(Shop, default).WaitAsync(TestNode.Limit);

    private Task<ApplicationView> Stop() => _node.Service.StopAsync(Shop, TimeSpan.FromSeconds(1), default).WaitAsync(TestNode.Limit);

    private Task<SnapshotView> Snapshot(bool leaveRunning = false, bool sync = false) =>
        _node.Service.SnapshotAsync(Shop, new SnapshotRequest(leaveRunning, sync), default).WaitAsync(TestNode.Limit);

    private Task<RestoreView> Restore(string? id = null) => _node.Service.RestoreAsync(Shop, new RestoreRequest(id), default).WaitAsync(TestNode.Limit);

    private Task Remove(bool force = false) => _node.Service.RemoveAsync(Shop, force, default).WaitAsync(TestNode.Limit);

    private async Task<string> StatusAsync() => (await _node.Service.GetAsync(Shop, default)).Status;

    private async Task CheckAsync(string status)
    {
        await _node.UntilSettledAsync();
        await _node.CheckInvariantsAsync();
        Assert.Equal(status, await StatusAsync());
    }

    private async Task<string> LastEventAsync() => (await _node.EventsAsync())[^1].Kind;

    private static async Task RefusedAsync(string code, Func<Task> operation, params string[] parts)
    {
        var e = await Assert.ThrowsAsync<VniException>(operation);
        Assert.Equal(code, e.Code);
        foreach (var part in parts) Assert.Contains(part, e.Message);
    }

    [Fact]
    public async Task A_life_of_all_moves()
    {
        var view = await Run();
        Assert.Equal(("shop", "running", 1L, "n1"), (view.Aid, view.Status, view.Epoch, view.Node));
        Assert.Single(view.Pids);
        await CheckAsync("running");

        var snapshot = await Snapshot();
        Assert.Equal("dormant", snapshot.Status);
        Assert.NotEmpty(snapshot.Phases);
        await CheckAsync("dormant");

        var restored = await Restore();
        Assert.Equal((snapshot.Snapshot, 7, "running"), (restored.Snapshot, restored.FramesHeld, restored.Application.Status));
        await CheckAsync("running");

        Assert.Equal("running", (await Snapshot(leaveRunning: true)).Status);
        await CheckAsync("running");

        var stopped = await Stop();
        Assert.Equal(FakeInterposer.Exits, stopped.Exits);
        await CheckAsync("stopped");

        Assert.Empty((await Start()).Exits);
        await CheckAsync("running");

        await Stop();
        await Restore(snapshot.Snapshot);
        await CheckAsync("running");

        await Snapshot();
        await Stop();
        await CheckAsync("stopped");
        Assert.Equal(
            ["created", "started", "snapshotted", "restored", "snapshotted", "stopped", "started", "stopped", "restored", "snapshotted", "stopped"],
            (await _node.EventsAsync()).Select(e => e.Kind));

        await Remove();
        Assert.Null(await _node.StateAsync());
        await _node.CheckInvariantsAsync();
        Assert.All(await _node.RangeAsync(_node.Keys.Root), pair => Assert.Contains("/members/", pair.Key));
    }

    [Fact]
    public async Task A_stopped_application_refuses_what_needs_processes()
    {
        await Run();
        await Stop();
        await RefusedAsync(ErrorCodes.WrongState, () => Snapshot(), "application shop is stopped, it cannot be snapshotted; start it first");
        await RefusedAsync(ErrorCodes.WrongState, Stop, "is stopped, it cannot be stopped");
        await RefusedAsync(ErrorCodes.SnapshotNotFound, () => Restore(), "shop has no snapshot");
        await CheckAsync("stopped");
    }

    [Fact]
    public async Task A_running_application_refuses_to_start_be_restored_or_be_removed_unforced()
    {
        await Run();
        await Snapshot(leaveRunning: true);
        await RefusedAsync(ErrorCodes.WrongState, Start, "shop is running, it cannot be started");
        await RefusedAsync(ErrorCodes.WrongState, () => Restore(), "shop is running, it cannot be restored; stop or snapshot it first");
        await RefusedAsync(ErrorCodes.WrongState, () => Remove(), "shop is running, it cannot be removed", "force");
        await CheckAsync("running");
        await Remove(force: true);
        Assert.Empty(_node.Kernel.Instances);
        await _node.CheckInvariantsAsync();
    }

    [Fact]
    public async Task A_dormant_application_refuses_to_start_and_to_be_snapshotted()
    {
        await Run();
        await Snapshot();
        await RefusedAsync(ErrorCodes.WrongState, Start, "shop is dormant, it cannot be started; restore it");
        await RefusedAsync(ErrorCodes.WrongState, () => Snapshot(), "shop is dormant, it cannot be snapshotted; restore it first");
        await RefusedAsync(ErrorCodes.SnapshotNotFound, () => Restore("shop.00000000000x"), "no snapshot 'shop.00000000000x'");
        await CheckAsync("dormant");
        await Remove();
        await _node.CheckInvariantsAsync();
    }

    [Fact]
    public async Task An_unknown_application_is_not_found()
    {
        await RefusedAsync(ErrorCodes.NotFound, Start, "no application shop");
        await RefusedAsync(ErrorCodes.NotFound, () => _node.Service.GetAsync(Shop, default));
        await RefusedAsync(ErrorCodes.NotFound, () => _node.Service.ListSnapshotsAsync(Shop, default));
        await RefusedAsync(ErrorCodes.NotFound, async () => await _node.Service.EventsAsync(Shop, true, default).GetAsyncEnumerator().MoveNextAsync());
        await Run();
        await Remove(force: true);
        await RefusedAsync(ErrorCodes.NotFound, Stop);
    }

    [Theory]
    [InlineData("start:processes", "being started")]
    [InlineData("capture:dump", "a snapshot is being taken")]
    [InlineData("restore:rebuild", "being restored")]
    [InlineData("stop:kill", "being stopped")]
    [InlineData("remove:shell", "being removed")]
    public async Task Of_two_operators_at_once_the_second_hears_what_the_first_is_doing(string step, string doing)
    {
        if (step != "start:processes") await Run();
        if (step == "restore:rebuild") await Snapshot();
        var (reached, release) = _node.Faults.HoldAt(step);
        Task first = step.Split(':')[0] switch
        {
            "start" => Run(),
            "capture" => Snapshot(),
            "restore" => Restore(),
            "stop" => Stop(),
            _ => Remove(force: true),
        };
        await reached.WaitAsync(TestNode.Limit);
        await RefusedAsync(ErrorCodes.Busy, Start, "application shop is busy", doing);
        await RefusedAsync(ErrorCodes.Busy, Stop, doing);
        await RefusedAsync(ErrorCodes.Busy, () => Snapshot(), doing);
        await RefusedAsync(ErrorCodes.Busy, () => Restore(), doing);
        await RefusedAsync(ErrorCodes.Busy, () => Remove(force: true), doing);
        release.SetResult();
        await first.WaitAsync(TestNode.Limit);
        await _node.UntilSettledAsync();
        await _node.CheckInvariantsAsync();
    }

    [Fact]
    public async Task A_run_that_fails_leaves_nothing_and_tells_why()
    {
        _node.Faults.FailOnceAt("start:processes", () => new VniException(ErrorCodes.CommandNotFound, "there is no program /usr/bin/program"));
        await RefusedAsync(ErrorCodes.CommandNotFound, Run, "no program");
        Assert.Empty(_node.Kernel.Instances);
        await _node.CheckInvariantsAsync();
        await Run(); // Name and address are free again.
        Assert.Equal("10.117.0.3", (await _node.Service.GetAsync(Shop, default)).Ip);
        await CheckAsync("running");
    }

    [Fact]
    public async Task A_start_that_fails_leaves_it_stopped()
    {
        await Run();
        await Stop();
        _node.Faults.FailOnceAt("start:shell", () => new VniException(ErrorCodes.UserNotFound, "no user www"));
        await RefusedAsync(ErrorCodes.UserNotFound, Start);
        await CheckAsync("stopped");
        Assert.Equal(("no user www", "failed"), ((await _node.StateAsync())!.Reason, await LastEventAsync()));
        await Start();
        await CheckAsync("running");
    }

    [Theory]
    [InlineData("capture:freeze", false)]
    [InlineData("capture:dump", false)]
    [InlineData("capture:manifest", true)]
    [InlineData("capture:thaw", true)]
    public async Task A_snapshot_that_fails_leaves_it_running_untouched(string step, bool leaveRunning)
    {
        var before = (await Run()).Processes[0];
        _node.Faults.FailOnceAt(step, () => new VniException(ErrorCodes.NotDumpable, "process 7 (app) uses io_uring"));
        await RefusedAsync(ErrorCodes.NotDumpable, () => Snapshot(leaveRunning), "io_uring");
        await CheckAsync("running");
        Assert.Equal("failed", await LastEventAsync());
        Assert.Contains("io_uring", (await _node.EventsAsync())[^1].Message);
        Assert.Equal(before, (await _node.Service.GetAsync(Shop, default)).Processes[0]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_snapshot_whose_commit_the_registry_refuses_is_rolled_back(bool leaveRunning)
    {
        await Run();
        _node.Faults.At("capture:done", () =>
        {
            _node.Faults.FailOnceAt("write", () => new RegistryUnavailableException("disk full"));
            return Task.CompletedTask;
        });
        await RefusedAsync(ErrorCodes.Internal, () => Snapshot(leaveRunning), "disk full");
        await CheckAsync("running");
        Assert.Empty(_node.Kernel.Snapshots);
    }

    [Fact]
    public async Task A_commit_that_was_applied_but_not_acknowledged_counts()
    {
        await Run();
        _node.Faults.At("capture:done", () =>
        {
            _node.Faults.FailOnceAt("written", () => new RegistryUnavailableException("connection lost"));
            return Task.CompletedTask;
        });
        Assert.Equal("dormant", (await Snapshot()).Status);
        await CheckAsync("dormant");
        Assert.DoesNotContain("rollback:plug", _node.Faults.Snapshot());
    }

    [Fact]
    public async Task The_commit_of_a_snapshot_comes_before_the_frozen_processes_go()
    {
        await Run();
        var before = _node.Faults.Snapshot().Count;
        await Snapshot();
        var steps = _node.Faults.Snapshot().Skip(before).Where(step => step is "write" or "capture:freeze" or "capture:done" or "release").ToList();
        Assert.Equal(["write", "capture:freeze", "capture:done", "write", "release"], steps.Take(5));
    }

    [Fact]
    public async Task The_commit_of_a_restore_comes_before_anything_runs()
    {
        await Run();
        await Snapshot();
        await _node.UntilSettledAsync();
        var before = _node.Faults.Snapshot().Count;
        await Restore();
        Assert.Equal(
            ["write", "written", "restore:check", "restore:rebuild", "restore:built", "write", "written", "restore:plug", "restore:resume", "restore:done", "write", "written"],
            _node.Faults.Snapshot().Skip(before));
    }

    [Theory]
    [InlineData("restore:check")]
    [InlineData("restore:built")]
    [InlineData("restore:plug")]
    [InlineData("restore:done")]
    public async Task A_restore_that_fails_leaves_it_dormant_or_stopped_as_before(string step)
    {
        await Run();
        await Snapshot();
        _node.Faults.FailOnceAt(step, () => new VniException(ErrorCodes.RestoreFailed, "criu said no"));
        await RefusedAsync(ErrorCodes.RestoreFailed, () => Restore(), "criu said no");
        await CheckAsync("dormant");
        Assert.Equal("failed", await LastEventAsync());

        await Stop();
        _node.Faults.FailOnceAt(step, () => new VniException(ErrorCodes.RestoreFailed, "criu said no"));
        await RefusedAsync(ErrorCodes.RestoreFailed, () => Restore());
        await CheckAsync("stopped");
        await Restore();
        await CheckAsync("running");
    }

    [Fact]
    public async Task A_restore_whose_commit_the_registry_refuses_is_undone()
    {
        await Run();
        await Snapshot();
        await _node.UntilSettledAsync();
        _node.Faults.At("restore:built", () =>
        {
            _node.Faults.FailOnceAt("write", () => new RegistryUnavailableException("disk full"));
            return Task.CompletedTask;
        });
        await RefusedAsync(ErrorCodes.Internal, () => Restore(), "disk full");
        await CheckAsync("dormant");
    }

    [Fact]
    public async Task A_damaged_snapshot_is_refused_and_it_stays_dormant()
    {
        await Run();
        var id = (await Snapshot()).Snapshot;
        _node.Kernel.Snapshots[id].Damaged = true;
        await RefusedAsync(ErrorCodes.SnapshotDamaged, () => Restore(), "truncated");
        await CheckAsync("dormant");
    }

    [Fact]
    public async Task A_restore_whose_asker_goes_away_before_the_commit_is_given_up()
    {
        await Run();
        await Snapshot();
        await _node.UntilSettledAsync();
        var (reached, release) = _node.Faults.HoldAt("restore:rebuild");
        using var asker = new CancellationTokenSource();
        var restore = _node.Service.RestoreAsync(Shop, new RestoreRequest(), asker.Token);
        await reached.WaitAsync(TestNode.Limit);
        await asker.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => restore);
        release.SetResult();
        await TestNode.UntilAsync(async () => await StatusAsync() == "dormant", "the restore to be undone");
        await CheckAsync("dormant");
    }

    [Fact]
    public async Task Other_operations_go_on_when_the_asker_goes_away()
    {
        await Run();
        var (reached, release) = _node.Faults.HoldAt("capture:dump");
        using var asker = new CancellationTokenSource();
        var snapshot = _node.Service.SnapshotAsync(Shop, new SnapshotRequest(), asker.Token);
        await reached.WaitAsync(TestNode.Limit);
        await asker.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => snapshot);
        release.SetResult();
        await TestNode.UntilAsync(async () => await StatusAsync() == "dormant", "the snapshot to be complete");
        await CheckAsync("dormant");
    }

    [Fact]
    public async Task A_run_whose_asker_goes_away_is_finished()
    {
        var (reached, release) = _node.Faults.HoldAt("start:shell");
        using var asker = new CancellationTokenSource();
        var run = _node.Service.RunAsync(TestNode.Declare(), asker.Token);
        await reached.WaitAsync(TestNode.Limit);
        await asker.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
        release.SetResult();
        await TestNode.UntilAsync(async () => await StatusAsync() == "running", "the run to be finished");
        await CheckAsync("running");
    }

    [Fact]
    public async Task A_stop_that_fails_leaves_it_running_and_a_removal_that_fails_can_be_repeated()
    {
        await Run();
        _node.Faults.FailOnceAt("stop:kill", () => new VniException(ErrorCodes.Internal, "a process does not die"));
        await RefusedAsync(ErrorCodes.Internal, Stop, "does not die");
        await CheckAsync("running");

        _node.Faults.FailOnceAt("remove:files", () => new VniException(ErrorCodes.Internal, "device busy"));
        await RefusedAsync(ErrorCodes.Internal, () => Remove(force: true), "device busy");
        Assert.Equal("removing", await StatusAsync());
        await RefusedAsync(ErrorCodes.WrongState, Start, "removing", "remove it again");
        await Remove();
        await _node.CheckInvariantsAsync();
        Assert.Null(await _node.StateAsync());
    }

    [Fact]
    public async Task An_application_that_ends_by_itself_is_stopped_with_its_exits()
    {
        await Run();
        _node.Interposer.End(Shop);
        await TestNode.UntilAsync(async () => await StatusAsync() == "stopped", "the end to be recorded");
        await CheckAsync("stopped");
        var state = await _node.StateAsync();
        Assert.Equal(FakeInterposer.Exits, state!.Exits);
        Assert.Contains("main with status 3", state.Reason);
        Assert.Equal("exited", await LastEventAsync());
    }

    [Fact]
    public async Task An_end_of_a_former_activation_is_ignored()
    {
        var former = (await Run()).Processes[0].HostPid - 1;
        await Snapshot();
        await Restore();
        _node.Interposer.Report(new InstanceEnded(Shop, former, []));
        _node.Interposer.Report(new InstanceEnded(Aid.Parse("nobody"), 1, []));
        await Snapshot(leaveRunning: true); // By now the report has been looked at.
        await CheckAsync("running");
    }

    [Fact]
    public async Task An_end_during_a_snapshot_that_therefore_fails_is_not_forgotten()
    {
        await Run();
        _node.Faults.At("capture:freeze", () =>
        {
            if (_node.Kernel[Shop].Alive) _node.Interposer.End(Shop);
            return Task.CompletedTask;
        });
        await RefusedAsync(ErrorCodes.DumpFailed, () => Snapshot());
        await TestNode.UntilAsync(async () => await StatusAsync() == "stopped", "the end to be recorded");
        await CheckAsync("stopped");
    }

    [Fact]
    public async Task An_end_before_the_start_is_recorded_is_not_forgotten()
    {
        _node.Faults.At("start:done", () =>
        {
            _node.Interposer.End(Shop);
            return Task.CompletedTask;
        });
        await Run();
        await TestNode.UntilAsync(async () => await StatusAsync() == "stopped", "the end to be recorded");
        await CheckAsync("stopped");
    }

    [Fact]
    public async Task Frozen_processes_that_could_not_be_ended_are_ended_before_the_restore()
    {
        await Run();
        _node.Faults.FailOnceAt("release", () => new VniException(ErrorCodes.Internal, "no"));
        await Snapshot();
        Assert.True(_node.Kernel[Shop].Alive);
        await Restore();
        await CheckAsync("running");
    }

    [Fact]
    public async Task A_change_by_somebody_else_is_a_conflict_and_the_application_is_recovered()
    {
        await Run();
        await _node.PutStateAsync((await _node.StateAsync())! with { Reason = "edited" });
        await RefusedAsync(ErrorCodes.Conflict, () => Snapshot(), "changed meanwhile");
        await TestNode.UntilAsync(
            async () =>
            {
                _node.Time.Advance(TimeSpan.FromSeconds(1));
                return (await _node.RangeAsync(_node.Keys.Owners)).Count == 1 && await SucceedsAsync(() => Snapshot(leaveRunning: true));
            },
            "the actor to be replaced");
        await CheckAsync("running");
    }

    [Fact]
    public async Task An_application_that_another_node_owns_is_stopped_here()
    {
        await Run();
        var state = (await _node.StateAsync())! with { Node = "n2", Epoch = 2 };
        await _node.Registry.TransactAsync(
            new Transaction([], [
                new Operation.Put(_node.Keys.Application(Shop), RegistryJson.Bytes(state)),
                new Operation.Put(_node.Keys.Owner(Shop), RegistryJson.Bytes(new Vni.Actors.Nodes.OwnerRecord("n2", 2))),
            ], []),
            default);
        await RefusedAsync(ErrorCodes.Conflict, () => Snapshot(), "owned by node n2");
        Assert.Equal(FakeProcesses.None, _node.Kernel[Shop].Processes);
        Assert.Equal(state, await _node.StateAsync(), StateComparer);
        await RefusedAsync(ErrorCodes.Conflict, Stop, "on node n2");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_node_that_lost_the_owner_record_alone_stops_the_instance(bool atLeaseRenewal)
    {
        await Run();
        var lease = (await _node.RangeAsync(_node.Keys.Members))[0].Lease;
        await _node.Registry.TransactAsync(
            new Transaction([], [new Operation.Put(_node.Keys.Owner(Shop), RegistryJson.Bytes(new Vni.Actors.Nodes.OwnerRecord("n2", 2)))], []), default);
        if (atLeaseRenewal)
        {
            await _node.Registry.RevokeLeaseAsync(lease, default);
            await TestNode.UntilAsync(
                () =>
                {
                    _node.Time.Advance(TimeSpan.FromMilliseconds(500));
                    return Task.FromResult(!_node.Kernel[Shop].Alive);
                },
                "the instance to be stopped");
        }
        else
        {
            await RefusedAsync(ErrorCodes.Conflict, () => Snapshot(), "owned by node n2");
        }

        Assert.Equal(FakeProcesses.None, _node.Kernel[Shop].Processes);
        Assert.Equal("n2", RegistryJson.Owner(Assert.Single(await _node.RangeAsync(_node.Keys.Owners))).Node);
    }

    [Fact]
    public async Task Only_the_newest_256_events_are_kept()
    {
        await Run();
        var state = (await _node.StateAsync())!;
        for (var i = 0; i < 130; i++)
        {
            await Stop();
            await Start();
        }

        var numbers = (await _node.EventsAsync()).Select(e => e.Number).ToList();
        Assert.Equal(256, numbers.Count);
        Assert.Equal(262, numbers[^1]);
        await CheckAsync("running");
    }

    [Fact]
    public async Task Events_are_followed_without_a_gap_until_the_removal()
    {
        await Run();
        var kinds = new List<string>();
        var following = Task.Run(async () =>
        {
            await foreach (var happened in _node.Service.EventsAsync(Shop, follow: true, default)) kinds.Add($"{happened.Number} {happened.Kind}");
        });
        await TestNode.UntilAsync(() => Task.FromResult(kinds.Count == 2), "past events");
        await Stop();
        await Start();
        await Remove(force: true);
        await following.WaitAsync(TestNode.Limit);
        Assert.Equal(["1 created", "2 started", "3 stopped", "4 started"], kinds);
    }

    [Fact]
    public async Task The_list_shows_all_with_live_pids()
    {
        await _node.RunAsync("b");
        await _node.RunAsync("a");
        await _node.Service.StopAsync(Aid.Parse("a"), default, default);
        Assert.Equal([("a", "stopped", 0), ("b", "running", 1)], (await _node.Service.ListAsync(default)).Select(v => (v.Aid, v.Status, v.Pids.Count)));
    }

    private static IEqualityComparer<ApplicationState?> StateComparer { get; } =
        EqualityComparer<ApplicationState?>.Create((a, b) => (a?.Node, a?.Epoch, a?.Status) == (b?.Node, b?.Epoch, b?.Status));

    private static async Task<bool> SucceedsAsync(Func<Task> operation)
    {
        try
        {
            await operation();
            return true;
        }
        catch (VniException)
        {
            return false;
        }
    }
}
