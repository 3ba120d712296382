using Vni.Actors;
using Vni.Actors.Applications;
using Vni.Actors.Interposition;
using Vni.Actors.Messages;
using Vni.Unit.Tests.Fakes;
using Xunit;

namespace Vni.Unit.Tests.Applications;

/// <summary>Programs that join a running application: in state, snapshot and instance, or in none of them.</summary>
public sealed class JoinTests : ApplicationTestBase
{
    private Task<JoinView> Join(string? name = null, string command = "worker") =>
        Node.Service.JoinAsync(Shop, new JoinRequest { Name = name, Command = [command] }, default).WaitAsync(TestNode.Limit);

    private async Task<IEnumerable<string>> JoinedAsync() => (await Node.Service.GetAsync(Shop, default)).Joined.Select(process => process.Name);

    [Fact]
    public async Task A_program_that_joins_is_in_the_state_and_an_event_says_so()
    {
        await Run();
        var joined = await Join();
        Assert.Equal(("worker", 41, "running"), (joined.Process, joined.Pid, joined.Application.Status));
        Assert.Equal(["worker"], joined.Application.Joined.Select(process => process.Name));
        await CheckAsync("running");
        Assert.Equal(EventKinds.Joined, await LastEventAsync());
    }

    [Fact]
    public async Task Whatever_was_written_down_of_a_chain_has_ended_when_it_is_stopped_and_does_not_count_while_it_is_dormant()
    {
        await Run();
        await Join();
        Assert.Equal("running", Assert.Single((await Node.Service.GetAsync(Shop, default)).Chain).State);
        await Snapshot();
        Assert.Empty((await Node.Service.GetAsync(Shop, default)).Chain);
        await Restore();
        await Stop();
        var member = Assert.Single((await Node.Service.GetAsync(Shop, default)).Chain);
        Assert.Equal(("worker", ChainMember.Ended, null), (member.Name, member.State, member.Pid));
    }

    [Fact]
    public async Task Names_are_made_from_commands_and_counted_on()
    {
        await Run();
        string[] names = [(await Join(command: "/usr/bin/My Tool")).Process, (await Join(command: "my-tool")).Process, (await Join(command: "main")).Process, (await Join(command: "???")).Process];
        Assert.Equal(["my-tool", "my-tool-2", "main-2", "joined"], names);
    }

    [Fact]
    public async Task A_name_that_is_declared_or_runs_is_refused_and_one_that_has_ended_is_free()
    {
        await Run();
        await RefusedAsync(ErrorCodes.NameInUse, () => Join("main"), "'main'");
        await Join("worker");
        await RefusedAsync(ErrorCodes.NameInUse, () => Join("worker"), "'worker'");
        Node.Kernel[Shop].Ended.Add("worker");
        await Join("worker");
        Assert.Equal(["worker"], await JoinedAsync());
    }

    [Fact]
    public async Task At_most_64_join_and_one_that_has_ended_makes_room()
    {
        await Run();
        for (var i = 0; i < JoinPlan.MaxJoined; i++) await Join();
        await RefusedAsync(ErrorCodes.Conflict, () => Join(), "64 programs");
        Node.Kernel[Shop].Ended.Add("worker-7");
        Assert.Equal("worker-7", (await Join()).Process); // The name is free, too.
        Node.Kernel[Shop].Ended.Add("worker-9");
        await Join("other");
        Assert.DoesNotContain("worker-9", await JoinedAsync());
    }

    [Fact]
    public async Task Everything_wrong_with_it_is_said_at_once_and_nothing_is_asked_of_the_node()
    {
        await Run();
        var bad = new JoinRequest { Name = "x y", User = "a:b:c", Workdir = "here", StopSignal = "NONE", GraceSeconds = -1, Restart = new RestartPolicy { Policy = "often" } };
        await RefusedAsync(ErrorCodes.InvalidArgument, () => Node.Service.JoinAsync(Shop, bad, default), "'x y'", "command", "a:b:c", "here", "NONE", "grace", "often");
        Assert.DoesNotContain("join:ask", Node.Faults.Snapshot());
    }

    [Fact]
    public async Task One_that_cannot_be_started_leaves_no_trace()
    {
        await Run();
        await Join("first");
        await RefusedAsync(ErrorCodes.CommandNotFound, () => Join(command: "missing"), "'missing'");
        Assert.Equal(["first"], await JoinedAsync());
        await CheckAsync("running");
        Assert.Equal("failed", await LastEventAsync());
    }

    [Fact]
    public async Task Only_a_running_application_is_joined()
    {
        await Run();
        await Snapshot();
        await RefusedAsync(ErrorCodes.WrongState, () => Join(), "dormant", "restore it first");
        await Stop();
        await RefusedAsync(ErrorCodes.WrongState, () => Join(), "stopped", "start it first");
    }

    [Fact]
    public async Task Nothing_joins_while_a_snapshot_is_taken()
    {
        await Run();
        Node.Faults.At("capture:dump", () => RefusedAsync(ErrorCodes.Busy, () => Join(), "a snapshot is being taken"));
        await Snapshot(leaveRunning: true);
        Assert.Empty(await JoinedAsync());
    }

    [Fact]
    public async Task A_restore_brings_back_those_that_had_joined_when_the_snapshot_was_taken_and_a_start_none()
    {
        await Run();
        var before = (await Snapshot(leaveRunning: true)).Snapshot;
        await Join("worker");
        await Snapshot();
        await Restore();
        await CheckAsync("running");
        Assert.Equal(["worker"], await JoinedAsync());
        await Stop();
        Assert.Empty(await JoinedAsync());
        await Restore(before);
        Assert.Empty(await JoinedAsync());
        await Stop();
        await Restore();
        Assert.Equal(["worker"], await JoinedAsync());
        await Stop();
        await Start();
        Assert.Empty(await JoinedAsync());
    }
}
