using Vni.Actors;
using Vni.Actors.Applications;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Actors.Messages;
using Vni.Unit.Tests.Fakes;
using Xunit;

namespace Vni.Unit.Tests.HandOffs;

/// <summary>Migrations that come about, and those that are refused.</summary>
public sealed class MigrationTests : IAsyncLifetime
{
    private static readonly Aid Shop = Aid.Parse("shop");

    private TestFarm _farm = null!;

    public async Task InitializeAsync()
    {
        _farm = await TestFarm.StartedAsync();
        await _farm[1].RunAsync();
    }

    public async Task DisposeAsync() => await _farm.DisposeAsync();

    private async Task RefusedAsync(string code, Task<MigrationView> migration, params string[] parts)
    {
        var e = await Assert.ThrowsAsync<VniException>(() => _farm.PassAsync(migration));
        Assert.Equal(code, e.Code);
        Assert.All(parts, part => Assert.Contains(part, e.Message));
        await _farm.CheckAsync();
        Assert.Equal(("n1", 1L, ApplicationStatus.Running), await PlaceAsync());
    }

    private async Task<(string, long, ApplicationStatus)> PlaceAsync()
    {
        var state = (await _farm.StateAsync())!;
        return (state.Node, state.Epoch, state.Status);
    }

    [Fact]
    public async Task It_goes_to_another_node_and_back()
    {
        _farm[2].Interposer.Frames = [new byte[] { 1 }, new byte[] { 2 }];
        var view = await _farm.MigrateAsync(_farm[1], _farm[2]);
        Assert.Equal(("n1", "n2", 2, "running", "n2"), (view.From, view.To, view.FramesHeld, view.Application.Status, view.Application.Node));
        Assert.Equal(["prepare", "layer", "freeze", "hold", "dump", "send", "target restore", "record", "release"], view.Phases.Select(phase => phase.Name));
        Assert.True(view.Bytes > 0);
        Assert.False(view.DryRun);
        await _farm.CheckAsync();
        await _farm.MigrateAsync(_farm[2], _farm[3]);
        await _farm.MigrateAsync(_farm[3], _farm[1]);
        await _farm.CheckAsync();
        Assert.Equal(("n1", 4L, ApplicationStatus.Running), await PlaceAsync());
        Assert.Equal(["created", "started", "migrated", "migrated", "migrated"], (await _farm[1].EventsAsync()).Select(e => e.Kind));
    }

    [Fact]
    public async Task It_goes_on_to_be_stopped_started_and_snapshotted_where_it_went()
    {
        await _farm.MigrateAsync(_farm[1], _farm[2]);
        await _farm[2].Service.SnapshotAsync(Shop, new SnapshotRequest(), default);
        await _farm.CheckAsync();
        await _farm[2].Service.RestoreAsync(Shop, new RestoreRequest(), default);
        await _farm[2].Service.StopAsync(Shop, default, default);
        await _farm.CheckAsync();
        await _farm[2].Service.StartAsync(Shop, default);
        await _farm.CheckAsync();
        await _farm[2].Service.RemoveAsync(Shop, force: true, default);
        await _farm.CheckAsync();
        Assert.All(_farm.Nodes, node => Assert.Empty(node.Kernel.Instances));
    }

    [Fact]
    public async Task An_end_right_after_the_arrival_is_recorded()
    {
        _farm[2].Faults.At("handoff:resumed", () =>
        {
            _farm[2].Interposer.End(Shop);
            return Task.CompletedTask;
        });
        await _farm.MigrateAsync(_farm[1], _farm[2]);
        await _farm.UntilAsync(async () => (await PlaceAsync()).Item3 == ApplicationStatus.Stopped, "its end to be recorded");
        await _farm.CheckAsync();
    }

    [Fact]
    public Task An_unknown_node_is_refused() =>
        RefusedAsync(ErrorCodes.NotFound, Task.Run(() => _farm[1].Service.MigrateAsync(Shop, new MigrateRequest("n9"), default)), "no node 'n9'");

    [Fact]
    public Task Its_own_node_is_refused() =>
        RefusedAsync(ErrorCodes.InvalidArgument, _farm.MigrateAsync(_farm[2], _farm[1]), "on node n1 already");

    [Theory]
    [InlineData(0)]
    [InlineData(double.NaN)]
    [InlineData(1e9)]
    public Task A_timeout_that_is_none_is_refused(double seconds) =>
        RefusedAsync(ErrorCodes.InvalidArgument, Task.Run(() => _farm[1].Service.MigrateAsync(Shop, new MigrateRequest("n2", seconds), default)), "timeout");

    [Fact]
    public Task A_target_that_cannot_take_it_says_why()
    {
        _farm[2].Interposer.Objections = ["/usr/bin/program is another file there"];
        return RefusedAsync(ErrorCodes.Incompatible, _farm.MigrateAsync(_farm[1], _farm[2]), "/usr/bin/program is another file there");
    }

    [Fact]
    public Task A_target_without_room_says_so()
    {
        _farm[2].Faults.FailAt("prepare", () => new VniException(ErrorCodes.Conflict, "node n2 has no room for 12 MiB"));
        return RefusedAsync(ErrorCodes.Conflict, _farm.MigrateAsync(_farm[1], _farm[2]), "no room");
    }

    [Fact]
    public Task What_blocks_it_here_is_named()
    {
        _farm[1].Interposer.Blockers = ["process 7 (app) uses io_uring"];
        return RefusedAsync(ErrorCodes.NotDumpable, _farm.MigrateAsync(_farm[1], _farm[2]), "process 7 (app) uses io_uring");
    }

