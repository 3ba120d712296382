using System.Text;
using Vni.Actors;
using Vni.Actors.Applications;
using Vni.Actors.Identity;
using Vni.Actors.Messages;
using Vni.Unit.Tests.Fakes;
using Xunit;

namespace Vni.Unit.Tests.Farms;

/// <summary>What becomes of the applications of nodes that go.</summary>
public sealed class SchedulerTests : IAsyncLifetime
{
    private static readonly Aid Shop = Aid.Parse("shop");

    private TestFarm _farm = null!;

    public async Task InitializeAsync() => _farm = await TestFarm.StartedAsync(4);

    public async Task DisposeAsync() => await _farm.DisposeAsync();

    private async Task StatusAsync(ApplicationStatus status, string node)
    {
        await _farm.CheckAsync(status);
        Assert.Equal(node, (await _farm.StateAsync())!.Node);
    }

    private async Task<string> LeaderAsync() => (await _farm[1].RangeAsync(_farm.Keys.SchedulerLeader)) is [var leader] ? Encoding.UTF8.GetString(leader.Value.Span) : "";

    [Fact]
    public async Task It_is_restored_where_a_copy_of_its_newest_snapshot_is()
    {
        await Checkpoints.RunAsync(_farm[1]);
        var holder = await Checkpoints.TakeAsync(_farm, _farm[1]);
        await _farm.PowerOffAsync(_farm[1]);
        await StatusAsync(ApplicationStatus.Running, holder.Settings.Node);
        Assert.Equal(2, (await _farm.StateAsync())!.Epoch);
        Assert.Equal(["created", "started", "snapshotted", "recovered", "restored"], (await _farm[1].EventsAsync()).Select(e => e.Kind));

        await _farm.StartAgainAsync(_farm[1]);
        await StatusAsync(ApplicationStatus.Running, holder.Settings.Node);
        Assert.DoesNotContain(Shop, _farm[1].Kernel.Instances.Where(pair => pair.Value.Layer).Select(pair => pair.Key));
    }

    [Fact]
    public async Task Without_a_snapshot_it_is_lost_and_the_reason_said()
    {
        await _farm[1].RunAsync();
        await _farm.PowerOffAsync(_farm[1]);
        await StatusAsync(ApplicationStatus.Lost, "n1");
        Assert.Equal("node n1 is gone, and there is no snapshot of it", (await _farm.StateAsync())!.Reason);
        await _farm.StartAgainAsync(_farm[1]);
        await StatusAsync(ApplicationStatus.Lost, "n1");
        await _farm[2].Service.RemoveAsync(Shop, force: false, default).WaitAsync(TestNode.Limit);
        await _farm.CheckAsync();
    }

    [Fact]
    public async Task With_its_snapshot_on_its_own_node_alone_it_is_restored_when_that_is_back()
    {
        await _farm[1].RunAsync();
        await _farm[1].Service.SnapshotAsync(Shop, new SnapshotRequest(LeaveRunning: true, Sync: true), default);
        await _farm.PowerOffAsync(_farm[1]);
        await StatusAsync(ApplicationStatus.Lost, "n1");
        Assert.Contains("is on node n1 alone", (await _farm.StateAsync())!.Reason);
        await _farm.StartAgainAsync(_farm[1]);
        await StatusAsync(ApplicationStatus.Running, "n1");
        Assert.Equal("restored", (await _farm[1].EventsAsync())[^1].Kind);
    }

    [Fact]
    public async Task What_is_at_rest_stays_at_rest()
    {
        await _farm[1].RunAsync();
        await _farm[1].Service.SnapshotAsync(Shop, new SnapshotRequest(Sync: true), default);
        await _farm.PowerOffAsync(_farm[1]);
        await _farm.PassAsync(TimeSpan.FromSeconds(15));
        await StatusAsync(ApplicationStatus.Dormant, "n1");
        var e = await Assert.ThrowsAsync<VniException>(() => _farm[2].Service.StopAsync(Shop, default, default));
        Assert.Contains("n1", e.Message);
    }

    [Fact]
    public async Task Another_leads_when_the_leader_has_gone()
    {
        var leader = _farm.Nodes.Single(node => node.Settings.Node == LeaderAsync().Result);
        await _farm.PowerOffAsync(leader);
        await _farm.UntilAsync(async () => await LeaderAsync() is { Length: > 0 } now && now != leader.Settings.Node, "another leader");
        var others = _farm.Nodes.Where(node => node != leader).ToList();
        await Checkpoints.RunAsync(others[0]);
        var holder = await Checkpoints.TakeAsync(_farm, others[0]);
        await _farm.PowerOffAsync(others[0]);
        await StatusAsync(ApplicationStatus.Running, holder.Settings.Node);
    }

    [Fact]
    public async Task The_leaders_own_death_has_its_applications_restored_too()
    {
        var leader = _farm.Nodes.Single(node => node.Settings.Node == LeaderAsync().Result);
        await Checkpoints.RunAsync(leader);
        var holder = await Checkpoints.TakeAsync(_farm, leader);
        await _farm.PowerOffAsync(leader);
        await StatusAsync(ApplicationStatus.Running, holder.Settings.Node);
    }

    [Fact]
    public async Task What_was_given_back_to_a_source_that_has_gone_is_restored_by_a_third()
    {
        var shop = Enumerable.Range(0, 100).Select(number => $"app{number}").First(name => new[] { "n2", "n3", "n4" }.MinBy(node => Vni.Actors.HandOffs.FarmRecovery.Spread(name, node)) != "n2");
        await Checkpoints.RunAsync(_farm[1], shop);
        var holder = await Checkpoints.TakeAsync(_farm, _farm[1], shop);
        _farm[2].Faults.At("handoff:plug", async () =>
        {
            await _farm.PowerOffAsync(_farm[1]);
            throw new VniException(ErrorCodes.RestoreFailed, "criu said no");
        });
        var migration = _farm.MigrateAsync(_farm[1], _farm[2], shop);
        await _farm.EndedAsync(migration);
        await _farm.UntilAsync(async () => (await _farm.StateAsync(shop))!.Status == ApplicationStatus.Running, "it to be restored");
        await _farm.CheckAsync();
        Assert.Equal(holder.Settings.Node, (await _farm.StateAsync(shop))!.Node);
    }

    [Fact]
    public async Task Many_applications_of_a_node_are_all_restored()
    {
        for (var number = 0; number < 8; number++)
        {
            await Checkpoints.RunAsync(_farm[1], $"app{number}");
            await Checkpoints.TakeAsync(_farm, _farm[1], $"app{number}");
        }

        await _farm.PowerOffAsync(_farm[1]);
        await _farm.CheckAsync();
        for (var number = 0; number < 8; number++) Assert.Equal(ApplicationStatus.Running, (await _farm.StateAsync($"app{number}"))!.Status);
    }

    [Fact]
    public async Task Checkpoints_are_taken_in_turn_copied_and_pruned_everywhere()
    {
        await Checkpoints.RunAsync(_farm[1], everySeconds: 5);
        await _farm.UntilAsync(async () => (await _farm[1].EventsAsync()).Count(e => e.Kind == "snapshotted") >= 5, "checkpoints");
        await _farm[1].Service.StopAsync(Shop, default, default);
        await _farm.UntilAsync(
            async () => await _farm[1].SnapshotsAsync() is { Count: 3 } all && all.All(snapshot => snapshot is { Durable: true, Copies.Count: 1 }), "copies");
        await _farm.CheckAsync();
    }
}
