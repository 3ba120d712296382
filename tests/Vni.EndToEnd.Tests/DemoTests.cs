using Vni.EndToEnd.Tests.Farming;

namespace Vni.EndToEnd.Tests;

/// <summary>The demo is the first thing that a newcomer runs.</summary>
public sealed class DemoTests
{
    [Fact]
    public async Task Demo_ends_well()
    {
        var outcome = await Shell.TryAsync(Path.Combine(Repository.Root, "demo/demo"), []);
        Assert.True(outcome.Status == 0, outcome.ToString());
        foreach (var said in new[] { "none\n", "no gap; it waited", "10,000 of 10,000", "written before the checkpoint\n", "nothing is left" })
        {
            Assert.Contains(said, outcome.Output, StringComparison.Ordinal);
        }

        Assert.DoesNotContain("vnifarm-demo", await Shell.RunAsync("ip netns"), StringComparison.Ordinal);
    }
}
