using Vni.Actors;
using Xunit;
using Xunit.Abstractions;

namespace Vni.Linux.Tests.Transfers;

/// <summary>Instances that move from one node to another, seen by their clients.</summary>
public sealed class MoveTests(ITestOutputHelper output)
{
    [Fact]
    public async Task A_redis_moves_to_and_fro_and_its_clients_one_connection_goes_on()
    {
        await using var farm = new MovingFarm();
        var spec = MovingFarm.Redis();
        await farm.A.Daemon.StartAsync(spec, farm.Limit);
        using var client = new LineClient(await farm.ConnectAsync(spec, 6379));
        var expected = 1;
        Assert.Equal($":{expected++}", client.Ask("INCR n"));
        for (var round = 0; round < 4; round++)
        {
            var (from, to) = round % 2 == 0 ? (farm.A, farm.B) : (farm.B, farm.A);
            var (sent, result, freeze) = await farm.MoveAsync(from, to, spec, $"handoff-{round}", () =>
            {
                client.Send("INCR n"); // Held at the target.
                return Task.CompletedTask;
            });
            output.WriteLine($"freeze {freeze:f1} ms, {sent.Bytes} bytes, {result.FramesHeld} frames: {string.Join(" ", sent.Phases.Select(p => $"{p.Name} {p.Milliseconds:f1}"))} | {string.Join(" ", result.Phases.Select(p => $"{p.Name} {p.Milliseconds:f1}"))}");
            Assert.Equal($":{expected++}", client.Read());
            Assert.Equal($":{expected++}", client.Ask("INCR n"));
            Assert.True(result.FramesHeld > 0);
            from.AssertEmpty(spec);
            Assert.NotEmpty(to.Daemon.ListProcesses(spec.Aid));
        }
    }
}
