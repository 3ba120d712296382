using Microsoft.Data.Sqlite;
using Vni.Actors.Registry;
using Vni.Cluster.Registry.Sqlite;
using Xunit;
using static Vni.Unit.Tests.Registry.TemporaryStore;

namespace Vni.Unit.Tests.Registry;

/// <summary>What the file adds to the contract: reopening, one server, damage, history that is not kept for ever.</summary>
public sealed class SqliteRegistryTests : IAsyncLifetime
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly TemporaryStore _store = new();

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await _store.DisposeAsync();

    [Fact]
    public async Task Reopening_keeps_pairs_revision_and_history()
    {
        IReadOnlyList<string> before;
        await using (var registry = _store.Open())
        {
            await PutAsync(registry, "/a", "1");
            await PutAsync(registry, "/a", "2");
            await PutAsync(registry, "/b", "3");
            before = await DumpAsync(registry);
        }

        var again = _store.Open();
        Assert.Equal(before, await DumpAsync(again));
        Assert.Equal(5, (await PutAsync(again, "/c", "4")).Revision);
        var seen = new List<long>();
        await foreach (var batch in again.WatchAsync(KeyRange.Prefix("/"), 2, default))
        {
            seen.Add(batch.Revision);
            if (seen.Count == 4) break;
        }

        Assert.Equal([2, 3, 4, 5], seen);
    }

    [Fact]
    public async Task A_lease_runs_on_while_the_store_is_closed()
    {
        long held, over;
        await using (var registry = _store.Open())
        {
            held = (await registry.GrantLeaseAsync(TimeSpan.FromSeconds(100), default)).Id;
            over = (await registry.GrantLeaseAsync(TimeSpan.FromSeconds(20), default)).Id;
            await PutAsync(registry, "/held", "1", held);
            await PutAsync(registry, "/over", "1", over);
        }

        _store.Time.Advance(TimeSpan.FromSeconds(30));
        var again = _store.Open();
        Assert.Equal(["/held=1 2 2 1 1"], await DumpAsync(again));
        Assert.Equal(TimeSpan.FromSeconds(70), (await again.GetLeaseAsync(held, default))!.Remaining);
        Assert.Null(await again.GetLeaseAsync(over, default));
        Assert.Equal(4, (await again.RangeAsync(new KeyRange("/over"), default)).Revision); // The deletion is a revision.
        Assert.True((await again.GrantLeaseAsync(TimeSpan.FromSeconds(5), default)).Id > over);
        _store.Time.Advance(TimeSpan.FromSeconds(71));
        Assert.Empty(await DumpAsync(again));
    }

    [Fact]
    public async Task A_renewal_is_remembered_too()
    {
        long lease;
        await using (var registry = _store.Open())
        {
            lease = (await registry.GrantLeaseAsync(TimeSpan.FromSeconds(20), default)).Id;
            _store.Time.Advance(TimeSpan.FromSeconds(15));
            await registry.KeepAliveAsync(lease, default);
        }

        _store.Time.Advance(TimeSpan.FromSeconds(15));
        Assert.Equal(TimeSpan.FromSeconds(5), (await _store.Open().GetLeaseAsync(lease, default))!.Remaining);
    }

    [Fact]
    public async Task A_read_never_shows_a_key_whose_lease_was_over_when_it_began()
    {
        var registry = _store.Open();
        for (var i = 0; i < 50; i++)
        {
            var lease = await registry.GrantLeaseAsync(TimeSpan.FromSeconds(1), default);
            await PutAsync(registry, "/a", "1", lease.Id);
            _store.Time.Advance(TimeSpan.FromSeconds(1));
            Assert.Empty(await DumpAsync(registry));
        }
    }

    [Fact]
    public async Task History_that_is_no_longer_kept_is_refused_with_the_oldest_revision()
    {
        var registry = _store.Open(kept: 20);
        for (var i = 0; i < 100; i++) await PutAsync(registry, "/a", $"{i}");
        var error = await Assert.ThrowsAsync<CompactedException>(async () => await FirstAsync(registry.WatchAsync(KeyRange.Prefix("/"), 2, default)));
        Assert.InRange(error.OldestRevision, 101 - 22, 101 - 19); // At least 20, at most a tenth more.
        Assert.Equal(error.OldestRevision, (await FirstAsync(registry.WatchAsync(KeyRange.Prefix("/"), error.OldestRevision, default))).Revision);
        // The store still works: a refused watch is no failure of the store.
        Assert.Equal(102, (await PutAsync(registry, "/a", "last")).Revision);
    }

    [Fact]
    public async Task A_watch_that_reads_too_slowly_is_told_so_instead_of_missing_changes()
    {
        var registry = _store.Open(kept: 10);
        await using var watch = registry.WatchAsync(KeyRange.Prefix("/"), 0, default).GetAsyncEnumerator();
        for (var i = 0; i < 50; i++) await PutAsync(registry, "/a", $"{i}");
        await Assert.ThrowsAsync<CompactedException>(async () => await watch.MoveNextAsync());
    }

    [Fact]
    public async Task A_watch_far_behind_is_served_page_by_page_in_order()
    {
        var registry = _store.Open();
        await Task.WhenAll(Enumerable.Range(0, 1000).Select(i => PutAsync(registry, $"/{i % 7}", $"{i}")));
        var next = 2L;
        await foreach (var batch in registry.WatchAsync(KeyRange.Prefix("/"), 2, default))
        {
            Assert.Equal(next++, batch.Revision);
            if (next == 1002) break;
        }
    }

    [Fact]
    public async Task A_second_server_of_the_same_file_is_refused_by_the_name_of_the_first()
    {
        var first = _store.Open();
        var error = Assert.Throws<RegistryUnavailableException>(() => _store.Open());
        Assert.Contains($"is being served by process {Environment.ProcessId} (", error.Message);
        Assert.Contains("stop that process first", error.Message);
        await first.DisposeAsync();
        await PutAsync(_store.Open(), "/a", "1");
    }

    [Fact]
    public void A_missing_directory_is_named()
    {
        var file = Path.Combine(Path.GetDirectoryName(_store.File)!, "absent", "registry.db");
        var error = Assert.Throws<RegistryUnavailableException>(() => _store.Open(file: file));
        Assert.StartsWith($"Registry {file} cannot be opened", error.Message);
    }

    [Fact]
    public void A_file_that_is_no_database_is_named_with_the_remedy()
    {
        File.WriteAllText(_store.File, new string('x', 10_000));
        var error = Assert.Throws<RegistryUnavailableException>(() => _store.Open());
        Assert.StartsWith($"Registry {_store.File} is no registry: the file is not an SQLite database. Move ", error.Message);
    }

    [Fact]
    public void A_database_of_another_program_is_not_touched()
    {
        using (var connection = new SqliteConnection($"Data Source={_store.File};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "CREATE TABLE mine(x)";
            command.ExecuteNonQuery();
        }

        Assert.Contains("is a database of another program", Assert.Throws<RegistryUnavailableException>(() => _store.Open()).Message);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Damaged_pages_are_found_at_the_opening(int seed)
    {
        await using (var registry = _store.Open())
        {
            for (var i = 0; i < 200; i++) await PutAsync(registry, $"/{i}", new string('v', 500));
        }

        var bytes = await File.ReadAllBytesAsync(_store.File);
        new Random(seed).NextBytes(bytes.AsSpan(4096)); // All but the first page, which says what the file is.
        await File.WriteAllBytesAsync(_store.File, bytes);
        var error = Assert.Throws<RegistryUnavailableException>(() => _store.Open());
        Assert.Contains("is damaged", error.Message);
        Assert.Contains("put a good copy in their place", error.Message);
    }

    [Fact]
    public async Task The_files_are_the_owners_alone()
    {
        var registry = _store.Open();
        await PutAsync(registry, "/a", "secret");
        foreach (var suffix in new[] { "", "-wal", "-shm", ".lock" })
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_store.File + suffix));
    }

    [Fact]
    public async Task What_was_asked_for_before_the_end_is_carried_out()
    {
        var registry = _store.Open();
        var puts = Enumerable.Range(0, 200).Select(i => PutAsync(registry, $"/{i:D3}", "1")).ToArray();
        await registry.DisposeAsync();
        await Task.WhenAll(puts).WaitAsync(Limit);
        Assert.Equal(200, (await DumpAsync(_store.Open())).Count);
    }

    [Fact]
    public async Task A_disposed_registry_refuses_and_may_be_disposed_again()
    {
        var registry = _store.Open();
        await registry.DisposeAsync();
        await registry.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => PutAsync(registry, "/a", "1"));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => DumpAsync(registry));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => registry.GetLeaseAsync(1, default));
        Assert.Throws<ObjectDisposedException>(() => registry.WatchAsync(KeyRange.Prefix("/"), 0, default));
    }

    [Fact]
    public void Options_have_their_documented_defaults_and_ranges()
    {
        var options = new SqliteRegistryOptions { Path = _store.File };
        Assert.Equal(10_000, options.KeptRevisions);
        Assert.Same(TimeProvider.System, options.Time);
        Assert.Throws<ArgumentOutOfRangeException>(() => SqliteRegistry.Open(options with { KeptRevisions = 0 }));
        Assert.Throws<ArgumentException>(() => SqliteRegistry.Open(options with { Path = "" }));
    }

    private static async Task<WatchBatch> FirstAsync(IAsyncEnumerable<WatchBatch> watch)
    {
        await foreach (var batch in watch) return batch;
        throw new InvalidOperationException("the watch has ended");
    }
}
