using System.Diagnostics;
using System.Security.Cryptography;
using Vni.Simulation;
using Xunit;
using Xunit.Abstractions;

namespace Vni.Unit.Tests.Simulation;

/// <summary>The hand-off under every misfortune that the simulation knows; see docs/protocol.md.</summary>
public sealed class ProtocolSimulationTests(ITestOutputHelper output)
{
    [Fact]
    public void A_hundred_thousand_schedules_break_no_rule() => Check(from: 1, count: 100_000);

    [Fact]
    public void Schedules_that_nobody_has_seen_break_no_rule() => Check(RandomNumberGenerator.GetInt32(1_000_000, int.MaxValue), count: 10_000);

    [Theory]
    [InlineData(910162587)] // What was given back was taken over with a claim of the node that gave it back, not of its source.
    [InlineData(930004434)] // Who had a claim came back with nothing, and nobody restored what was lost.
    [InlineData(2102971666)] // What was given up became dormant where it was recorded, though another node had it frozen.
    public void A_schedule_that_found_a_mistake_breaks_no_rule(long seed) => Check(seed, count: 1);

    [Fact]
    public void A_schedule_is_the_same_every_time()
    {
        for (var seed = 1; seed <= 50; seed++)
        {
            List<string> first = [], second = [];
            Simulator.Broken(Plan.Of(seed), Mutation.None, first);
            Simulator.Broken(Plan.Of(seed), Mutation.None, second);
            Assert.NotEmpty(first);
            Assert.Equal(first, second);
        }
    }

    private void Check(long from, int count)
    {
        var watch = Stopwatch.StartNew();
        var failure = Simulator.RunMany(from, count);
        output.WriteLine($"{count} schedules from {from}: {count / watch.Elapsed.TotalSeconds:F0} per second");
        Assert.True(failure is null, failure?.ToString());
    }
}
