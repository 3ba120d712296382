namespace Vni.EndToEnd.Tests.Farming;

/// <summary>Tests on a farm of their class. After each, all applications are removed and nothing of them may be left.</summary>
public abstract class FarmTests(FarmFixture fixture) : IClassFixture<FarmFixture>, IAsyncLifetime
{
    private protected Farm Farm => fixture.Farm;

    /// <summary>Directory of the test programs, on the node and in instances alike.</summary>
    protected string AppDirectory => fixture.Apps;

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await Farm.RemoveAllAsync();
        await Farm.AssertNothingLeftAsync();
    }

    /// <summary>Path of a test program.</summary>
    protected string App(string name) => Path.Combine(AppDirectory, name);

    /// <summary>Starts the static counting server; its address.</summary>
    private protected async Task<string> RunCounterAsync(string aid) => (await Farm.RunAsync(aid, App("static"))).Text("ip");
}
