using Vni.Actors;
using Vni.Actors.Interposition;
using Xunit;

namespace Vni.Linux.Tests.Transfers;

/// <summary>Hand-offs that do not come about: the application goes on at the source, and nothing is left at the target.</summary>
public sealed class RefusedMoveTests
{
    private const string HandOff = "handoff-1";

    [Fact]
    public async Task A_hand_off_is_given_up_at_every_step_and_then_succeeds()
    {
        await using var farm = new MovingFarm();
        var spec = MovingFarm.Redis();
        await farm.A.Daemon.StartAsync(spec, farm.Limit);
        using var client = new LineClient(await farm.ConnectAsync(spec, 6379));
        var expected = 1;
        Assert.Equal($":{expected++}", client.Ask("INCR n"));
        for (var step = 0; step < 6; step++)
        {
            var facts = await farm.A.Transfer.DescribeAsync(spec, farm.Limit);
            await farm.B.Transfer.PrepareAsync(spec, HandOff, facts, farm.Limit);
            if (step > 0) await MovingFarm.PipeAsync(s => farm.A.Transfer.SendLayerAsync(spec, HandOff, s, farm.Limit), s => farm.B.Transfer.ReceiveLayerAsync(spec.Aid, HandOff, s, farm.Limit));
            if (step > 1) await farm.A.Transfer.FreezeAsync(spec, Quiescing.Default, farm.Limit);
            if (step > 1) client.Send("INCR n");
            if (step > 2) await farm.B.Transfer.HoldAsync(spec, HandOff, farm.Limit);
            if (step > 2) client.Send("INCR n");
            if (step > 3)
            {
                var sent = await MovingFarm.PipeAsync(s => farm.A.Transfer.SendStateAsync(spec, HandOff, s, farm.Limit), s => farm.B.Transfer.ReceiveStateAsync(spec.Aid, HandOff, s, farm.Limit));
                if (step > 4)
                {
                    var refused = await Assert.ThrowsAsync<VniException>(() => farm.B.Transfer.ResumeAsync(
                        spec, HandOff, sent.ManifestSha256, _ => throw new VniException(ErrorCodes.Conflict, "somebody else was faster"), farm.Limit));
                    Assert.Equal(ErrorCodes.Conflict, refused.Code);
                }
            }

            var held = await farm.B.Transfer.AbandonAsync(spec.Aid, HandOff, farm.Limit);
            Assert.Empty(await farm.B.Transfer.AbandonAsync(spec.Aid, HandOff, farm.Limit));
            farm.B.AssertEmpty(spec);
            await farm.A.Transfer.ThawAsync(spec, HandOff, held, farm.Limit);
            if (step > 1) Assert.Equal($":{expected++}", client.Read());
            if (step > 2) Assert.Equal($":{expected++}", client.Read());
            Assert.Equal($":{expected++}", client.Ask("INCR n"));
        }

        await farm.MoveAsync(farm.A, farm.B, spec, "handoff-2");
        Assert.Equal($":{expected}", client.Ask("INCR n"));
    }

    [Fact]
    public async Task A_state_that_is_cut_altered_or_another_ones_is_refused_and_the_source_goes_on()
    {
        await using var farm = new MovingFarm();
        var spec = MovingFarm.Redis();
        await farm.A.Daemon.StartAsync(spec, farm.Limit);
        using var client = new LineClient(await farm.ConnectAsync(spec, 6379));
        Assert.Equal("+PONG", client.Ask("PING"));
        var facts = await farm.A.Transfer.DescribeAsync(spec, farm.Limit);
        await farm.B.Transfer.PrepareAsync(spec, HandOff, facts, farm.Limit);
        await MovingFarm.PipeAsync(s => farm.A.Transfer.SendLayerAsync(spec, HandOff, s, farm.Limit), s => farm.B.Transfer.ReceiveLayerAsync(spec.Aid, HandOff, s, farm.Limit));
        await farm.A.Transfer.FreezeAsync(spec, Quiescing.Default, farm.Limit);
        using var recorded = new MemoryStream();
        var sent = await farm.A.Transfer.SendStateAsync(spec, HandOff, recorded, farm.Limit);
        await farm.A.Transfer.ThawAsync(spec, HandOff, [], farm.Limit);
        Assert.Equal("+PONG", client.Ask("PING"));

        var whole = recorded.ToArray();
        byte[] altered = [.. whole];
        altered[whole.Length / 2] ^= 0x40;
        foreach (var bad in new[] { whole[..(whole.Length / 2)], whole[..^1], altered })
        {
            var refused = await Assert.ThrowsAsync<VniException>(() => farm.B.Transfer.ReceiveStateAsync(spec.Aid, HandOff, new MemoryStream(bad), farm.Limit));
            Assert.Equal(ErrorCodes.SnapshotDamaged, refused.Code);
            await Assert.ThrowsAsync<VniException>(() => farm.B.Transfer.ResumeAsync(spec, HandOff, sent.ManifestSha256, _ => Task.CompletedTask, farm.Limit));
            Assert.False(Directory.Exists(Path.Combine(farm.B.Paths(spec).Directory, "arriving")));
        }

        await farm.B.Transfer.AbandonAsync(spec.Aid, HandOff, farm.Limit);
        farm.B.AssertEmpty(spec);

        // What was recorded is of another hand-off: replayed, it is refused.
        await farm.B.Transfer.PrepareAsync(spec, "handoff-2", facts, farm.Limit);
        await Assert.ThrowsAsync<VniException>(() => farm.B.Transfer.ReceiveStateAsync(spec.Aid, "handoff-2", new MemoryStream(whole), farm.Limit));
        await farm.B.Transfer.AbandonAsync(spec.Aid, "handoff-2", farm.Limit);

        // And one that was announced to be smaller.
        await farm.B.Transfer.PrepareAsync(spec, HandOff, facts with { Layer = -400 << 20 }, farm.Limit);
        using var layer = new MemoryStream();
        await farm.A.Transfer.SendLayerAsync(spec, HandOff, layer, farm.Limit);
        layer.Position = 0;
        var large = await Assert.ThrowsAsync<VniException>(() => farm.B.Transfer.ReceiveLayerAsync(spec.Aid, HandOff, layer, farm.Limit));
        Assert.Contains("larger than was announced", large.Message);
        await farm.B.Transfer.AbandonAsync(spec.Aid, HandOff, farm.Limit);
        farm.B.AssertEmpty(spec);
        Assert.Equal("+PONG", client.Ask("PING"));
    }