    [Fact]
    public async Task Visitors_block_it_unless_they_are_to_be_closed()
    {
        _farm[1].Interposer.Visitors.Add("bash");
        await RefusedAsync(ErrorCodes.NotDumpable, _farm.MigrateAsync(_farm[1], _farm[2]), "process 50 (bash) is a visitor");
        var request = new MigrateRequest("n2", WaitSeconds: 7, CloseVisitors: true);
        Assert.Empty((await _farm[1].Service.MigrateAsync(Shop, request with { DryRun = true }, default)).Blockers);
        var view = await _farm[1].Service.MigrateAsync(Shop, request, default).WaitAsync(TestNode.Limit);
        Assert.Equal("bash", Assert.Single(view.ClosedVisitors).Command);
        Assert.Equal(new Quiescing(TimeSpan.FromSeconds(7), CloseVisitors: true), _farm[1].Interposer.Quiescing);
        await _farm.CheckAsync();
    }

    [Fact]
    public async Task A_refusal_comes_from_another_node_with_all_that_was_found()
    {
        _farm[1].Interposer.Visitors.Add("bash");
        var e = await Assert.ThrowsAsync<VniException>(() => _farm[3].Service.MigrateAsync(Shop, new MigrateRequest("n2"), default).WaitAsync(TestNode.Limit));
        Assert.Equal((50, FindingKinds.Visitor), (Assert.Single(e.Findings!).Pid, e.Findings![0].Kind));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(3601)]
    [InlineData(double.NaN)]
    public async Task A_time_to_wait_that_makes_no_sense_is_refused(double seconds)
    {
        await RefusedAsync(ErrorCodes.InvalidArgument, Task.Run(() => _farm[1].Service.MigrateAsync(Shop, new MigrateRequest("n2", WaitSeconds: seconds), default)), "waitSeconds");
        var e = await Assert.ThrowsAsync<VniException>(() => _farm[1].Service.SnapshotAsync(Shop, new SnapshotRequest(WaitSeconds: seconds), default));
        Assert.Equal(ErrorCodes.InvalidArgument, e.Code);
        Assert.Contains("waitSeconds", e.Message);
    }

    [Fact]
    public async Task A_dry_run_names_what_would_block_on_both_sides_and_changes_nothing()
    {
        _farm[1].Interposer.Blockers = ["process 7 (app) uses io_uring"];
        _farm[2].Interposer.Objections = ["no avx"];
        var revision = (await _farm.Registry.GetStatusAsync(default)).Revision;
        var view = await _farm[1].Service.MigrateAsync(Shop, new MigrateRequest("n2", DryRun: true), default);
        Assert.True(view.DryRun);
        Assert.Equal(["process 7 (app) uses io_uring", "no avx"], view.Blockers);
        Assert.Equal(revision, (await _farm.Registry.GetStatusAsync(default)).Revision);
        await _farm.CheckAsync();
    }

    [Fact]
    public async Task A_second_migration_of_the_same_is_refused_while_the_first_is_under_way()
    {
        var (reached, release) = _farm[2].Faults.HoldAt("handoff:rebuild");
        var first = _farm.MigrateAsync(_farm[1], _farm[2]);
        await reached.WaitAsync(TestNode.Limit);
        var e = await Assert.ThrowsAsync<VniException>(() => _farm.MigrateAsync(_farm[3], _farm[3]));
        Assert.Equal((ErrorCodes.Busy, true), (e.Code, e.Message.Contains("it is being migrated", StringComparison.Ordinal)));
        release.SetResult();
        await first;
        await _farm.CheckAsync();
    }

    [Fact]
    public async Task Many_in_both_directions_at_once_all_arrive()
    {
        foreach (var number in Enumerable.Range(0, 10))
        {
            await _farm[1].RunAsync($"a{number}");
            await _farm[2].RunAsync($"b{number}");
        }

        await Task.WhenAll(Enumerable.Range(0, 10).SelectMany(number => new[] { _farm.MigrateAsync(_farm[1], _farm[2], $"a{number}"), _farm.MigrateAsync(_farm[2], _farm[1], $"b{number}") }));
        await _farm.CheckAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task One_that_is_at_rest_moves_with_its_files(bool dormant)
    {
        if (dormant) await _farm[1].Service.SnapshotAsync(Shop, new SnapshotRequest(Sync: true), default);
        else await _farm[1].Service.StopAsync(Shop, default, default);
        var status = dormant ? ApplicationStatus.Dormant : ApplicationStatus.Stopped;
        await _farm.MigrateAsync(_farm[1], _farm[2]);
        await _farm.CheckAsync();
        Assert.Equal(("n2", 2L, status), await PlaceAsync());
        if (dormant) await _farm[1].Service.RestoreAsync(Shop, new RestoreRequest(), default);
        else await _farm[1].Service.StartAsync(Shop, default);
        await _farm.CheckAsync();
        Assert.Equal(("n2", 2L, ApplicationStatus.Running), await PlaceAsync());
    }

    [Fact]
    public async Task One_at_rest_stays_if_its_files_cannot_go()
    {
        await _farm[1].Service.StopAsync(Shop, default, default);
        _farm[2].Faults.FailOnceAt("settle", () => new VniException(ErrorCodes.Internal, "the disk is full"));
        await Assert.ThrowsAsync<VniException>(() => _farm.MigrateAsync(_farm[1], _farm[2]));
        await _farm.CheckAsync();
        Assert.Equal(("n1", 1L, ApplicationStatus.Stopped), await PlaceAsync());
        await _farm.MigrateAsync(_farm[1], _farm[2]);
        await _farm.CheckAsync();
    }
}
