using Vni.EndToEnd.Tests.Farming;

namespace Vni.EndToEnd.Tests.Farms;

/// <summary>One playground of three nodes for all tests of a class.</summary>
public sealed class PlaygroundFixture : IAsyncLifetime
{
    private FarmUp? _farm;

    internal FarmUp Farm => _farm!;

    public async Task InitializeAsync() => _farm = await FarmUp.MakeAsync();

    public async Task DisposeAsync() => await (_farm?.DisposeAsync() ?? ValueTask.CompletedTask);
}

/// <summary>Tests on a playground of their class. After each, all applications are removed and nothing of them may be left on any node.</summary>
public abstract class PlaygroundTests(PlaygroundFixture fixture) : IClassFixture<PlaygroundFixture>, IAsyncLifetime
{
    private protected FarmUp Farm => fixture.Farm;

    public virtual Task InitializeAsync() => Task.CompletedTask;

    public virtual async Task DisposeAsync()
    {
        await Farm.RemoveAllAsync();
        await Farm.AssertNothingLeftAsync();
    }

    /// <summary>Path of a test program, on all nodes and in instances alike.</summary>
    protected string App(string name) => Path.Combine(Farm.Apps, name);

    /// <summary>Starts the static counting server on a node; its address.</summary>
    private protected async Task<string> RunCounterAsync(string aid, string node = "n1") => (await Farm.RunAsync(node, aid, App("static"))).Text("ip");

    /// <summary>Starts a redis on a node, and waits until it answers the client; its address.</summary>
    private protected async Task<string> RunRedisAsync(string aid, string node = "n1")
    {
        var ip = (await Farm.RunAsync(node, aid, "/usr/bin/redis-server", "--protected-mode", "no", "--save", "", "--dir", "/tmp")).Text("ip");
        await Farm.Client.AwaitServerAsync(ip, 6379);
        return ip;
    }
}