    [Fact]
    public async Task A_target_says_what_it_lacks()
    {
        await using var farm = new MovingFarm();
        var spec = MovingFarm.Redis();
        await farm.A.Daemon.StartAsync(spec, farm.Limit);
        using var client = new LineClient(await farm.ConnectAsync(spec, 6379));
        Assert.Equal("+PONG", client.Ask("PING"));
        var facts = await farm.A.Transfer.DescribeAsync(spec, farm.Limit);
        Assert.Empty(facts.Blockers);
        var redis = Assert.Single(facts.Files, f => f.Path.EndsWith("redis-check-rdb", StringComparison.Ordinal) || f.Path.EndsWith("redis-server", StringComparison.Ordinal));
        Assert.NotNull(redis.BuildId);
        Assert.InRange(facts.Memory, 2 << 20, 200 << 20);

        async Task<IReadOnlyList<string>> CheckAsync(InstanceFacts changed) => await farm.B.Transfer.CheckAsync(spec, changed, farm.Limit);
        Assert.Empty(await CheckAsync(facts));
        Assert.Equal([$"file {redis.Path} differs: build id 00ff at the source, {redis.BuildId} here"], await CheckAsync(facts with { Files = [redis with { BuildId = "00ff" }] }));
        Assert.Equal(["file /usr/lib/none.so is missing here"], await CheckAsync(facts with { Files = [new NeededFile("/usr/lib/none.so", 1, null, "00")] }));
        Assert.Contains("memory", Assert.Single(await CheckAsync(facts with { Memory = 1L << 50 })));
        Assert.Contains("disk", Assert.Single(await CheckAsync(facts with { Layer = 1L << 60 })));
        Assert.Contains("lacks magic", Assert.Single(await CheckAsync(facts with { Platform = facts.Platform with { CpuFeatures = [.. facts.Platform.CpuFeatures, "magic"] } })));
        Assert.Single(await CheckAsync(facts with { Files = [new NeededFile("/etc/../etc/shadow\0", 1, null, "00")] }));
    }

    [Fact]
    public async Task What_a_dead_target_leaves_is_pieces_that_can_be_removed()
    {
        await using var farm = new MovingFarm();
        var spec = MovingFarm.Redis();
        await farm.A.Daemon.StartAsync(spec, farm.Limit);
        var facts = await farm.A.Transfer.DescribeAsync(spec, farm.Limit);
        await farm.B.Transfer.PrepareAsync(spec, HandOff, facts, farm.Limit);
        await MovingFarm.PipeAsync(s => farm.A.Transfer.SendLayerAsync(spec, HandOff, s, farm.Limit), s => farm.B.Transfer.ReceiveLayerAsync(spec.Aid, HandOff, s, farm.Limit));
        await farm.B.Transfer.HoldAsync(spec, HandOff, farm.Limit);

        // As a daemon that is killed leaves it: what is the process's is gone, directories are not.
        var layer = farm.B.Paths(spec).Directory;
        var kept = layer + ".kept";
        Directory.Move(layer, kept);
        await farm.B.ReplaceDaemonAsync();
        Directory.Move(kept, layer);

        var found = Assert.Single((await farm.B.Daemon.DiscoverAsync(farm.Limit)).Instances);
        Assert.Equal((spec.Aid, FoundState.Pieces), (found.Aid, found.State));
        Assert.Empty(await farm.B.Transfer.AbandonAsync(spec.Aid, HandOff, farm.Limit));
        await farm.B.Daemon.RemoveAsync(spec.Aid, farm.Limit);
        farm.B.AssertEmpty(spec);
    }
}
