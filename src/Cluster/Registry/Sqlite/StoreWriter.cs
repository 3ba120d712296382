using Microsoft.Data.Sqlite;
using Vni.Actors.Registry;

namespace Vni.Cluster.Registry.Sqlite;

/// <summary>
/// The state that one database transaction changes: it begins, takes any number of requests, and commits or rolls back
/// as a whole. Each request is applied whole or, when it is refused, not at all. Used by the writing thread alone.
/// </summary>
internal sealed class StoreWriter : IDisposable
{
    private readonly Statement _begin;
    private readonly Statement _commit;
    private readonly Statement _rollback;
    private readonly Statement _put;
    private readonly Statement _delete;
    private readonly Statement _record;
    private readonly Statement _ofLease;
    private readonly Statement _saveRevision;
    private readonly Statement _takeLease;
    private readonly Statement _forget;
    private readonly Statement _saveOldest;
    private readonly LeaseClock _leases;
    private readonly int _kept;
    private long _oldest;
    private bool _loaded;
    private bool _renewLeases;

    public StoreWriter(SqliteConnection connection, SqliteRegistryOptions options)
    {
        Reader = new(connection);
        _leases = new(options.Time, connection);
        _kept = options.KeptRevisions;
        _renewLeases = options.RenewLeasesAtOpening;
        _begin = new(connection, "BEGIN IMMEDIATE");
        _commit = new(connection, "COMMIT");
        _rollback = new(connection, "ROLLBACK");
        _put = new(connection, """
            INSERT INTO pairs(key, value, created, modified, version, lease) VALUES($0, $1, $2, $3, $4, $5)
            ON CONFLICT(key) DO UPDATE SET value = $1, modified = $3, version = $4, lease = $5
            """, 6);
        _delete = new(connection, "DELETE FROM pairs WHERE key >= $0 AND key < $1", 2);
        _record = new(connection, "INSERT INTO history(modified, key, value, created, version, lease) VALUES($0, $1, $2, $3, $4, $5)", 6);
        _ofLease = new(connection, "SELECT key FROM pairs WHERE lease = $0 AND lease <> 0 ORDER BY key", 1);
        _saveRevision = new(connection, "UPDATE store SET revision = $0", 1);
        _takeLease = new(connection, "UPDATE store SET next_lease = next_lease + 1 RETURNING next_lease - 1");
        _forget = new(connection, "DELETE FROM history WHERE modified < $0", 1);
        _saveOldest = new(connection, "UPDATE store SET oldest = $0", 1);
    }

    /// <summary>Reads over the same connection: what the present transaction did is seen.</summary>
    public StoreReader Reader { get; }

    /// <summary>The newest revision, with what is not committed yet.</summary>
    public long Revision { get; private set; }

    /// <summary>Timestamp of the next deadline of a lease; <see cref="long.MaxValue"/>: none.</summary>
    public long NextDeadline => _leases.NextDeadline;

    /// <summary>Time until a timestamp.</summary>
    public TimeSpan Until(long timestamp) => _leases.Until(timestamp);

    public void Begin()
    {
        _begin.Execute();
        if (_loaded) return;
        // At first, and after a failure: what is in memory then says more than what is on disk.
        (Revision, _oldest) = Reader.State();
        if (_renewLeases) _leases.RenewAll();
        _leases.Load();
        _loaded = true;
    }

    /// <summary>Ends every lease whose time is over, in a revision of its own each.</summary>
    public void ExpireDueLeases()
    {
        foreach (var id in _leases.Due()) Revoke(id);
    }

    public void Commit()
    {
        Compact();
        _commit.Execute();
        _renewLeases = false; // The opening is on disk.
    }

    public void Rollback()
    {
        _loaded = false;
        try
        {
            _rollback.Execute();
        }
        catch (SqliteException)
        {
            // SQLite has rolled back by itself (https://www.sqlite.org/lang_transaction.html, section 3), or never began.
        }
    }

