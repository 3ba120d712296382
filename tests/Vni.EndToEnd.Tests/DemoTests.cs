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
        Assert.Contains("10,000 of 10,000", outcome.Output, StringComparison.Ordinal);
    }
}
