using Vni.Actors;
using Vni.Actors.Applications;
using Vni.Actors.Identity;
using Vni.Actors.Messages;
using Vni.Actors.Registry;
using Vni.Unit.Tests.Fakes;
using Xunit;
using static Vni.Actors.Applications.ApplicationStatus;

namespace Vni.Unit.Tests.Applications;

/// <summary>
/// The daemon dies at every single step of every operation, and at every single step of the recovery that follows; then
/// a daemon starts on the same registry and the same node, and registry and node agree, nothing leaked, and the
/// operation has either happened or not.
/// </summary>
public sealed class CrashTests
{
    private static readonly Aid Shop = Aid.Parse("shop");

    /// <summary>What is done, from where, and where it may end; <c>null</c>: the application is gone.</summary>
    private sealed record Scenario(Func<TestNode, Task> Prepare, Func<TestNode, Task> Act, params ApplicationStatus?[] Ends);

    private static readonly Dictionary<string, Scenario> Scenarios = new()
    {
        ["run"] = new(_ => Task.CompletedTask, n => n.RunAsync(), null, Running),
        ["run that fails"] = new(_ => Task.CompletedTask, RunFailing, null, Running),
        ["start"] = new(StoppedAsync, n => n.Service.StartAsync(Shop, default), Stopped, Running),
        ["join"] = new(RunningAsync, n => n.Service.JoinAsync(Shop, new JoinRequest { Command = ["worker"] }, default), Running),
        ["stop"] = new(RunningAsync, n => n.Service.StopAsync(Shop, default, default), Running, Stopped),
        ["stop a dormant one"] = new(DormantAsync, n => n.Service.StopAsync(Shop, default, default), Dormant, Stopped),
        ["snapshot"] = new(DormantThenRunningAsync, n => n.Service.SnapshotAsync(Shop, new SnapshotRequest(), default), Running, Dormant),
        ["snapshot, leaving it running"] = new(DormantThenRunningAsync, n => n.Service.SnapshotAsync(Shop, new SnapshotRequest(LeaveRunning: true), default), Running),
        ["snapshot that cannot be committed"] = new(RunningAsync, SnapshotFailing, Running, Dormant),
        ["restore"] = new(DormantAsync, n => n.Service.RestoreAsync(Shop, new RestoreRequest(), default), Dormant, Running),
        ["restore of a stopped one"] = new(DormantThenStoppedAsync, n => n.Service.RestoreAsync(Shop, new RestoreRequest(), default), Stopped, Running),
        ["remove"] = new(DormantAsync, n => n.Service.RemoveAsync(Shop, force: false, default), Dormant, null),
        ["remove a running one"] = new(DormantThenRunningAsync, n => n.Service.RemoveAsync(Shop, force: true, default), Running, null),
        ["its end"] = new(RunningAsync, EndAsync, Running, Stopped),
    };

    public static TheoryData<string> Names => [.. Scenarios.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task A_daemon_that_died_at_any_step_leaves_what_the_next_one_puts_right(string name)
    {
        var scenario = Scenarios[name];
        for (var step = 1; await DiesAsync(scenario, step, null); step++)
        {
            for (var again = 1; await DiesAsync(scenario, step, again); again++) { }
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task A_recovery_that_fails_at_any_step_is_made_good_by_the_next_daemon(string name)
    {
        var scenario = Scenarios[name];
        for (var step = 1; await DiesAsync(scenario, step, null); step++)
        {
            for (var failure = 1; await DiesAsync(scenario, step, failure, dies: false); failure++) { }
        }
    }

    /// <summary>Whether the daemon got as far as the step at which it was to die: the one of the recovery, if that is given.</summary>
    private static async Task<bool> DiesAsync(Scenario scenario, int step, int? again, bool dies = true)
    {
        await using var node = await TestNode.StartedAsync();
        node.Settings = node.Settings with { KeepSnapshots = 1 };
        await node.RestartDaemonAsync();
        await scenario.Prepare(node);
        await node.UntilSettledAsync();
        await node.CheckInvariantsAsync();

        node.Faults.DieAt(step);
        await IgnoreAsync(scenario.Act(node));
        if (!node.Faults.Dead) await node.UntilSettledAsync();
        var died = node.Faults.Dead;
        var last = node.Faults.Snapshot()[^1];
        await node.KillDaemonAsync();

        if (again is { } later)
        {
            node.CreateDaemon();
            if (dies) node.Faults.DieAt(later);
            else node.Faults.FailAt(later, () => new VniException(ErrorCodes.Internal, "this time it failed"));
            // Recovery of one application does not fail the start, so the death is looked for.
            await IgnoreAsync(node.Service.StartAsync(default));
            if (!node.Faults.Dead && dies) await node.UntilSettledAsync();
            died = dies ? node.Faults.Dead : node.Faults.Failed;
            await node.KillDaemonAsync();
        }

        await node.StartDaemonAsync();
        await node.UntilSettledAsync();
        try
        {
            await node.CheckInvariantsAsync();
            var end = (await node.StateAsync())?.Status;
            // What could not be adopted was stopped.
            Assert.True(scenario.Ends.Contains(end) || (!dies && end == Stopped), $"it is {end?.ToString() ?? "gone"}");
            await AssertUsableAsync(node);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"died at step {step} (after {last}), again at {again?.ToString() ?? "none"}: {e.Message}", e);
        }

        return died;
    }

    /// <summary>The name and the application are of use: whatever is left can be removed, and run anew.</summary>
    private static async Task AssertUsableAsync(TestNode node)
    {
        if (await node.StateAsync() is not null) await node.Service.RemoveAsync(Shop, force: true, default).WaitAsync(TestNode.Limit);
        await node.RunAsync();
        await node.CheckInvariantsAsync();
    }

    private static async Task IgnoreAsync(Task task)
    {
        try
        {
            await task.WaitAsync(TestNode.Limit);
        }
        catch (Exception e) when (e is not TimeoutException)
        {
            // Its daemon died: nobody is told anything.
        }
    }

    private static Task RunningAsync(TestNode node) => node.RunAsync();

    private static async Task DormantAsync(TestNode node)
    {
        await node.RunAsync();
        await node.Service.SnapshotAsync(Shop, new SnapshotRequest(), default);
    }

    private static async Task DormantThenRunningAsync(TestNode node)
    {
        await DormantAsync(node);
        await node.Service.RestoreAsync(Shop, new RestoreRequest(), default);
    }

    private static async Task StoppedAsync(TestNode node)
    {
        await node.RunAsync();
        await node.Service.StopAsync(Shop, default, default);
    }

    private static async Task DormantThenStoppedAsync(TestNode node)
    {
        await DormantAsync(node);
        await node.Service.StopAsync(Shop, default, default);
    }

    private static Task RunFailing(TestNode node)
    {
        node.Faults.FailAt("start:processes", () => new VniException(ErrorCodes.CommandNotFound, "no such command"));
        return node.RunAsync();
    }

    private static Task SnapshotFailing(TestNode node)
    {
        // The second write of the operation is its commit.
        node.Faults.At("capture:done", () =>
        {
            node.Faults.FailOnceAt("write", () => new RegistryUnavailableException("disk full"));
            return Task.CompletedTask;
        });
        return node.Service.SnapshotAsync(Shop, new SnapshotRequest(), default);
    }

    private static async Task EndAsync(TestNode node)
    {
        node.Interposer.End(Shop);
        await TestNode.UntilAsync(async () => node.Faults.Dead || (await node.StateAsync())?.Status == Stopped, "the end to be recorded");
    }
}
