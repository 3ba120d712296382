using Vni.Actors;
using Vni.Actors.Messages;
using Vni.Actors.Registry;
using Vni.Unit.Tests.Fakes;
using Xunit;

namespace Vni.Unit.Tests.Applications;

/// <summary>Restores: committed before anything runs, or undone.</summary>
public sealed class RestoreTests : ApplicationTestBase
{
    [Fact]
    public async Task The_commit_of_a_restore_comes_before_anything_runs()
    {
        await Run();
        await Snapshot();
        await Node.UntilSettledAsync();
        var before = Node.Faults.Snapshot().Count;
        await Restore();
        Assert.Equal(
            ["write", "written", "restore:check", "restore:rebuild", "restore:built", "write", "written", "restore:plug", "restore:resume", "restore:done", "write", "written"],
            Node.Faults.Snapshot().Skip(before));
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
        Node.Faults.FailOnceAt(step, () => new VniException(ErrorCodes.RestoreFailed, "criu said no"));
        await RefusedAsync(ErrorCodes.RestoreFailed, () => Restore(), "criu said no");
        await CheckAsync("dormant");
        Assert.Equal("failed", await LastEventAsync());

        await Stop();
        Node.Faults.FailOnceAt(step, () => new VniException(ErrorCodes.RestoreFailed, "criu said no"));
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
        await Node.UntilSettledAsync();
        Node.Faults.At("restore:built", () =>
        {
            Node.Faults.FailOnceAt("write", () => new RegistryUnavailableException("disk full"));
            return Task.CompletedTask;
        });
        await RefusedAsync(ErrorCodes.RegistryUnavailable, () => Restore(), "disk full");
        await CheckAsync("dormant");
    }

    [Fact]
    public async Task A_damaged_snapshot_is_refused_and_it_stays_dormant()
    {
        await Run();
        var id = (await Snapshot()).Snapshot;
        Node.Kernel.Snapshots[id].Damaged = true;
        await RefusedAsync(ErrorCodes.SnapshotDamaged, () => Restore(), "truncated");
        await CheckAsync("dormant");
    }

    [Fact]
    public async Task A_restore_whose_asker_goes_away_before_the_commit_is_given_up()
    {
        await Run();
        await Snapshot();
        await Node.UntilSettledAsync();
        var (reached, release) = Node.Faults.HoldAt("restore:rebuild");
        using var asker = new CancellationTokenSource();
        var restore = Node.Service.RestoreAsync(Shop, new RestoreRequest(), asker.Token);
        await reached.WaitAsync(TestNode.Limit);
        await asker.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => restore);
        release.SetResult();
        await TestNode.UntilAsync(async () => await StatusAsync() == "dormant", "the restore to be undone");
        await CheckAsync("dormant");
    }

    [Fact]
    public async Task Frozen_processes_that_could_not_be_ended_are_ended_before_the_restore()
    {
        await Run();
        Node.Faults.FailOnceAt("release", () => new VniException(ErrorCodes.Internal, "no"));
        await Snapshot();
        Assert.True(Node.Kernel[Shop].Alive);
        await Restore();
        await CheckAsync("running");
    }
}
