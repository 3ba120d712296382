using System.Net.Sockets;
using System.Text;
using Vni.Actors;
using Vni.Actors.Interposition;
using Vni.Interposer.Linux;
using Xunit;

namespace Vni.Linux.Tests.Fencing;

/// <summary>Guards and fences with real instances.</summary>
#pragma warning disable CA1001 // IAsyncLifetime.DisposeAsync disposes the node.
public sealed class FenceTests : IAsyncLifetime
#pragma warning restore CA1001
{
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(5), Short = TimeSpan.FromMilliseconds(50);
    private readonly FarmNode _node = new();

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await _node.DisposeAsync();

    [Fact]
    public async Task Without_a_further_word_the_guard_freezes_the_instances_takes_their_ports_down_and_ends()
    {
        var spec = await _node.StartAsync();
        _node.Daemon.Extend(Long);
        await _node.GuardAsync();
        Assert.False(FarmNode.IsFrozen(_node.Cgroup(spec.Aid)));
        Assert.True(_node.IsForwarding(spec));

        var told = new TaskCompletionSource();
        _node.Daemon.GuardFired = () => told.TrySetResult();
        _node.Daemon.Extend(Short);
        await _node.Eventually(() => _node.Guards().Count == 0);
        await _node.Eventually(() => FarmNode.IsFrozen(_node.Cgroup(spec.Aid)));
        Assert.False(_node.IsForwarding(spec));
        await told.Task.WaitAsync(_node.Limit);
    }

    [Fact]
    public async Task A_guard_whose_daemon_is_gone_guards_until_its_deadline()
    {
        var spec = await _node.StartAsync();
        _node.Daemon.Extend(TimeSpan.FromSeconds(1));
        var guard = await _node.GuardAsync();
        await _node.StopDaemonAsync();
        Assert.Equal([guard], _node.Guards());
        Assert.False(FarmNode.IsSetFrozen(_node.CgroupRoot));

        await _node.Eventually(() => _node.Guards().Count == 0);
        await _node.Eventually(() => FarmNode.IsFrozen(_node.Cgroup(spec.Aid)));
        Assert.False(_node.IsForwarding(spec));
        await _node.ReplaceDaemonAsync();
    }

    [Fact]
    public async Task The_next_daemons_guard_takes_over_and_nothing_is_frozen()
    {
        var spec = await _node.StartAsync();
        _node.Daemon.Extend(Long);
        var first = await _node.GuardAsync();
        await _node.ReplaceDaemonAsync();
        _node.Daemon.Extend(Long);
        await _node.Eventually(() => _node.Guards() is [var second] && second != first);
        Assert.Equal(_node.Guards(), [_node.Daemon.GuardPid!.Value]);
        await _node.Daemon.DiscoverAsync(_node.Limit);
        await _node.Daemon.AdoptAsync(spec, _node.Limit);
        Assert.False(FarmNode.IsFrozen(_node.Cgroup(spec.Aid)));
        Assert.Equal("a", Ask(spec, "a"));
    }

    [Fact]
    public async Task A_node_that_has_nothing_left_to_confirm_can_start_instances_again_after_its_guard_has_fired()
    {
        _node.Daemon.Extend(Long);
        await _node.GuardAsync();
        _node.Daemon.Extend(Short);
        await _node.Eventually(() => FarmNode.IsSetFrozen(_node.CgroupRoot));
        _node.Daemon.Extend(Long);
        await _node.Eventually(() => !FarmNode.IsSetFrozen(_node.CgroupRoot));
        var spec = await _node.StartAsync();
        Assert.False(FarmNode.IsFrozen(_node.Cgroup(spec.Aid)));
    }

    [Fact]
    public async Task A_killed_guard_is_replaced_and_nothing_is_frozen()
    {
        var spec = await _node.StartAsync();
        _node.Daemon.Extend(Long);
        for (var round = 0; round < 3; round++)
        {
            await _node.Daemon.DiscoverAsync(_node.Limit); // Returns when the guard is armed.
            var pid = _node.Daemon.GuardPid!.Value;
            using (var watcher = new PidfdWatcher())
            using (var guard = watcher.Watch(pid)) guard.Kill(Libc.SIGKILL);
            await _node.Eventually(() => _node.Daemon.GuardPid is { } next && next != pid && _node.Guards() is [var only] && only == next);
        }

        Assert.False(FarmNode.IsFrozen(_node.Cgroup(spec.Aid)));
        _node.Daemon.Extend(Short); // The one that replaces it is told, too.
        await _node.Eventually(() => FarmNode.IsFrozen(_node.Cgroup(spec.Aid)));
    }

    [Fact]
    public async Task A_disarmed_guard_ends_without_a_fence_and_so_does_one_that_a_dead_daemon_left()
    {
        var spec = await _node.StartAsync();
        _node.Daemon.Disarm();
        _node.Daemon.Extend(Long);
        _node.Daemon.Disarm();
        await _node.Eventually(() => _node.Guards().Count == 0);
        _node.Daemon.Extend(Long);
        await _node.Daemon.DiscoverAsync(_node.Limit);
        await _node.ReplaceDaemonAsync();
        await _node.GuardAsync();
        _node.Daemon.Disarm();
        await _node.Eventually(() => _node.Guards().Count == 0);
        Assert.False(FarmNode.IsFrozen(_node.Cgroup(spec.Aid)));
    }

    [Fact]
    public async Task A_lifted_instance_goes_on_with_every_frame_that_came_meanwhile_and_the_others_stay()
    {
        var (one, two) = (await _node.StartAsync("one", 5), await _node.StartAsync("two", 6));
        await _node.Daemon.FenceAsync(_node.Limit);
        await _node.Daemon.FenceAsync(_node.Limit);
        using var caller = _node.Call(one);
        for (var i = 0; i < 50; i++) caller.Send(Encoding.ASCII.GetBytes($"{i}"));
        Assert.Equal(0, caller.Available);
        Assert.True(FarmNode.IsFrozen(_node.Cgroup(one.Aid)));
        Assert.True(FarmNode.IsFrozen(_node.Cgroup(two.Aid)));

        _node.Daemon.Extend(Long);
        await _node.Daemon.LiftAsync(one, _node.Limit);
        var last = "";
        for (var i = 0; i < 50; i++) last = Receive(caller);
        Assert.Equal(string.Join(',', Enumerable.Range(0, 50).Select(i => $"{i}")), last);
        Assert.True(FarmNode.IsFrozen(_node.Cgroup(two.Aid)));
        await _node.Daemon.LiftAsync(two, _node.Limit);
        await _node.Daemon.LiftAsync(two, _node.Limit);
        Assert.Equal("b", Ask(two, "b"));
    }

    [Fact]
    public async Task After_the_guard_has_fenced_the_daemon_lifts_each_instance_by_itself()
    {
        var (one, two) = (await _node.StartAsync("one", 5), await _node.StartAsync("two", 6));
        _node.Daemon.Extend(Short);
        await _node.Eventually(() => FarmNode.IsSetFrozen(_node.CgroupRoot) && _node.Guards().Count == 0);
        await _node.Daemon.FenceAsync(_node.Limit);
        Assert.False(FarmNode.IsSetFrozen(_node.CgroupRoot));
        _node.Daemon.Extend(Long);
        await _node.Daemon.LiftAsync(one, _node.Limit);
        Assert.Equal("a", Ask(one, "a"));
        Assert.True(FarmNode.IsFrozen(_node.Cgroup(two.Aid)));
        await _node.Daemon.StopAsync(two, TimeSpan.FromSeconds(1), _node.Limit);
        two = await _node.StartAsync("two", 6);
        Assert.Equal("b", Ask(two, "b"));
    }

    [Fact]
    public async Task A_daemon_that_finds_the_node_fenced_lets_run_what_it_adopts_and_nothing_else()
    {
        var (one, two) = (await _node.StartAsync("one", 5), await _node.StartAsync("two", 6));
        _node.Daemon.Extend(Short);
        await _node.StopDaemonAsync();
        await _node.Eventually(() => FarmNode.IsSetFrozen(_node.CgroupRoot) && _node.Guards().Count == 0);

        var daemon = await _node.ReplaceDaemonAsync();
        daemon.Extend(Long);
        var found = await daemon.DiscoverAsync(_node.Limit);
        Assert.Equal([FoundState.Alive, FoundState.Alive], found.Instances.Select(i => i.State));
        Assert.True(FarmNode.IsFrozen(_node.Cgroup(one.Aid)));
        using var caller = _node.Call(one);
        caller.Send("held"u8);
        await daemon.AdoptAsync(one, _node.Limit);
        Assert.Equal("held", Receive(caller));
        Assert.True(FarmNode.IsFrozen(_node.Cgroup(two.Aid)));
        Assert.False(FarmNode.IsFrozen(_node.Cgroup(one.Aid)));
    }

    [Fact]
    public async Task A_snapshot_that_ends_while_the_node_is_fenced_leaves_the_instance_frozen_until_it_is_lifted()
    {
        var spec = await _node.StartAsync();
        var capture = await _node.Daemon.CaptureAsync(spec, spec.Aid + ".000000000001", CaptureMode.LeaveFrozen, Quiescing.Default, _node.Limit);
        await _node.Daemon.FenceAsync(_node.Limit);
        await _node.Daemon.RollBackAsync(spec, capture.Record.Id, _node.Limit);
        Assert.True(FarmNode.IsFrozen(_node.Cgroup(spec.Aid)));
        using var caller = _node.Call(spec);
        caller.Send("held"u8);
        _node.Daemon.Extend(Long);
        Assert.True(FarmNode.IsFrozen(_node.Cgroup(spec.Aid)));
        await _node.Daemon.LiftAsync(spec, _node.Limit);
        Assert.Equal("held", Receive(caller));
    }

    [Fact]
    public async Task What_is_frozen_for_a_snapshot_is_not_the_fences_to_thaw()
    {
        var spec = await _node.StartAsync();
        await _node.Daemon.CaptureAsync(spec, spec.Aid + ".000000000001", CaptureMode.LeaveFrozen, Quiescing.Default, _node.Limit);
        await _node.Daemon.FenceAsync(_node.Limit);
        _node.Daemon.Extend(Long);
        await _node.Daemon.LiftAsync(spec, _node.Limit);
        Assert.True(FarmNode.IsFrozen(_node.Cgroup(spec.Aid)));
        await _node.Daemon.RollBackAsync(spec, null, _node.Limit);
        Assert.Equal("a", Ask(spec, "a"));
    }

    [Fact]
    public async Task Nothing_starts_after_the_deadline_and_everything_after_the_next()
    {
        _node.Daemon.Extend(TimeSpan.Zero);
        var e = await Assert.ThrowsAsync<VniException>(() => _node.Daemon.StartAsync(FarmNode.Spec(), _node.Limit));
        Assert.Equal(ErrorCodes.Conflict, e.Code);
        await _node.Eventually(() => _node.Guards().Count == 0);
        await _node.Daemon.FenceAsync(_node.Limit);
        _node.Daemon.Extend(Long);
        Assert.Equal("a", Ask(await _node.StartAsync(), "a"));
    }

    private string Ask(InstanceSpec spec, string word)
    {
        using var caller = _node.Call(spec);
        caller.Send(Encoding.ASCII.GetBytes(word));
        return Receive(caller);
    }

    private static string Receive(Socket socket)
    {
        var buffer = new byte[4096];
        return Encoding.ASCII.GetString(buffer, 0, socket.Receive(buffer));
    }
}
