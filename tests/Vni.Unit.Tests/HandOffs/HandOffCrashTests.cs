using Vni.Actors;
using Vni.Actors.Applications;
using Vni.Actors.Identity;
using Vni.Actors.Messages;
using Vni.Unit.Tests.Fakes;
using Xunit;
using static Vni.Actors.Applications.ApplicationStatus;

namespace Vni.Unit.Tests.HandOffs;

/// <summary>Daemons die at every single step of a migration and come back, at once or when their lease is over: it runs once, on
/// one of both, with what it was, and nothing is left of the hand-off.</summary>
public sealed class HandOffCrashTests
{
    public enum Dies
    {
        Source,
        Target,
        SourceThenTarget,
        TargetThenSource,
    }

    public static TheoryData<Dies, bool> Cases => new()
    {
        { Dies.Source, false }, { Dies.Source, true }, { Dies.Target, false }, { Dies.Target, true },
        { Dies.SourceThenTarget, false }, { Dies.SourceThenTarget, true }, { Dies.TargetThenSource, false }, { Dies.TargetThenSource, true },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task It_runs_on_one_of_both_whoever_dies_at_whatever_step(Dies who, bool leaseIsOver)
    {
        for (var step = 1; await DiesAsync(who, leaseIsOver, step, n => n.RunAsync(), Running); step++) { }
    }

    [Theory]
    [InlineData(Dies.Source)]
    [InlineData(Dies.Target)]
    public async Task One_at_rest_is_on_one_of_both_whoever_dies_at_whatever_step(Dies who)
    {
        for (var step = 1; await DiesAsync(who, false, step, DormantAsync, Dormant); step++) { }
    }

    private static async Task DormantAsync(TestNode node)
    {
        await node.RunAsync();
        await node.Service.SnapshotAsync(Aid.Parse("shop"), new SnapshotRequest(Sync: true), default);
    }

    private static async Task<bool> DiesAsync(Dies who, bool leaseIsOver, int step, Func<TestNode, Task> prepare, ApplicationStatus rests)
    {
        await using var farm = await TestFarm.StartedAsync();
        await prepare(farm[1]);
        await farm.CheckAsync();
        var (first, second) = who is Dies.Source or Dies.SourceThenTarget ? (farm[1], farm[2]) : (farm[2], farm[1]);
        first.Faults.DieAt(step);
        var migration = farm.MigrateAsync(farm[1], farm[2]);
        while (!migration.IsCompleted && !first.Faults.Dead) await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System);
        var (died, last) = (first.Faults.Dead, first.Faults.Snapshot()[^1]);
        try
        {
            await farm.KillDaemonAsync(first);
            if (who is Dies.SourceThenTarget or Dies.TargetThenSource) await farm.KillDaemonAsync(second);
            if (leaseIsOver) await farm.PassAsync(TimeSpan.FromSeconds(14));
            await farm.StartAgainAsync(first);
            if (second.Faults.Dead) await farm.StartAgainAsync(second);
            await farm.EndedAsync(migration);
            if (rests == Dormant) await StartAnewAsync(farm); // Copies of snapshots that nobody knows of are found by a start.
            await farm.CheckAsync(rests);
            var (aid, source) = (Aid.Parse("shop"), farm[1].Kernel);
            // Who has spoken to the copy that is lost must not wait for the older one.
            if (rests == Running && (await farm.StateAsync())!.Node == "n1" && farm[2].Kernel.HaveRun.Contains(aid)) Assert.Contains(aid, source.Resets);
            if (!farm[2].Kernel.HaveRun.Contains(aid) && !leaseIsOver) Assert.DoesNotContain(aid, source.Resets);
            await UsableAsync(farm);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"died at step {step} (after {last}): {e.Message}", e);
        }

        return died;
    }

    private static async Task StartAnewAsync(TestFarm farm)
    {
        await farm[1].RestartDaemonAsync();
        await farm[2].RestartDaemonAsync();
    }

    /// <summary>Whatever came of it, it can be moved again: to the other, and to a third.</summary>
    private static async Task UsableAsync(TestFarm farm)
    {
        var other = (await farm.StateAsync())!.Node == "n1" ? farm[2] : farm[1];
        foreach (var node in new[] { other, farm[3] })
        {
            await farm.MigrateAgainAsync(farm[2], node);
            await farm.CheckAsync();
            Assert.Equal(node.Settings.Node, (await farm.StateAsync())!.Node);
        }
    }
}
