namespace Vni.EndToEnd.Tests.Farms;

/// <summary>The daemon of source, target or both is killed at each step of a hand-off, under a client's load.</summary>
public sealed class FaultsKillTests(PlaygroundFixture fixture) : PlaygroundTests(fixture)
{
    [Theory]
    [InlineData("handoff:source:decide")]
    [InlineData("handoff:source:prepare")]
    [InlineData("handoff:source:sendlayer")]
    [InlineData("handoff:source:freeze")]
    [InlineData("handoff:frozen")]
    [InlineData("handoff:source:hold")]
    [InlineData("handoff:source:sendstate")]
    [InlineData("handoff:dumped")]
    [InlineData("handoff:source:resume")]
    [InlineData("handoff:source:release")]
    [InlineData("handoff:source:moved")]
    public async Task Source(string point)
    {
        await using var trial = await FaultsCase.BeginAsync(Farm, ("n1", point));
        trial.Migrate();
        await trial.ReviveAsync("n1");
        await trial.EndsWellAsync();
    }

    [Theory]
    [InlineData("handoff:target:prepare")]
    [InlineData("handoff:target:hold")]
    [InlineData("handoff:held")]
    [InlineData("handoff:target:state")]
    [InlineData("handoff:received")]
    [InlineData("handoff:target:restore")]
    [InlineData("handoff:target:commit")]
    [InlineData("handoff:restored")]
    [InlineData("handoff:target:committed")]
    [InlineData("handoff:committed")]
    [InlineData("handoff:resumed")]
    [InlineData("handoff:target:resumed")]
    [InlineData("handoff:target:record")]
    public async Task Target(string point)
    {
        await using var trial = await FaultsCase.BeginAsync(Farm, ("n2", point));
        trial.Migrate();
        await trial.ReviveAsync("n2");
        await trial.EndsWellAsync();
    }

    [Fact]
    public async Task The_target_when_it_drops_what_the_source_has_left_it()
    {
        await using var trial = await FaultsCase.BeginAsync(Farm, ("n1", "handoff:source:sendstate"), ("n2", "handoff:target:drop"));
        trial.Migrate();
        await trial.ReviveAsync("n1");
        await trial.ReviveAsync("n2");
        await trial.EndsWellAsync("n1");
    }

    /// <summary>The source dies while it takes back what the target's death has ended.</summary>
    [Theory]
    [InlineData("handoff:source:contest", "handoff:target:commit")]
    [InlineData("handoff:source:abandon", "handoff:target:state")]
    [InlineData("handoff:source:thaw", "handoff:received")]
    [InlineData("handoff:source:abandon", "handoff:target:restore")]
    public async Task Both(string source, string target)
    {
        await using var trial = await FaultsCase.BeginAsync(Farm, ("n1", source), ("n2", target));
        trial.Migrate();
        await trial.ReviveAsync("n2", "n1");
        await trial.EndsWellAsync();
    }
}
