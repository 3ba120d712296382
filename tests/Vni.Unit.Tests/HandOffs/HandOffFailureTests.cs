using Vni.Actors;
using Vni.Actors.Applications;
using Vni.Actors.Identity;
using Vni.Actors.Messages;
using Vni.Actors.Registry;
using Vni.Unit.Tests.Fakes;
using Xunit;

namespace Vni.Unit.Tests.HandOffs;

/// <summary>Everything else that can go wrong with a migration: wires, work, registry. It runs on one of both all the same.</summary>
public sealed class HandOffFailureTests : IAsyncLifetime
{
    private static readonly Aid Shop = Aid.Parse("shop");

    private TestFarm _farm = null!;

    public async Task InitializeAsync()
    {
        _farm = await TestFarm.StartedAsync();
        await _farm[1].RunAsync();
    }

    public async Task DisposeAsync() => await _farm.DisposeAsync();

    public enum Wire
    {
        Cut,
        QuestionLost,
        AnswerLost,
    }

    public static TheoryData<string, Wire> Wires()
    {
        var data = new TheoryData<string, Wire>();
        foreach (var kind in new[] { "handoff.prepare", "handoff.layer", "handoff.hold", "handoff.state", "handoff.resume", "handoff.abandon" })
        {
            foreach (var wire in Enum.GetValues<Wire>()) data.Add(kind, wire);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Wires))]
    public async Task A_target_that_is_not_heard_of_at_any_question(string kind, Wire wire)
    {
        if (kind == "handoff.abandon") _farm[2].Faults.FailOnceAt("hold", () => new VniException(ErrorCodes.Internal, "no"));
        if (wire == Wire.QuestionLost) _farm.Peers.LostQuestions[kind] = true;
        else if (wire == Wire.AnswerLost) _farm.Peers.LostAnswers[kind] = true;
        else
        {
            foreach (var step in new[] { $"ask:{kind}", $"send:{kind}" })
            {
                _farm[1].Faults.At(step, () =>
                {
                    _farm.Peers.Cut("n1", "n2");
                    return Task.CompletedTask;
                });
            }
        }

        var migration = _farm.MigrateAsync(_farm[1], _farm[2]);
        await _farm.EndedAsync(migration);
        var moves = (kind, wire) == ("handoff.resume", Wire.AnswerLost);
        Assert.Equal(moves, migration.IsCompletedSuccessfully);
        foreach (var step in new[] { $"ask:{kind}", $"send:{kind}" }) _farm[1].Faults.At(step, () => Task.CompletedTask);
        _farm.Peers.Mend("n1", "n2");
        _farm.Peers.LostAnswers.Clear();
        _farm.Peers.LostQuestions.Clear();
        await _farm.CheckAsync();
        await ItIsOnAsync(moves ? "n2" : "n1");
        if (!moves) await AgainAsync();
    }

    [Theory]
    [InlineData(1, "describe")]
    [InlineData(1, "send-layer")]
    [InlineData(1, "handoff:freeze")]
    [InlineData(1, "handoff:frozen")]
    [InlineData(1, "send-state")]
    [InlineData(1, "handoff:dumped")]
    [InlineData(2, "check-arrival")]
    [InlineData(2, "prepare")]
    [InlineData(2, "prepare:done")]
    [InlineData(2, "receive-layer")]
    [InlineData(2, "hold")]
    [InlineData(2, "handoff:held")]
    [InlineData(2, "handoff:received")]
    [InlineData(2, "handoff:rebuild")]
    [InlineData(2, "handoff:restored")]
    [InlineData(2, "handoff:plug")]
    [InlineData(2, "handoff:resume")]
    public async Task Work_that_fails_leaves_it_where_it_was(int node, string step)
    {
        var pid = _farm[1].Kernel[Shop].InitPid;
        _farm[node].Faults.FailOnceAt(step, () => new VniException(ErrorCodes.Internal, "it went wrong"));
        var migration = _farm.MigrateAsync(_farm[1], _farm[2]);
        await _farm.EndedAsync(migration);
        Assert.Contains("it went wrong", (await Assert.ThrowsAsync<VniException>(() => migration)).Message);
        await _farm.CheckAsync();
        await ItIsOnAsync("n1");
        Assert.Equal(pid, _farm[1].Kernel[Shop].InitPid);
        await AgainAsync();
    }

    [Theory]
    [InlineData(2)]
    [InlineData(6)]
    public async Task A_release_that_fails_is_made_good_by_the_next_start(int tries)
    {
        var left = tries;
        _farm[1].Faults.At("release-moved:files", () => left-- > 0 ? throw new VniException(ErrorCodes.Internal, "busy") : Task.CompletedTask);
        await _farm.MigrateAsync(_farm[1], _farm[2]);
        await _farm[1].RestartDaemonAsync();
        await _farm.CheckAsync();
        await ItIsOnAsync("n2");
    }

    [Fact]
    public async Task A_thaw_that_fails_is_tried_again()
    {
        _farm[2].Faults.FailOnceAt("hold", () => new VniException(ErrorCodes.Internal, "no"));
        _farm[1].Faults.FailOnceAt("thaw:plug", () => new VniException(ErrorCodes.Internal, "busy"));
        await _farm.EndedAsync(_farm.MigrateAsync(_farm[1], _farm[2]));
        await _farm.CheckAsync();
        await ItIsOnAsync("n1");
    }

    [Fact]
    public async Task Frames_that_the_target_held_come_back()
    {
        _farm[2].Interposer.Frames = [new byte[] { 1, 2, 3 }];
        _farm[2].Faults.FailOnceAt("handoff:received", () => new VniException(ErrorCodes.Internal, "no"));
        await _farm.EndedAsync(_farm.MigrateAsync(_farm[1], _farm[2]));
        await _farm.CheckAsync();
        Assert.Equal([1, 2, 3], Assert.Single(_farm[1].Interposer.Delivered).ToArray());
    }

    [Theory]
    [InlineData(1, "write")]
    [InlineData(1, "written")]
    [InlineData(2, "write")]
    [InlineData(2, "written")]
    public async Task A_registry_that_is_away_at_any_write(int node, string step)
    {
        var failed = true;
        for (var number = 1; failed; number++)
        {
            var (to, count) = ((await _farm.StateAsync())!.Node == "n1" ? 2 : 1, 0);
            failed = false;
            _farm[node].Faults.At(step, () =>
            {
                if (++count != number) return Task.CompletedTask;
                failed = true;
                throw new RegistryUnavailableException("away");
            });
            await _farm.EndedAsync(_farm.MigrateAsync(_farm[3 - to], _farm[to]));
            _farm[node].Faults.At(step, () => Task.CompletedTask);
            await _farm.CheckAsync();
            Assert.Equal(ApplicationStatus.Running, (await _farm.StateAsync())!.Status);
        }
    }

    [Fact]
    public async Task One_that_takes_longer_than_allowed_stays()
    {
        var (reached, release) = _farm[1].Faults.HoldAt("send-layer");
        var migration = _farm[1].Service.MigrateAsync(Shop, new MigrateRequest("n2", 2), default);
        await reached.WaitAsync(TestNode.Limit);
        await _farm.PassAsync(TimeSpan.FromSeconds(3));
        release.SetResult();
        await _farm.EndedAsync(migration);
        Assert.Equal(ErrorCodes.DaemonUnavailable, (await Assert.ThrowsAsync<VniException>(() => migration)).Code);
        await _farm.CheckAsync();
        await ItIsOnAsync("n1");
    }

    private async Task ItIsOnAsync(string node)
    {
        var state = (await _farm.StateAsync())!;
        Assert.Equal((node, ApplicationStatus.Running), (state.Node, state.Status));
    }

    private async Task AgainAsync()
    {
        await _farm.MigrateAgainAsync(_farm[1], _farm[2]);
        await _farm.CheckAsync();
        await ItIsOnAsync("n2");
    }
}
