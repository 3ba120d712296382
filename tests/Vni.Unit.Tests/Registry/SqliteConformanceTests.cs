using Vni.Actors.Registry;
using Vni.Cluster.Registry.Sqlite;

namespace Vni.Unit.Tests.Registry;

/// <summary>The embedded store in memory.</summary>
public sealed class SqliteInMemoryConformanceTests : RegistryConformance
{
    protected override Task<IRegistry> CreateAsync(TimeProvider time) =>
        Task.FromResult<IRegistry>(SqliteRegistry.Open(new() { Path = SqliteRegistryOptions.InMemory, Time = time }));
}

/// <summary>The embedded store in a file.</summary>
public sealed class SqliteFileConformanceTests : RegistryConformance
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vni-registry-");

    protected override Task<IRegistry> CreateAsync(TimeProvider time) =>
        Task.FromResult<IRegistry>(SqliteRegistry.Open(new() { Path = Path.Combine(_directory.FullName, "registry.db"), Time = time }));

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        _directory.Delete(recursive: true);
    }
}