    /// <exception cref="LeaseNotFoundException">A put of the branch that is to run names a lease that is gone.</exception>
    public TransactionResult Transact(Transaction transaction)
    {
        var succeeded = transaction.If.All(Holds);
        var branch = succeeded ? transaction.Then : transaction.Else;
        // All refusals come before the first change.
        foreach (var operation in branch)
        {
            if (operation is Operation.Put { Lease: not 0 } put && !_leases.Has(put.Lease)) throw new LeaseNotFoundException(put.Lease);
        }

        var next = Revision + 1;
        var changed = false;
        var responses = new List<OperationResult>(branch.Count);
        foreach (var operation in branch)
        {
            switch (operation)
            {
                case Operation.Get get:
                    var (pairs, count) = Reader.RangeAndCount(KeyInterval.Of(get.Range), get.Range);
                    responses.Add(new(pairs, count));
                    break;
                case Operation.Put put:
                    Put(put, next);
                    changed = true;
                    responses.Add(new([], 1));
                    break;
                case Operation.Delete delete:
                    var deleted = Delete(KeyInterval.Of(delete.Range), next);
                    changed |= deleted > 0;
                    responses.Add(new([], deleted));
                    break;
            }
        }

        if (changed) Advance(next);
        return new(Revision, succeeded, responses);
    }

    public Lease Grant(TimeSpan timeToLive) => _leases.Start(_takeLease.Number(), timeToLive);

    public Lease? KeepAlive(long id) => _leases.Find(id) is { } lease ? _leases.Start(id, lease.TimeToLive) : null;

    public Lease? Find(long id) => _leases.Find(id);

    /// <summary>Ends a lease and deletes its keys in one revision.</summary>
    public void Revoke(long id)
    {
        if (!_leases.Remove(id)) return;
        var keys = new List<byte[]>();
        using (var rows = _ofLease.Query(id))
        {
            while (rows.Read()) keys.Add(rows.GetFieldValue<byte[]>(0));
        }

        if (keys.Count == 0) return;
        var next = Revision + 1;
        foreach (var key in keys) Delete(new KeyInterval(key, [.. key, 0]), next);
        Advance(next);
    }

    public void Dispose()
    {
        foreach (var statement in new[] { _begin, _commit, _rollback, _put, _delete, _record, _ofLease, _saveRevision, _takeLease, _forget, _saveOldest })
            statement.Dispose();
        Reader.Dispose();
        _leases.Dispose();
    }

    private bool Holds(Comparison comparison)
    {
        var stored = Find(KeyInterval.Of(new KeyRange(comparison.Key)), keysOnly: comparison.Target != CompareTarget.Value);
        if (stored is null && comparison.Target == CompareTarget.Value) return false;
        var order = comparison.Target switch
        {
            CompareTarget.Version => (stored?.Version ?? 0).CompareTo(comparison.Number),
            CompareTarget.CreateRevision => (stored?.CreateRevision ?? 0).CompareTo(comparison.Number),
            CompareTarget.ModRevision => (stored?.ModRevision ?? 0).CompareTo(comparison.Number),
            CompareTarget.Lease => (stored?.Lease ?? 0).CompareTo(comparison.Number),
            _ => stored!.Value.Span.SequenceCompareTo(comparison.Value.Span),
        };
        return comparison.Result switch
        {
            CompareResult.Equal => order == 0,
            CompareResult.NotEqual => order != 0,
            CompareResult.Greater => order > 0,
            _ => order < 0,
        };
    }

    private KeyValue? Find(KeyInterval key, bool keysOnly) => Reader.Range(key, 1, keysOnly) is [var pair] ? pair : null;

    private void Put(Operation.Put put, long revision)
    {
        var keys = KeyInterval.Of(new KeyRange(put.Key));
        var former = Find(keys, keysOnly: true);
        var created = former?.CreateRevision ?? revision;
        var version = (former?.Version ?? 0) + 1;
        var value = put.Value.ToArray();
        _put.Execute(keys.From, value, created, revision, version, put.Lease);
        _record.Execute(revision, keys.From, value, created, version, put.Lease);
    }

    private int Delete(KeyInterval keys, long revision)
    {
        // Recorded as etcd reports it: name and revision, everything else zero.
        foreach (var pair in Reader.Range(keys, 0, keysOnly: true)) _record.Execute(revision, KeyInterval.Encode(pair.Key), Array.Empty<byte>(), 0L, 0L, 0L);
        return _delete.Execute(keys.From, keys.End);
    }

    private void Advance(long revision)
    {
        _saveRevision.Execute(revision);
        Revision = revision;
    }

    /// <summary>Forgets old changes, a tenth of what is kept at a time rather than one with every commit.</summary>
    private void Compact()
    {
        if (Revision - _oldest + 1 <= _kept + (_kept / 10)) return;
        _oldest = Revision - _kept + 1;
        _forget.Execute(_oldest);
        _saveOldest.Execute(_oldest);
    }
}
