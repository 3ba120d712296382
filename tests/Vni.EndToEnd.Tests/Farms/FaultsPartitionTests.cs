namespace Vni.EndToEnd.Tests.Farms;

/// <summary>
/// A daemon stands still at a step of a hand-off; meanwhile its node is cut off, the registry dies, or its lease passes.
/// Then it goes on, under a client's load.
/// </summary>
public sealed class FaultsPartitionTests(PlaygroundFixture fixture) : PlaygroundTests(fixture)
{
    public override async Task DisposeAsync()
    {
        await Farm.FarmAsync("heal");
        await base.DisposeAsync();
    }

    [Theory]
    [InlineData("n1", "handoff:source:decide")]
    [InlineData("n1", "handoff:source:prepare")]
    [InlineData("n1", "handoff:source:freeze")]
    [InlineData("n1", "handoff:source:sendstate")]
    [InlineData("n1", "handoff:source:resume")]
    [InlineData("n1", "handoff:source:release")]
    [InlineData("n2", "handoff:target:prepare")]
    [InlineData("n2", "handoff:target:hold")]
    [InlineData("n2", "handoff:target:state")]
    [InlineData("n2", "handoff:target:restore")]
    [InlineData("n2", "handoff:target:commit")]
    [InlineData("n2", "handoff:target:committed")]
    [InlineData("n2", "handoff:target:record", 1)]
    public Task Cut_off_from_all(string node, string point, int resets = 0) => // What ran on a node that is given up is lost, if the source is quicker.
        StandingStillAsync(node, point, () => Farm.FarmAsync("partition", node), HealWhenGivenUp(node), resets);

    [Theory]
    [InlineData("n1", "handoff:source:resume")]
    [InlineData("n2", "handoff:target:commit")]
    [InlineData("n2", "handoff:target:committed")]
    public Task Cut_off_from_the_registry(string node, string point) =>
        StandingStillAsync(node, point, () => Farm.FarmAsync("partition", "--from", "registry", node), HealWhenGivenUp(node));

    [Theory]
    [InlineData("n1", "handoff:source:prepare")]
    [InlineData("n1", "handoff:source:hold")]
    [InlineData("n1", "handoff:source:resume")]
    [InlineData("n2", "handoff:target:commit")]
    public Task Cut_off_from_each_other(string node, string point) =>
        StandingStillAsync(node, point, () => Farm.FarmAsync("partition", "--from", "n1", "n2"), async trial =>
        {
            await trial.AwaitAnswerAsync();
            await Farm.FarmAsync("heal");
        });

    [Theory]
    [InlineData("n1", "handoff:source:sendstate")]
    [InlineData("n1", "handoff:source:resume")]
    [InlineData("n2", "handoff:target:commit")]
    [InlineData("n2", "handoff:target:committed")]
    public async Task Standing_still_past_the_lease(string node, string point)
    {
        await using var trial = await FaultsCase.BeginAsync(Farm, (node, "stop@" + point));
        trial.Migrate();
        var daemon = await trial.AwaitStopAsync(node);
        await trial.AwaitGoneAsync(node);
        await FaultsCase.ContinueAsync(daemon);
        await trial.EndsWellAsync();
    }

    /// <summary>What the target had run is lost with its lease; the client, which has heard of it, is told so.</summary>
    [Fact]
    public async Task Standing_still_past_the_lease_when_it_has_run_there()
    {
        await using var trial = await FaultsCase.BeginAsync(Farm, ("n2", "stop@handoff:target:record"));
        trial.AllowedResets = 1;
        trial.Migrate();
        var daemon = await trial.AwaitStopAsync("n2");
        await trial.AwaitAnswersAsync();
        await trial.AwaitAtAsync("n1");
        await FaultsCase.ContinueAsync(daemon);
        await trial.EndsWellAsync("n1");
        Assert.Equal(1, trial.Resets);
    }

    [Theory]
    [InlineData("n1", "handoff:source:decide")]
    [InlineData("n1", "handoff:source:prepare")]
    [InlineData("n1", "handoff:source:freeze")]
    [InlineData("n1", "handoff:source:sendstate")]
    [InlineData("n1", "handoff:source:resume")]
    [InlineData("n1", "handoff:source:release")]
    [InlineData("n2", "handoff:target:prepare")]
    [InlineData("n2", "handoff:target:hold")]
    [InlineData("n2", "handoff:target:restore")]
    [InlineData("n2", "handoff:target:commit")]
    [InlineData("n2", "handoff:target:committed")]
    [InlineData("n2", "handoff:target:record")]
    public Task Without_the_registry(string node, string point) =>
        StandingStillAsync(node, point, () => Farm.FarmAsync("kill", "registry", "--daemon-only"), trial => trial.ReviveAsync("registry"));

    /// <summary>A daemon stands still, something happens, and it goes on.</summary>
    /// <param name="node">Whose daemon.</param>
    /// <param name="point">Where.</param>
    /// <param name="meanwhile">What happens.</param>
    /// <param name="after">How that comes to an end when it goes on.</param>
    /// <param name="resets">How often the client may have to connect anew.</param>
    private async Task StandingStillAsync(string node, string point, Func<Task> meanwhile, Func<FaultsCase, Task> after, int resets = 0)
    {
        await using var trial = await FaultsCase.BeginAsync(Farm, (node, "stop@" + point));
        trial.AllowedResets = resets;
        trial.Migrate();
        var daemon = await trial.AwaitStopAsync(node);
        await meanwhile();
        await FaultsCase.ContinueAsync(daemon);
        await after(trial);
        await trial.EndsWellAsync();
    }

    private Func<FaultsCase, Task> HealWhenGivenUp(string node) => async trial =>
    {
        await trial.AwaitGoneAsync(node);
        await Farm.FarmAsync("heal");
    };
}
