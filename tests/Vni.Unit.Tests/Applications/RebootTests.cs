using Vni.Actors;
using Vni.Actors.Applications;
using Vni.Actors.Identity;
using Vni.Actors.Messages;
using Vni.Unit.Tests.Fakes;
using Xunit;
using static Vni.Actors.Applications.ApplicationStatus;

namespace Vni.Unit.Tests.Applications;

/// <summary>A machine that is started anew before anybody else could act: what had checkpoints goes on from the newest.</summary>
public sealed class RebootTests : IAsyncLifetime
{
    private static readonly Aid Shop = Aid.Parse("shop");

    private TestNode _node = null!;

    public async Task InitializeAsync() => _node = await TestNode.StartedAsync();

    public async Task DisposeAsync() => await _node.DisposeAsync();

    private async Task<string> RunAsync(bool policy = true, bool snapshot = true)
    {
        await _node.Service.RunAsync(TestNode.Declare() with { Checkpoint = policy ? new CheckpointPolicy(3600) : null }, default).WaitAsync(TestNode.Limit);
        return snapshot ? (await SnapshotAsync()).Snapshot : "";
    }

    private Task<SnapshotView> SnapshotAsync() => _node.Service.SnapshotAsync(Shop, new SnapshotRequest(LeaveRunning: true, Sync: true), default).WaitAsync(TestNode.Limit);

    private async Task RebootAsync(bool start = true)
    {
        await _node.KillDaemonAsync();
        _node.Kernel.PowerOff();
        if (start) await _node.StartDaemonAsync();
    }

    private async Task CheckAsync(ApplicationStatus status)
    {
        // Between the commit and its record a restored one is Running, and has not resumed.
        await TestNode.UntilAsync(async () => (await _node.StateAsync()) is { } state && state.Status == status && (status != Running || state.Resumed), $"it to be {status}");
        await _node.UntilSettledAsync();
        await _node.CheckInvariantsAsync();
    }

    private async Task<string> LastAsync(string kind) => (await _node.EventsAsync()).Last(e => e.Kind == kind).Message;

    [Fact]
    public async Task It_is_restored_from_its_newest_checkpoint()
    {
        await RunAsync();
        var newest = (await SnapshotAsync()).Snapshot;
        await RebootAsync();
        await CheckAsync(Running);
        Assert.Contains($"restored from {newest}", await LastAsync("restored"));
        Assert.Contains("ended with the node", await LastAsync("recovered"));
    }

    [Theory]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public async Task Without_a_policy_or_a_checkpoint_it_is_stopped(bool policy, bool snapshot)
    {
        await RunAsync(policy, snapshot);
        await RebootAsync();
        await CheckAsync(Stopped);
    }

    [Fact]
    public async Task What_ended_by_itself_while_the_daemon_was_away_is_stopped_with_its_exits()
    {
        await RunAsync();
        await _node.KillDaemonAsync();
        _node.Kernel[Shop].Processes = FakeProcesses.None;
        await _node.StartDaemonAsync();
        await CheckAsync(Stopped);
        Assert.Equal(FakeInterposer.Exits, (await _node.StateAsync())!.Exits);
    }

    [Fact]
    public async Task What_was_at_rest_stays_so()
    {
        await RunAsync();
        await _node.Service.StopAsync(Shop, default, default);
        await RebootAsync();
        await CheckAsync(Stopped);
    }

    [Theory]
    [InlineData("capture:dump")]
    [InlineData("capture:done")]
    public async Task A_reboot_in_the_middle_of_a_checkpoint_leads_to_the_one_before(string step)
    {
        var newest = await RunAsync();
        var (reached, release) = _node.Faults.HoldAt(step);
        var taking = _node.Service.SnapshotAsync(Shop, new SnapshotRequest(LeaveRunning: true), default);
        await reached.WaitAsync(TestNode.Limit);
        _node.Faults.Die();
        release.SetResult();
        await RebootAsync();
        await CheckAsync(Running);
        Assert.Contains($"restored from {newest}", await LastAsync("restored"));
        await Assert.ThrowsAnyAsync<Exception>(() => taking);
    }

    [Fact]
    public async Task A_checkpoint_that_cannot_be_restored_leaves_it_dormant_with_the_reason()
    {
        await RunAsync();
        await RebootAsync(start: false);
        _node.CreateDaemon();
        _node.Faults.FailAt("restore:rebuild", () => new VniException(ErrorCodes.RestoreFailed, "criu said no"));
        await _node.Service.StartAsync(default);
        await CheckAsync(Dormant);
        Assert.Contains("criu said no", (await _node.StateAsync())!.Reason);
    }

    [Fact]
    public async Task What_a_user_asks_for_meanwhile_waits()
    {
        await RunAsync();
        await RebootAsync(start: false);
        _node.CreateDaemon();
        var (reached, release) = _node.Faults.HoldAt("restore:rebuild");
        await _node.Service.StartAsync(default);
        await reached.WaitAsync(TestNode.Limit);
        var stopped = _node.Service.StopAsync(Shop, default, default);
        release.SetResult();
        await stopped.WaitAsync(TestNode.Limit);
        await CheckAsync(Stopped);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Whatever_befalls_the_daemon_meanwhile_the_next_one_restores_it(bool reboots)
    {
        await RunAsync();
        for (var step = 1; ; step++)
        {
            await RebootAsync(start: false);
            _node.CreateDaemon();
            _node.Faults.DieAt(step);
            await IgnoreAsync(_node.Service.StartAsync(default));
            await TestNode.UntilAsync(async () => _node.Faults.Dead || (_node.Kernel[Shop].Alive && await _node.StateAsync() is { Status: Running, Resumed: true }), "it to be restored, or the daemon to die");
            var died = _node.Faults.Dead;
            if (reboots) await RebootAsync();
            else await _node.RestartDaemonAsync();
            await CheckAsync(Running);
            if (!died) break;
        }
    }

    private static async Task IgnoreAsync(Task task)
    {
        try
        {
            await task.WaitAsync(TestNode.Limit);
        }
        catch (Exception e) when (e is VniException or DaemonDiedException or OperationCanceledException)
        {
            return;
        }
    }
}
