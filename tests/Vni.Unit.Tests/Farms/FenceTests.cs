using Vni.Actors;
using Vni.Actors.Applications;
using Vni.Actors.Identity;
using Vni.Actors.Messages;
using Vni.Unit.Tests.Fakes;
using Xunit;

namespace Vni.Unit.Tests.Farms;

/// <summary>A node that does not reach the registry freezes what it runs before others may act, and lets it go on only with the
/// registry's word.</summary>
public sealed class FenceTests : IAsyncLifetime
{
    private static readonly Aid Shop = Aid.Parse("shop");

    private TestFarm _farm = null!;

    public async Task InitializeAsync() => _farm = await TestFarm.StartedAsync();

    public async Task DisposeAsync() => await _farm.DisposeAsync();

    private FakeInstance Instance => _farm[1].Kernel[Shop];

    private Task FencedAsync() => _farm.UntilAsync(() => Instance is { Fenced: true, Processes: FakeProcesses.Frozen }, "the fence");

    [Fact]
    public async Task It_is_frozen_and_goes_on_when_the_registry_is_back_in_time()
    {
        await _farm[1].RunAsync();
        _farm.Isolate(_farm[1]);
        await FencedAsync();
        Assert.False(_farm[1].Kernel.GuardFired); // The daemon came first.
        _farm.Rejoin(_farm[1]);
        await _farm.CheckAsync();
        Assert.Equal(["created", "started"], (await _farm[1].EventsAsync()).Select(e => e.Kind));
    }

    [Fact]
    public async Task Whoever_waits_for_a_decision_is_told_that_the_registry_stays_silent()
    {
        await _farm[1].RunAsync();
        _farm.Isolate(_farm[1]);
        Task[] orders = [_farm[1].Service.StopAsync(Shop, default, default), _farm[1].Service.RunAsync(TestNode.Declare("late"), default)];
        foreach (var order in orders)
        {
            await _farm.EndedAsync(order);
            var e = await Assert.ThrowsAsync<VniException>(() => order);
            Assert.Equal(ErrorCodes.RegistryUnavailable, e.Code);
        }

        Assert.Contains("the registry has not answered node n1 for", (await Assert.ThrowsAsync<VniException>(() => orders[0])).Message);
        _farm.Rejoin(_farm[1]);
        await _farm.CheckAsync();
    }

    [Fact]
    public async Task The_guard_fires_after_the_daemon_and_is_armed_again()
    {
        await _farm[1].RunAsync();
        _farm.Isolate(_farm[1]);
        await _farm.UntilAsync(() => _farm[1].Kernel.GuardFired, "the guard");
        Assert.NotEmpty(await _farm[1].RangeAsync(_farm.Keys.Owner(Shop))); // Before its lease was over.
        _farm.Rejoin(_farm[1]);
        await _farm.CheckAsync();
    }

    [Fact]
    public async Task A_fenced_node_waits_without_haste()
    {
        await _farm[1].RunAsync();
        _farm.Isolate(_farm[1]);
        await FencedAsync();
        var before = _farm.Time.ShortTimers;
        for (var i = 0; i < 100; i++)
        {
            _farm.Time.Advance(TimeSpan.FromMilliseconds(1));
            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System);
        }

