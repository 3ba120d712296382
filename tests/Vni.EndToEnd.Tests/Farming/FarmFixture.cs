[assembly: CollectionBehavior(DisableTestParallelization = true)] // Two cores; and load makes no test better.

namespace Vni.EndToEnd.Tests.Farming;

/// <summary>One farm for all tests of a class, each of which removes the applications that it made.</summary>
public sealed class FarmFixture : IAsyncLifetime
{
    internal Farm Farm { get; private set; } = null!;

    internal string Apps { get; private set; } = "";

    public async Task InitializeAsync()
    {
        Farm = await Farm.StartAsync();
        Apps = await Farm.AddAppsAsync();
    }

    public async Task DisposeAsync() => await Farm.DisposeAsync();
}
