using System.Runtime.CompilerServices;
using Microsoft.Data.Sqlite;
using Vni.Actors.Registry;

namespace Vni.Cluster.Registry.Sqlite;

/// <summary>
/// The embedded registry: etcd's semantics over one SQLite file, for one machine or a few. Writes go through one thread
/// that commits those waiting together; reads and watches use a connection of their own; watches follow the history
/// table, so a slow one costs nothing but its own delay. README.md in this folder lists the invariants.
/// </summary>
public sealed class SqliteRegistry : IRegistry, IRegistryStatus
{
    private readonly SqliteRegistryOptions _options;
    private readonly RegistryLock? _lock;
    private readonly SqliteConnection _connection;
    private readonly WriteThread _writes;
    private readonly ReadLane? _reads;
    private readonly ChangeSignal _changes = new();
    private int _disposed;

    private SqliteRegistry(SqliteRegistryOptions options, RegistryLock? @lock)
    {
        _options = options;
        _lock = @lock;
        _connection = RegistryFile.OpenForWriting(options.Path);
        try
        {
            _writes = new(_connection, options, _changes.Raise);
            // A store in memory is seen by its own connection only: there, reads take their turn among the writes.
            _reads = @lock is null ? null : new(options.Path);
        }
        catch
        {
            _writes?.Dispose();
            _connection.Dispose();
            throw;
        }
    }

    /// <summary>Opens the store for serving; what expired while it was closed is deleted first.</summary>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    /// <exception cref="RegistryUnavailableException">Served by another process, damaged, or not accessible.</exception>
    public static SqliteRegistry Open(SqliteRegistryOptions options)
    {
        ArgumentException.ThrowIfNullOrEmpty(options.Path);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.KeptRevisions, 1);
        if (options.Path == SqliteRegistryOptions.InMemory) return new(options, null);
        var held = RegistryLock.Take(options.Path);
        try
        {
            return new(options, held);
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <inheritdoc />
    public async Task<RangeResult> RangeAsync(KeyRange range, CancellationToken cancellationToken)
    {
        var keys = KeyInterval.Of(range);
        if (_options.Time.GetTimestamp() >= _writes.NextDeadline) await ExpireAsync();
        return await ReadAsync(
            reader =>
            {
                var (pairs, count) = reader.RangeAndCount(keys, range);
                return new RangeResult(reader.State().Revision, pairs, count);
            },
            cancellationToken);
    }

    /// <inheritdoc />
    public Task<TransactionResult> TransactAsync(Transaction transaction, CancellationToken cancellationToken)
    {
        TransactionRules.Check(transaction);
        return _writes.RunAsync(writer => writer.Transact(transaction), cancellationToken);
    }

    /// <inheritdoc />
    public Task<Lease> GrantLeaseAsync(TimeSpan timeToLive, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeToLive, TimeSpan.Zero);
        var seconds = TimeSpan.FromSeconds(Math.Ceiling(timeToLive.TotalSeconds));
        return _writes.RunAsync(writer => writer.Grant(seconds), cancellationToken);
    }

    /// <inheritdoc />
    public Task<Lease?> KeepAliveAsync(long leaseId, CancellationToken cancellationToken) =>
        _writes.RunAsync(writer => writer.KeepAlive(leaseId), cancellationToken);

    /// <inheritdoc />
    public Task RevokeLeaseAsync(long leaseId, CancellationToken cancellationToken) => _writes.RunAsync(
        writer =>
        {
            writer.Revoke(leaseId);
            return true;
        },
        cancellationToken);

    /// <inheritdoc />
    public Task<Lease?> GetLeaseAsync(long leaseId, CancellationToken cancellationToken) =>
        _writes.RunAsync(writer => writer.Find(leaseId), cancellationToken);

    /// <inheritdoc />
    public IAsyncEnumerable<WatchBatch> WatchAsync(KeyRange range, long fromRevision, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(fromRevision);
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        // "From now" is fixed here, not when the first item is awaited.
        return FollowAsync(KeyInterval.Of(range), fromRevision == 0 ? _writes.Revision + 1 : fromRevision, cancellationToken);
    }

    /// <inheritdoc />
    public Task<RegistryStatus> GetStatusAsync(CancellationToken cancellationToken) => ReadAsync(
        reader => new RegistryStatus($"sqlite {_connection.ServerVersion}", _options.Path, Leader: null, reader.State().Revision, reader.Size()),
        cancellationToken);

    /// <summary>Carries out what was asked for before, ends watches, closes the file and lets another process serve it.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        await Task.Run(_writes.Dispose); // Waits for the disk.
        _changes.Close();
        if (_reads is not null) await _reads.DisposeAsync();
        _connection.Dispose();
        _lock?.Dispose();
    }

    private async IAsyncEnumerable<WatchBatch> FollowAsync(KeyInterval keys, long next, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
        {
            var changed = _changes.Next;
            if (await HistoryAsync(keys, next, cancellationToken) is not { } page) yield break;
            foreach (var batch in page.Batches) yield return batch;
            next = page.Next;
            if (!page.More) await changed.WaitAsync(cancellationToken);
        }
    }

    /// <summary>The next page; <c>null</c> when the store is closed.</summary>
    private async Task<HistoryPage?> HistoryAsync(KeyInterval keys, long next, CancellationToken cancellationToken)
    {
        if (_changes.Closed) return null;
        try
        {
            return await ReadAsync(reader => reader.History(keys, next), cancellationToken);
        }
        catch (ObjectDisposedException)
        {
            return null;
        }
    }

    private Task<T> ReadAsync<T>(Func<StoreReader, T> read, CancellationToken cancellationToken) =>
        _reads is not null ? _reads.RunAsync(read, cancellationToken) : _writes.RunAsync(writer => read(writer.Reader), cancellationToken);

    /// <summary>Lets what is due expire, so that a read never shows what hangs on a lease whose time is over.</summary>
    private async Task ExpireAsync()
    {
        try
        {
            await _writes.RunAsync(static _ => true, CancellationToken.None);
        }
        catch (RegistryUnavailableException)
        {
            // The disk is full: the leases are still there, and reading what is there must stay possible.
        }
    }
}