        Assert.InRange(_farm.Time.ShortTimers - before, 0, 20);
        _farm.Rejoin(_farm[1]);
        await _farm.CheckAsync();
    }

    [Fact]
    public async Task What_a_guard_has_frozen_in_the_moment_in_which_it_was_extended_goes_on()
    {
        await _farm[1].RunAsync();
        _farm[1].Kernel.FenceLate(_farm[1].Interposer.GuardFired!);
        Assert.Equal(FakeProcesses.Frozen, Instance.Processes);
        await _farm.CheckAsync();
    }

    [Fact]
    public async Task The_guard_does_it_when_the_daemon_is_dead()
    {
        await _farm[1].RunAsync();
        await _farm.KillDaemonAsync(_farm[1]);
        await FencedAsync();
        Assert.True(_farm[1].Kernel.GuardFired);
        Assert.NotEmpty(await _farm[1].RangeAsync(_farm.Keys.Owner(Shop)));
        await _farm.StartAgainAsync(_farm[1]);
        await _farm.CheckAsync(ApplicationStatus.Running);
    }

    [Fact]
    public async Task What_was_given_up_meanwhile_is_found_again()
    {
        await _farm[1].RunAsync();
        _farm.Isolate(_farm[1]);
        await _farm.UntilAsync(async () => (await _farm.StateAsync())!.Status == ApplicationStatus.Lost, "it to be given up");
        Assert.Equal(FakeProcesses.Frozen, Instance.Processes);
        _farm.Rejoin(_farm[1]);
        await _farm.CheckAsync(ApplicationStatus.Running);
        Assert.Equal((ApplicationStatus.Running, "n1"), ((await _farm.StateAsync())!.Status, (await _farm.StateAsync())!.Node));
        Assert.Contains("found again", (await _farm[1].EventsAsync())[^1].Message);
    }

    [Fact]
    public async Task What_was_taken_over_meanwhile_ends_here_and_not_before_it_runs_there()
    {
        await Checkpoints.RunAsync(_farm[1]);
        await Checkpoints.TakeAsync(_farm, _farm[1]);
        _farm.Isolate(_farm[1]);
        await _farm.UntilAsync(async () => await _farm.StateAsync() is { Status: ApplicationStatus.Running, Node: not "n1" }, "it to be taken over");
        Assert.Equal(FakeProcesses.Frozen, Instance.Processes);
        _farm.Rejoin(_farm[1]);
        await _farm.CheckAsync();
        Assert.False(_farm[1].Kernel.Instances.ContainsKey(Shop) && Instance.Alive);
    }

    [Fact]
    public async Task The_frozen_original_goes_on_when_who_took_it_over_died_before_it_ran()
    {
        await Checkpoints.RunAsync(_farm[1]);
        var holder = await Checkpoints.TakeAsync(_farm, _farm[1]);
        var pid = Instance.InitPid;
        var (reached, release) = holder.Faults.HoldAt("restore:rebuild");
        _farm.Isolate(_farm[1]);
        await _farm.UntilAsync(() => reached.IsCompleted, "the restore");
        var off = _farm.PowerOffAsync(holder);
        release.SetResult();
        await off;
        _farm.Rejoin(_farm[1]);
        await _farm.CheckAsync(ApplicationStatus.Running);
        Assert.Equal((ApplicationStatus.Running, "n1", pid), ((await _farm.StateAsync())!.Status, (await _farm.StateAsync())!.Node, Instance.InitPid));
    }

    [Theory]
    [InlineData("capture:dump")]
    [InlineData("capture:manifest")]
    public async Task An_operation_that_ends_after_a_fence_leaves_it_running(string step)
    {
        await _farm[1].RunAsync();
        await _farm[1].RunAsync("other");
        var (reached, release) = _farm[1].Faults.HoldAt(step);
        var snapshot = _farm[1].Service.SnapshotAsync(Shop, new SnapshotRequest(LeaveRunning: true), default);
        await reached.WaitAsync(TestNode.Limit);
        _farm.Isolate(_farm[1]);
        await _farm.UntilAsync(() => _farm[1].Kernel[Aid.Parse("other")].Fenced, "the fence");
        release.SetResult();
        await _farm.UntilAsync(() => Instance.Fenced, "it to be kept by the fence");
        _farm.Rejoin(_farm[1]);
        await _farm.EndedAsync(snapshot);
        await _farm.CheckAsync(ApplicationStatus.Running);
    }

    [Theory]
    [InlineData(1, 2, "handoff:rebuild")]
    [InlineData(1, 1, "send-state")]
    [InlineData(2, 2, "handoff:rebuild")]
    [InlineData(2, 2, "handoff:restored")]
    [InlineData(2, 2, "handoff:plug")]
    public async Task A_lease_that_ends_during_a_migration_ends_in_one_copy(int isolated, int held, string step)
    {
        await _farm[1].RunAsync();
        var (reached, release) = _farm[held].Faults.HoldAt(step);
        var migration = _farm.MigrateAsync(_farm[1], _farm[2]);
        await reached.WaitAsync(TestNode.Limit);
        _farm.Isolate(_farm[isolated]);
        await _farm.PassAsync(TimeSpan.FromSeconds(12));
        release.SetResult();
        await _farm.PassAsync(TimeSpan.FromSeconds(2));
        _farm.Rejoin(_farm[isolated]);
        await _farm.EndedAsync(migration);
        await _farm.CheckAsync(ApplicationStatus.Running);
    }

    [Fact]
    public async Task A_lease_that_somebody_revoked_is_replaced_and_everything_confirmed()
    {
        await _farm[1].RunAsync();
        var lease = (await _farm[1].RangeAsync(_farm.Keys.Member("n1")))[0].Lease;
        await _farm.Registry.RevokeLeaseAsync(lease, default);
        await _farm.UntilAsync(async () => (await _farm[1].RangeAsync(_farm.Keys.Members)).Any(pair => pair.Key == _farm.Keys.Member("n1")), "the node to be back");
        await _farm.CheckAsync(ApplicationStatus.Running);
        Assert.Contains("fence", _farm[1].Faults.Snapshot());
    }
}
