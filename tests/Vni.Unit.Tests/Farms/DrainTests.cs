using Vni.Actors;
using Vni.Actors.Applications;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Actors.Messages;
using Vni.Unit.Tests.Fakes;
using Xunit;

namespace Vni.Unit.Tests.Farms;

/// <summary>Emptying a node, leaving, and giving a node up.</summary>
public sealed class DrainTests : IAsyncLifetime
{
    private TestFarm _farm = null!;

    public async Task InitializeAsync() => _farm = await TestFarm.StartedAsync();

    public async Task DisposeAsync() => await _farm.DisposeAsync();

    private async Task<List<DrainProgress>> DrainAsync(bool leave, DrainRequest? request = null)
    {
        var steps = new List<DrainProgress>();
        await foreach (var step in _farm[2].Farm.DrainAsync("n1", request ?? new DrainRequest(), leave, default)) steps.Add(step);
        return steps;
    }

    private async Task RunSomeAsync()
    {
        foreach (var name in new[] { "a", "b", "sleeping", "stopped" }) await _farm[1].RunAsync(name);
        await _farm[1].Service.SnapshotAsync(Aid.Parse("sleeping"), new SnapshotRequest(Sync: true), default);
        await _farm[1].Service.StopAsync(Aid.Parse("stopped"), default, default);
    }

    private async Task<bool> IsLeavingAsync() => (await _farm[3].Farm.ListNodesAsync(default)).Single(node => node.Node == "n1").Status == "leaving";

    [Fact]
    public async Task Everything_leaves_and_the_node_stays()
    {
        await RunSomeAsync();
        var steps = await DrainAsync(leave: false);
        Assert.Equal([1, 2, 3, 4, 4], steps.Select(step => step.Done));
        Assert.All(steps, step => Assert.Null(step.Error));
        Assert.Equal(["a", "b", "sleeping", "stopped"], steps.Select(step => step.Aid).OfType<string>().Order());
        Assert.All(steps.Take(4), step => Assert.NotEqual("n1", step.To));
        await _farm.CheckAsync();
        Assert.Equal(0, (await _farm[1].Farm.ListNodesAsync(default)).Single(node => node.Node == "n1").Applications);
        Assert.False(await IsLeavingAsync());
    }

    [Fact]
    public async Task A_node_that_leaves_is_empty_first()
    {
        await RunSomeAsync();
        await DrainAsync(leave: true);
        await _farm.CheckAsync();
        Assert.True(_farm[1].Service.Left.IsCompleted);
        var e = await Assert.ThrowsAsync<VniException>(() => _farm.MigrateAsync(_farm[2], _farm[1], "a"));
        Assert.Contains("node n1 is being drained or leaving the farm", e.Message);
        e = await Assert.ThrowsAsync<VniException>(() => _farm[1].RunAsync("late"));
        Assert.Contains("node n1 is being drained or leaving the farm", e.Message);
        Assert.True(await IsLeavingAsync());
        await _farm[1].Service.DisposeAsync();
        await _farm.UntilAsync(() => !_farm[2].Members.Members.ContainsKey("n1"), "the node to be gone");
    }

    [Fact]
    public async Task What_cannot_leave_is_named_and_the_node_stays()
    {
        await RunSomeAsync();
        _farm[1].Interposer.Blockers = ["process 7 (app) uses io_uring"];
        var steps = await DrainAsync(leave: true);
        Assert.Equal(2, steps.Count(step => step.Aid is not null && step.Error is { Code: ErrorCodes.NotDumpable }));
        Assert.Contains("2 of 4", steps[^1].Error!.Message);
        Assert.False(_farm[1].Service.Left.IsCompleted);
        Assert.False(await IsLeavingAsync());
        await _farm.CheckAsync();
    }

    [Fact]
    public async Task The_next_node_is_tried_when_one_refuses()
    {
        await RunSomeAsync();
        _farm[2].Interposer.Objections = ["no avx"];
        var steps = await DrainAsync(leave: false);
        Assert.All(steps.Take(4), step => Assert.Equal("n3", step.To));
        await _farm.CheckAsync();
    }

    [Fact]
    public async Task How_applications_are_made_quiet_is_said_for_all_of_them()
    {
        await _farm[1].RunAsync("a");
        await DrainAsync(leave: false, new DrainRequest(WaitSeconds: 7, CloseVisitors: true));
        Assert.Equal(new Quiescing(TimeSpan.FromSeconds(7), CloseVisitors: true), _farm[1].Interposer.Quiescing);
        var e = await Assert.ThrowsAsync<VniException>(() => DrainAsync(leave: false, new DrainRequest(WaitSeconds: -1)));
        Assert.Equal(ErrorCodes.InvalidArgument, e.Code);
    }

    [Fact]
    public async Task Visitors_that_were_ended_for_it_are_named()
    {
        await _farm[1].RunAsync("a");
        _farm[1].Interposer.Visitors.Add("bash");
        var steps = await DrainAsync(leave: false, new DrainRequest(CloseVisitors: true));
        Assert.Equal("bash", Assert.Single(steps[0].ClosedVisitors!).Command);
        Assert.Null(steps[1].ClosedVisitors);
    }

    [Fact]
    public async Task Alone_it_cannot_be_drained()
    {
        await _farm[1].RunAsync();
        foreach (var other in new[] { _farm[2], _farm[3] }) await _farm.PowerOffAsync(other);
        await _farm.UntilAsync(() => _farm[1].Members.Members.Count == 1, "the others to be gone");
        var e = await Assert.ThrowsAsync<VniException>(async () => await _farm[1].Farm.DrainAsync("n1", new DrainRequest(), false, default).GetAsyncEnumerator().MoveNextAsync());
        Assert.Contains("no other node", e.Message);
    }

    [Fact]
    public async Task A_node_that_is_given_up_freezes_everything_and_its_applications_are_restored_at_once()
    {
        await Checkpoints.RunAsync(_farm[1]);
        var holder = await Checkpoints.TakeAsync(_farm, _farm[1]);
        await _farm[2].Farm.DownAsync("n1", force: false, default).WaitAsync(TestNode.Limit);
        Assert.True(_farm[1].Service.Left.IsCompleted);
        Assert.Equal(FakeProcesses.Frozen, _farm[1].Kernel[Aid.Parse("shop")].Processes);
        await _farm.KillDaemonAsync(_farm[1]);
        await _farm.UntilAsync(async () => await _farm.StateAsync() is { Status: ApplicationStatus.Running } state && state.Node == holder.Settings.Node, "it to be restored");
        await _farm.StartAgainAsync(_farm[1]);
        await _farm.CheckAsync();
    }

    [Fact]
    public async Task A_node_that_does_not_answer_is_given_up_only_by_force()
    {
        await Checkpoints.RunAsync(_farm[1]);
        var holder = await Checkpoints.TakeAsync(_farm, _farm[1]);
        await _farm.PowerOffAsync(_farm[1]);
        var e = await Assert.ThrowsAsync<VniException>(() => _farm[2].Farm.DownAsync("n1", force: false, default));
        Assert.Contains("--force", e.Message);
        await _farm[2].Farm.DownAsync("n1", force: true, default);
        Assert.Empty(await _farm[2].RangeAsync(_farm.Keys.Member("n1")));
        await _farm.CheckAsync();
        Assert.Equal(holder.Settings.Node, (await _farm.StateAsync())!.Node);
    }
}
