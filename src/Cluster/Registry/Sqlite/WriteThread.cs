using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;

namespace Vni.Cluster.Registry.Sqlite;

/// <summary>
/// The one thread that writes. Requests that wait together share a database transaction, and so one write to disk:
/// while one batch is being synced the next one gathers.
/// </summary>
internal sealed class WriteThread : IDisposable
{
    private const int MaxBatch = 256;
    private static readonly TimeSpan RetryExpiry = TimeSpan.FromSeconds(1);

    // What a timer can be set to; a longer lease is looked at again then.
    private static readonly TimeSpan LongestTimer = TimeSpan.FromDays(1);

    private readonly BlockingCollection<WriteRequest> _queue = [];
    private readonly StoreWriter _writer;
    private readonly string _path;
    private readonly Action _committed;
    private readonly ITimer _expiry;
    private readonly Thread _thread;
    private long _revision;
    private long _nextDeadline = long.MaxValue;

    /// <param name="connection">The writing connection; disposed with this.</param>
    /// <param name="options">Clock and history.</param>
    /// <param name="committed">Called after each commit, before callers know of it.</param>
    /// <exception cref="Vni.Actors.Registry.RegistryUnavailableException">The store cannot be read or written.</exception>
    public WriteThread(SqliteConnection connection, SqliteRegistryOptions options, Action committed)
    {
        _path = options.Path;
        _committed = committed;
        _writer = new(connection, options);
        // Every batch begins with what is due, so an empty one expires leases. Closing: what is due then is due at the next opening.
        _expiry = options.Time.CreateTimer(_ => _ = RunAsync(static _ => true, CancellationToken.None), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        var recovery = new WriteRequest<bool>(static _ => true, CancellationToken.None);
        Run([recovery]); // What expired while nobody served the store is deleted before anybody reads it.
        if (recovery.Done.Exception is { } failure)
        {
            _expiry.Dispose();
            _writer.Dispose();
            throw failure.InnerException!;
        }

        _thread = new(Loop) { IsBackground = true, Name = "registry-writer" };
        _thread.Start();
    }

    /// <summary>The newest committed revision.</summary>
    public long Revision => Volatile.Read(ref _revision);

    /// <summary>Timestamp of the next deadline of a lease, as of the last commit.</summary>
    public long NextDeadline => Volatile.Read(ref _nextDeadline);

    /// <summary>Queues work; the task fails with <see cref="ObjectDisposedException"/> when the registry is closed.</summary>
    public Task<T> RunAsync<T>(Func<StoreWriter, T> apply, CancellationToken cancellationToken)
    {
        var request = new WriteRequest<T>(apply, cancellationToken);
        try
        {
            _queue.Add(request, CancellationToken.None);
        }
        catch (InvalidOperationException)
        {
            return Task.FromException<T>(new ObjectDisposedException(nameof(SqliteRegistry), $"Registry {_path} is closed."));
        }

        return request.Done;
    }

    /// <summary>Takes no more requests, carries out those that wait, and ends the thread.</summary>
    public void Dispose()
    {
        _queue.CompleteAdding();
        _thread.Join();
        _expiry.Dispose();
        _writer.Dispose();
    }

    private void Loop()
    {
        var batch = new List<WriteRequest>();
        foreach (var first in _queue.GetConsumingEnumerable())
        {
            batch.Clear();
            batch.Add(first);
            while (batch.Count < MaxBatch && _queue.TryTake(out var next)) batch.Add(next);
            Run(batch);
        }
    }

    private void Run(List<WriteRequest> batch)
    {
        try
        {
            _writer.Begin();
            _writer.ExpireDueLeases();
            foreach (var request in batch) request.Apply(_writer);
            _writer.Commit();
        }
        catch (Exception e)
        {
            _writer.Rollback();
            _expiry.Change(RetryExpiry, Timeout.InfiniteTimeSpan);
            var failure = e is SqliteException sqlite ? SqliteFailure.Explain(_path, sqlite) : e;
            foreach (var request in batch) request.Fail(failure);
            return;
        }

        Volatile.Write(ref _nextDeadline, _writer.NextDeadline);
        if (Interlocked.Exchange(ref _revision, _writer.Revision) != _writer.Revision) _committed();
        SetTimer();
        foreach (var request in batch) request.Acknowledge();
    }

    private void SetTimer()
    {
        var deadline = _writer.NextDeadline;
        var due = deadline == long.MaxValue ? Timeout.InfiniteTimeSpan : _writer.Until(deadline);
        if (deadline != long.MaxValue) due = TimeSpan.FromMilliseconds(Math.Clamp(Math.Ceiling(due.TotalMilliseconds), 0, LongestTimer.TotalMilliseconds));
        _expiry.Change(due, Timeout.InfiniteTimeSpan);
    }
}
