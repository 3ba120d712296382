using System.Text;
using Vni.Actors.Registry;
using Vni.Cluster.Registry.Sqlite;
using Vni.Unit.Tests.Fakes;

namespace Vni.Unit.Tests.Registry;

/// <summary>A directory of its own with a store in it that is opened and closed at will.</summary>
internal sealed class TemporaryStore : IAsyncDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vni-registry-");
    private readonly List<SqliteRegistry> _opened = [];

    public string File => Path.Combine(_directory.FullName, "registry.db");

    public ManualTimeProvider Time { get; } = new();

    public SqliteRegistry Open(int kept = 10_000, string? file = null)
    {
        var registry = SqliteRegistry.Open(new() { Path = file ?? File, Time = Time, KeptRevisions = kept });
        _opened.Add(registry);
        return registry;
    }

    public static Task<TransactionResult> PutAsync(IRegistry registry, string key, string value, long lease = 0) =>
        registry.TransactAsync(new([], [new Operation.Put(key, Encoding.UTF8.GetBytes(value), lease)], []), default);

    public static async Task<IReadOnlyList<string>> DumpAsync(IRegistry registry) =>
        [.. (await registry.RangeAsync(KeyRange.Prefix("/"), default)).Pairs.Select(p =>
            $"{p.Key}={Encoding.UTF8.GetString(p.Value.Span)} {p.CreateRevision} {p.ModRevision} {p.Version} {p.Lease}")];

    public async ValueTask DisposeAsync()
    {
        foreach (var registry in _opened) await registry.DisposeAsync();
        _directory.Delete(recursive: true);
    }
}
