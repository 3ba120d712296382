using Vni.Actors;
using Vni.Actors.Applications;
using Vni.Actors.Identity;
using Vni.Actors.Messages;
using Vni.Unit.Tests.Fakes;
using Xunit;

namespace Vni.Unit.Tests.Farms;

/// <summary>Checkpoints go on behind the users' backs: nobody is refused for their sake.</summary>
public sealed class CheckpointTests : IAsyncLifetime
{
    private static readonly Aid Shop = Aid.Parse("shop");

    private static readonly TimeSpan While = TimeSpan.FromSeconds(2);

    private TestFarm _farm = null!;

    public async Task InitializeAsync() => _farm = await TestFarm.StartedAsync();

    public async Task DisposeAsync() => await _farm.DisposeAsync();

    private Task Order(string operation, double timeout = 60, CancellationToken cancellationToken = default)
    {
        var service = _farm[2].Service;
        return operation switch
        {
            "stop" => service.StopAsync(Shop, default, cancellationToken),
            "rm" => service.RemoveAsync(Shop, force: true, cancellationToken),
            "migrate" => service.MigrateAsync(Shop, new MigrateRequest("n3", timeout), cancellationToken),
            "snapshot" => service.SnapshotAsync(Shop, new SnapshotRequest(Sync: true), cancellationToken),
            "start" => service.StartAsync(Shop, cancellationToken),
            _ => service.RestoreAsync(Shop, new RestoreRequest(), cancellationToken),
        };
    }

    /// <summary>The first checkpoint is due, and stays at a step.</summary>
    private async Task<TaskCompletionSource> HoldAsync(string step)
    {
        await Checkpoints.RunAsync(_farm[1], everySeconds: 5);
        var (reached, release) = _farm[1].Faults.HoldAt(step);
        await _farm.EndedAsync(reached);
        return release;
    }

    private async Task<IEnumerable<string>> KindsAsync() => (await _farm[1].EventsAsync()).Select(e => e.Kind);

    [Theory]
    [InlineData("stop", ApplicationStatus.Stopped, "n1")]
    [InlineData("migrate", ApplicationStatus.Running, "n3")]
    [InlineData("snapshot", ApplicationStatus.Dormant, "n1")]
    public async Task What_a_user_asks_for_meanwhile_is_done_when_the_checkpoint_is_taken(string operation, ApplicationStatus status, string node)
    {
        var release = await HoldAsync("capture:dump");
        var ordered = Order(operation);
        await _farm.PassAsync(While);
        Assert.False(ordered.IsCompleted);
        release.SetResult();
        await _farm.EndedAsync(ordered);
        await ordered;
        var state = (await _farm.StateAsync())!;
        Assert.Equal((status, node), (state.Status, state.Node));
        Assert.Equal(["created", "started", "snapshotted"], (await KindsAsync()).Take(3));
        await _farm.CheckAsync();
    }

    [Theory]
    [InlineData("capture:dump")]
    [InlineData("send:snapshot.ship")]
    [InlineData("sent:snapshot.ship")]
    public async Task It_can_be_removed_meanwhile_and_nothing_is_left_anywhere(string step)
    {
        var release = await HoldAsync(step);
        var ordered = Order("rm");
        await _farm.PassAsync(While);
        release.SetResult();
        await _farm.EndedAsync(ordered);
        await ordered;
        await _farm.CheckAsync();
        Assert.Null(await _farm.StateAsync());
        Assert.Empty(await _farm[1].SnapshotsAsync());
    }

    [Theory]
    [InlineData("stop")]
    [InlineData("migrate")]
    [InlineData("snapshot")]
    public async Task The_copy_to_another_node_keeps_nothing_waiting(string operation)
    {
        var release = await HoldAsync("send:snapshot.ship");
        var ordered = Order(operation);
        await _farm.EndedAsync(ordered);
        await ordered;
        release.SetResult();
        await _farm.CheckAsync();
    }

    [Theory]
    [InlineData("start")]
    [InlineData("restore")]
    public async Task What_cannot_be_done_is_refused_for_its_own_reason(string operation)
    {
        var release = await HoldAsync("capture:dump");
        var ordered = Order(operation);
        await _farm.PassAsync(While);
        release.SetResult();
        await _farm.EndedAsync(ordered);
        Assert.Equal(ErrorCodes.WrongState, (await Assert.ThrowsAsync<VniException>(() => ordered)).Code);
    }

    [Fact]
    public async Task A_migrations_time_runs_while_it_waits()
    {
        var release = await HoldAsync("capture:dump");
        var ordered = Order("migrate", timeout: 1);
        await _farm.PassAsync(While);
        release.SetResult();
        await _farm.EndedAsync(ordered);
        Assert.Contains("took longer than 1 s", (await Assert.ThrowsAsync<VniException>(() => ordered)).Message);
        await _farm.CheckAsync(ApplicationStatus.Running);
        Assert.Equal("n1", (await _farm.StateAsync())!.Node);
    }

    [Fact]
    public async Task Of_several_who_wait_the_first_is_served_and_the_others_hear_what_it_does()
    {
        var release = await HoldAsync("capture:dump");
        var first = Order("stop");
        await _farm.PassAsync(While);
        var (reached, stopping) = _farm[1].Faults.HoldAt("stop:kill");
        var second = Order("snapshot");
        await _farm.PassAsync(While);
        release.SetResult();
        await reached.WaitAsync(TestNode.Limit);
        await _farm.EndedAsync(second);
        Assert.Contains("it is being stopped", (await Assert.ThrowsAsync<VniException>(() => second)).Message);
        stopping.SetResult();
        await first.WaitAsync(TestNode.Limit);
        await _farm.CheckAsync(ApplicationStatus.Stopped);
    }

    [Theory]
    [InlineData("capture:dump")]
    [InlineData("capture:thaw")]
    public async Task What_waits_for_a_checkpoint_that_fails_is_done_too(string step)
    {
        await Checkpoints.RunAsync(_farm[1], everySeconds: 5);
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _farm[1].Faults.At(step, async () =>
        {
            reached.TrySetResult();
            await release.Task;
            throw new VniException(ErrorCodes.DumpFailed, "criu said no");
        });
        await _farm.EndedAsync(reached.Task);
        var ordered = Order("stop");
        await _farm.PassAsync(While);
        release.SetResult();
        await _farm.EndedAsync(ordered);
        await ordered;
        await _farm.CheckAsync(ApplicationStatus.Stopped);
    }

    [Fact]
    public async Task A_users_own_snapshot_refuses_others_as_before()
    {
        await Checkpoints.RunAsync(_farm[1]);
        var (reached, release) = _farm[1].Faults.HoldAt("capture:dump");
        var own = _farm[1].Service.SnapshotAsync(Shop, new SnapshotRequest(LeaveRunning: true), default);
        await reached.WaitAsync(TestNode.Limit);
        var e = await Assert.ThrowsAsync<VniException>(() => Order("stop"));
        Assert.Equal((ErrorCodes.Busy, true), (e.Code, e.Message.Contains("a snapshot is being taken", StringComparison.Ordinal)));
        release.SetResult();
        await own.WaitAsync(TestNode.Limit);
        await _farm.CheckAsync(ApplicationStatus.Running);
    }
}
