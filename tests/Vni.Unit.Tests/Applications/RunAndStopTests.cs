using Vni.Actors;
using Vni.Actors.Applications;
using Vni.Actors.Identity;
using Vni.Unit.Tests.Fakes;
using Xunit;

namespace Vni.Unit.Tests.Applications;

/// <summary>Running, starting, stopping, removing.</summary>
public sealed class RunAndStopTests : ApplicationTestBase
{
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
            (await Node.EventsAsync()).Select(e => e.Kind));

        await Remove();
        Assert.Null(await Node.StateAsync());
        await Node.CheckInvariantsAsync();
        Assert.All(await Node.RangeAsync(Node.Keys.Root), pair => Assert.Contains("/members/", pair.Key));
    }

    [Fact]
    public async Task A_stopped_application_refuses_what_needs_processes()
    {
        await Run();
        await Stop();
        await RefusedAsync(ErrorCodes.WrongState, () => Snapshot(), "application shop is stopped, it cannot be snapshotted; start it first");
        await RefusedAsync(ErrorCodes.WrongState, Stop, "application shop is stopped already");
        await RefusedAsync(ErrorCodes.SnapshotNotFound, () => Restore(), "shop has no snapshot");
        await CheckAsync("stopped");
    }

    [Fact]
    public async Task A_running_application_refuses_to_start_be_restored_or_be_removed_unforced()
    {
        await Run();
        await Snapshot(leaveRunning: true);
        await RefusedAsync(ErrorCodes.WrongState, Start, "application shop is running already");
        await RefusedAsync(ErrorCodes.WrongState, () => Restore(), "shop is running, it cannot be restored; stop or snapshot it first");
        await RefusedAsync(ErrorCodes.WrongState, () => Remove(), "shop is running, it cannot be removed", "force");
        await CheckAsync("running");
        await Remove(force: true);
        Assert.Empty(Node.Kernel.Instances);
        await Node.CheckInvariantsAsync();
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
        await Node.CheckInvariantsAsync();
    }

    [Fact]
    public async Task An_unknown_application_is_not_found()
    {
        await RefusedAsync(ErrorCodes.NotFound, Start, "no application shop");
        await RefusedAsync(ErrorCodes.NotFound, () => Node.Service.GetAsync(Shop, default));
        await RefusedAsync(ErrorCodes.NotFound, () => Node.Service.ListSnapshotsAsync(Shop, default));
        await RefusedAsync(ErrorCodes.NotFound, async () => await Node.Service.EventsAsync(Shop, true, default).GetAsyncEnumerator().MoveNextAsync());
        await Run();
        await Remove(force: true);
        await RefusedAsync(ErrorCodes.NotFound, Stop);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_start_that_takes_long_is_given_up_by_who_removes_it(bool again)
    {
        if (again)
        {
            await Run();
            await Stop();
        }

        var (reached, release) = Node.Faults.HoldAt("start:processes");
        Task start = again ? Start() : Run();
        await reached.WaitAsync(TestNode.Limit);
        var removal = Remove(force: true);
        await RefusedAsync(ErrorCodes.Busy, () => Snapshot(), again ? "has ended" : "'vni rm --force'");
        release.SetResult();
        await removal.WaitAsync(TestNode.Limit);
        await RefusedAsync(ErrorCodes.Conflict, () => start, "was given up");
        await RefusedAsync(ErrorCodes.NotFound, Stop);
        await Node.CheckInvariantsAsync();
    }

    [Fact]
    public async Task A_start_of_a_stopped_application_that_takes_long_is_given_up_by_who_stops_it()
    {
        await Run();
        await Stop();
        var (reached, release) = Node.Faults.HoldAt("start:processes");
        var start = Start();
        await reached.WaitAsync(TestNode.Limit);
        var stop = Stop();
        await RefusedAsync(ErrorCodes.Busy, () => Snapshot());
        release.SetResult();
        await stop.WaitAsync(TestNode.Limit);
        await RefusedAsync(ErrorCodes.Conflict, () => start, "was given up");
        Assert.Equal(ApplicationStatus.Stopped, (await Node.StateAsync())!.Status);
        await Start();
        await Node.CheckInvariantsAsync();
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
        var (reached, release) = Node.Faults.HoldAt(step);
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
        if (step != "start:processes") await RefusedAsync(ErrorCodes.Busy, () => Remove(force: true), doing);
        release.SetResult();
        await first.WaitAsync(TestNode.Limit);
        await Node.UntilSettledAsync();
        await Node.CheckInvariantsAsync();
    }

    [Fact]
    public async Task A_run_that_fails_leaves_nothing_and_tells_why()
    {
        Node.Faults.FailOnceAt("start:processes", () => new VniException(ErrorCodes.CommandNotFound, "there is no program /usr/bin/program"));
        await RefusedAsync(ErrorCodes.CommandNotFound, Run, "no program");
        Assert.Empty(Node.Kernel.Instances);
        await Node.CheckInvariantsAsync();
        await Run(); // Name and address are free again.
        Assert.Equal("10.117.0.3", (await Node.Service.GetAsync(Shop, default)).Ip);
        await CheckAsync("running");
    }

    [Fact]
    public async Task A_start_that_fails_leaves_it_stopped()
    {
        await Run();
        await Stop();
        Node.Faults.FailOnceAt("start:shell", () => new VniException(ErrorCodes.UserNotFound, "no user www"));
        await RefusedAsync(ErrorCodes.UserNotFound, Start);
        await CheckAsync("stopped");
        Assert.Equal(("no user www", "failed"), ((await Node.StateAsync())!.Reason, await LastEventAsync()));
        await Start();
        await CheckAsync("running");
    }

    [Fact]
    public async Task A_run_whose_asker_goes_away_is_finished()
    {
        var (reached, release) = Node.Faults.HoldAt("start:shell");
        using var asker = new CancellationTokenSource();
        var run = Node.Service.RunAsync(TestNode.Declare(), asker.Token);
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
        Node.Faults.FailOnceAt("stop:kill", () => new VniException(ErrorCodes.Internal, "a process does not die"));
        await RefusedAsync(ErrorCodes.Internal, Stop, "does not die");
        await CheckAsync("running");

        Node.Faults.FailOnceAt("remove:files", () => new VniException(ErrorCodes.Internal, "device busy"));
        await RefusedAsync(ErrorCodes.Internal, () => Remove(force: true), "device busy");
        Assert.Equal("removing", await StatusAsync());
        await RefusedAsync(ErrorCodes.WrongState, Start, "removing", "remove it again");
        await Remove();
        await Node.CheckInvariantsAsync();
        Assert.Null(await Node.StateAsync());
    }

    [Fact]
    public async Task The_list_shows_all_with_live_pids()
    {
        await Node.RunAsync("b");
        await Node.RunAsync("a");
        await Node.Service.StopAsync(Aid.Parse("a"), default, default);
        Assert.Equal([("a", "stopped", 0), ("b", "running", 1)], (await Node.Service.ListAsync(default)).Select(v => (v.Aid, v.Status, v.Pids.Count)));
    }
}
