using Vni.Actors;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Unit.Tests.Fakes;
using Xunit;

namespace Vni.Unit.Tests.Applications;

/// <summary>Processes that end by themselves.</summary>
public sealed class EndTests : ApplicationTestBase
{
    [Fact]
    public async Task An_application_that_ends_by_itself_is_stopped_with_its_exits()
    {
        await Run();
        Node.Interposer.End(Shop);
        await TestNode.UntilAsync(async () => await StatusAsync() == "stopped", "the end to be recorded");
        await CheckAsync("stopped");
        var state = await Node.StateAsync();
        Assert.Equal(FakeInterposer.Exits, state!.Exits);
        Assert.Contains("main with status 3", state.Reason);
        Assert.Equal("exited", await LastEventAsync());
    }

    [Fact]
    public async Task An_end_of_a_former_activation_is_ignored()
    {
        var former = (await Run()).Processes[0].HostPid - 1;
        await Snapshot();
        await Restore();
        Node.Interposer.Report(new InstanceEnded(Shop, former, []));
        Node.Interposer.Report(new InstanceEnded(Aid.Parse("nobody"), 1, []));
        await Snapshot(leaveRunning: true); // By now the report has been looked at.
        await CheckAsync("running");
    }

    [Fact]
    public async Task An_end_during_a_snapshot_that_therefore_fails_is_not_forgotten()
    {
        await Run();
        Node.Faults.At("capture:freeze", () =>
        {
            if (Node.Kernel[Shop].Alive) Node.Interposer.End(Shop);
            return Task.CompletedTask;
        });
        await RefusedAsync(ErrorCodes.DumpFailed, () => Snapshot());
        await TestNode.UntilAsync(async () => await StatusAsync() == "stopped", "the end to be recorded");
        await CheckAsync("stopped");
    }

    [Fact]
    public async Task An_end_before_the_start_is_recorded_is_not_forgotten()
    {
        Node.Faults.At("start:done", () =>
        {
            Node.Interposer.End(Shop);
            return Task.CompletedTask;
        });
        await Run();
        await TestNode.UntilAsync(async () => await StatusAsync() == "stopped", "the end to be recorded");
        await CheckAsync("stopped");
    }
}
