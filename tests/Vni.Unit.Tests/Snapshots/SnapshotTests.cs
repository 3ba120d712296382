using Vni.Actors;
using Vni.Actors.Applications;
using Vni.Actors.Identity;
using Vni.Actors.Messages;
using Vni.Actors.Snapshots;
using Vni.Unit.Tests.Fakes;
using Xunit;

namespace Vni.Unit.Tests.Snapshots;

/// <summary>Names, durability and retention of snapshots.</summary>
public sealed class SnapshotTests
{
    private static readonly Aid Shop = Aid.Parse("shop");

    private static SnapshotRecord Record(string id, bool durable) => new(id, Shop, "n1", default, 1, "", durable);

    [Fact]
    public void Ids_grow_with_time_and_even_when_the_clock_goes_back()
    {
        var now = DateTimeOffset.UnixEpoch.AddYears(60);
        var first = SnapshotIds.Next(Shop, now, null);
        Assert.Matches("^shop\\.[0-9a-hjkmnp-tv-z]{12}$", first);
        var second = SnapshotIds.Next(Shop, now.AddTicks(1), first);
        var third = SnapshotIds.Next(Shop, now.AddDays(-1), second);
        Assert.Equal([first, second, third], new[] { third, first, second }.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_newest_are_kept_and_nothing_goes_before_the_newest_is_durable()
    {
        SnapshotRecord[] durable = [Record("shop.1", true), Record("shop.3", true), Record("shop.2", false)];
        Assert.Equal(["shop.1", "shop.2"], SnapshotRetention.Expired(durable, 1).Select(s => s.Id));
        Assert.Equal(["shop.1"], SnapshotRetention.Expired(durable, 2).Select(s => s.Id));
        Assert.Empty(SnapshotRetention.Expired(durable, 3));
        Assert.Empty(SnapshotRetention.Expired([.. durable, Record("shop.4", false)], 1));
        Assert.Empty(SnapshotRetention.Expired([], 1));
        Assert.Equal(2, SnapshotRetention.Expired(durable, 0).Count); // The newest stays whatever is asked.
    }

    [Fact]
    public void The_newest_that_outlives_its_node_stays_until_a_newer_one_does()
    {
        var (copied, older) = (Record("shop.2", true) with { Copies = ["n2"] }, Record("shop.1", true) with { Shared = true });
        SnapshotRecord[] all = [older, copied, Record("shop.3", true), Record("shop.4", true)];
        Assert.Equal(["shop.1", "shop.3"], SnapshotRetention.Expired(all, 1, outliving: true).Select(s => s.Id));
        Assert.Equal(["shop.1", "shop.2", "shop.3"], SnapshotRetention.Expired(all, 1).Select(s => s.Id));
        Assert.Equal(["shop.1", "shop.2", "shop.3"], SnapshotRetention.Expired([.. all[..3], all[3] with { Copies = ["n3"] }], 1, outliving: true).Select(s => s.Id));
    }

    [Fact]
    public async Task Old_snapshots_go_when_the_new_one_is_on_disk_and_not_before()
    {
        await using var node = await TestNode.StartedAsync();
        await node.RunAsync();
        var ids = new List<string>();
        for (var i = 0; i < 3; i++) ids.Add((await node.Service.SnapshotAsync(Shop, new SnapshotRequest(LeaveRunning: true, Sync: true), default)).Snapshot);
        await node.UntilSettledAsync();

        var (reached, release) = node.Faults.HoldAt("sync");
        var fourth = await node.Service.SnapshotAsync(Shop, new SnapshotRequest(LeaveRunning: true), default);
        Assert.False(fourth.Durable);
        await reached.WaitAsync(TestNode.Limit);
        Assert.Equal(4, (await node.SnapshotsAsync()).Count);
        Assert.Equal(4, node.Kernel.Snapshots.Count);

        release.SetResult();
        await node.UntilSettledAsync();
        Assert.Equal([ids[1], ids[2], fourth.Snapshot], (await node.Service.ListSnapshotsAsync(Shop, default)).Select(s => s.Snapshot));
        await node.CheckInvariantsAsync();
    }

    [Fact]
    public async Task The_record_of_an_old_snapshot_goes_before_its_files()
    {
        await using var node = await TestNode.StartedAsync();
        node.Settings = node.Settings with { KeepSnapshots = 1 };
        await node.RestartDaemonAsync();
        await node.RunAsync();
        await node.Service.SnapshotAsync(Shop, new SnapshotRequest(LeaveRunning: true, Sync: true), default);
        var (reached, release) = node.Faults.HoldAt("delete");
        await node.Service.SnapshotAsync(Shop, new SnapshotRequest(LeaveRunning: true, Sync: true), default);
        await reached.WaitAsync(TestNode.Limit);
        Assert.Single(await node.SnapshotsAsync());
        Assert.Equal(2, node.Kernel.Snapshots.Count);
        release.SetResult();
        await node.UntilSettledAsync();
        await node.CheckInvariantsAsync();
    }

    [Fact]
    public async Task A_synchronous_snapshot_is_answered_when_it_is_on_disk_and_the_application_is_not_held_up()
    {
        await using var node = await TestNode.StartedAsync();
        await node.RunAsync();
        var (reached, release) = node.Faults.HoldAt("sync");
        var snapshot = node.Service.SnapshotAsync(Shop, new SnapshotRequest(Sync: true), default);
        await reached.WaitAsync(TestNode.Limit);
        await TestNode.UntilAsync(async () => (await node.StateAsync())!.Status == ApplicationStatus.Dormant, "the commit");
        RestoreView? restored = null;
        await TestNode.UntilAsync(async () => (restored = await TryRestoreAsync(node)) is not null, "the restore");
        Assert.False(snapshot.IsCompleted);
        release.SetResult();
        Assert.True((await snapshot.WaitAsync(TestNode.Limit)).Durable);
        await node.CheckInvariantsAsync();
    }

    [Fact]
    public async Task A_snapshot_that_cannot_be_brought_to_disk_says_so_to_who_asked_for_that()
    {
        await using var node = await TestNode.StartedAsync();
        await node.RunAsync();
        node.Faults.FailAt("sync", () => new VniException(ErrorCodes.NoSpace, "the disk is full"));
        var e = await Assert.ThrowsAsync<VniException>(() => node.Service.SnapshotAsync(Shop, new SnapshotRequest(Sync: true), default).WaitAsync(TestNode.Limit));
        Assert.Equal(ErrorCodes.NoSpace, e.Code);
        Assert.Equal(ApplicationStatus.Dormant, (await node.StateAsync())!.Status);
        Assert.False(Assert.Single(await node.SnapshotsAsync()).Durable);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_snapshot_that_the_power_failure_damaged_is_given_up_for_the_one_before(bool hasFormer)
    {
        await using var node = await TestNode.StartedAsync();
        await node.RunAsync();
        string? former = null;
        if (hasFormer) former = (await node.Service.SnapshotAsync(Shop, new SnapshotRequest(LeaveRunning: true, Sync: true), default)).Snapshot;
        node.Faults.FailAt("sync", () => new VniException(ErrorCodes.NoSpace, "the disk is full"));
        var damaged = (await node.Service.SnapshotAsync(Shop, new SnapshotRequest(), default)).Snapshot;
        node.Kernel.Snapshots[damaged].Damaged = true;

        await node.RestartDaemonAsync();
        await node.UntilSettledAsync();
        await TestNode.UntilAsync(async () => (await node.StateAsync())!.Snapshot == former && !node.Kernel.Snapshots.ContainsKey(damaged), "the snapshot to be given up");
        await node.CheckInvariantsAsync();
        Assert.Equal(hasFormer ? ApplicationStatus.Dormant : ApplicationStatus.Stopped, (await node.StateAsync())!.Status);
        Assert.Contains(damaged, (await node.EventsAsync())[^1].Message);
    }

    [Fact]
    public async Task A_sound_snapshot_of_a_former_daemon_becomes_durable()
    {
        await using var node = await TestNode.StartedAsync();
        await node.RunAsync();
        node.Faults.HoldAt("sync");
        node.Faults.FailAt("sync", () => new VniException(ErrorCodes.NoSpace, "the disk is full"));
        await node.Service.SnapshotAsync(Shop, new SnapshotRequest(), default);
        await node.RestartDaemonAsync();
        await node.UntilSettledAsync();
        Assert.True(Assert.Single(await node.SnapshotsAsync()).Durable);
        Assert.Contains("verify", node.Faults.Snapshot());
        await node.CheckInvariantsAsync();
    }

    private static async Task<RestoreView?> TryRestoreAsync(TestNode node)
    {
        try
        {
            return await node.Service.RestoreAsync(Shop, new RestoreRequest(), default).WaitAsync(TestNode.Limit);
        }
        catch (VniException e) when (e.Code == ErrorCodes.Busy)
        {
            return null; // The frozen processes are still being ended.
        }
    }
}
