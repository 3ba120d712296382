using Microsoft.Data.Sqlite;
using Vni.Actors.Registry;

namespace Vni.Cluster.Registry.Sqlite;

/// <summary>What can be read over one connection. Used by one thread at a time.</summary>
internal sealed class StoreReader(SqliteConnection connection) : IDisposable
{
    /// <summary>How many revisions one page of history spans at most, so that a watch far behind does not read it all at once.</summary>
    private const int PageRevisions = 256;

    private readonly Statement _begin = new(connection, "BEGIN");
    private readonly Statement _end = new(connection, "COMMIT");
    private readonly Statement _state = new(connection, "SELECT revision, oldest FROM store");
    private readonly Statement _size = new(connection, "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()");
    private readonly Statement _count = new(connection, "SELECT count(*) FROM pairs WHERE key >= $0 AND key < $1", 2);

    private readonly Statement _range = new(connection, """
        SELECT key, CASE WHEN $3 THEN x'' ELSE value END, created, modified, version, lease FROM pairs
        WHERE key >= $0 AND key < $1 ORDER BY key LIMIT $2
        """, 4);

    private readonly Statement _history = new(connection, """
        SELECT key, value, created, modified, version, lease FROM history
        WHERE modified >= $0 AND modified < $1 AND key >= $2 AND key < $3 ORDER BY id
        """, 4);

    /// <summary>Runs <paramref name="read"/> on one state of the store.</summary>
    public T Consistently<T>(Func<StoreReader, T> read)
    {
        _begin.Execute();
        try
        {
            return read(this);
        }
        finally
        {
            _end.Execute();
        }
    }

    /// <summary>The newest revision, and the oldest one whose changes are kept.</summary>
    public (long Revision, long Oldest) State()
    {
        using var row = _state.Query();
        row.Read();
        return (row.GetInt64(0), row.GetInt64(1));
    }

    /// <summary>Bytes of the database.</summary>
    public long Size() => _size.Number();

    /// <summary>Pairs in order of key; <paramref name="limit"/> 0: all.</summary>
    public List<KeyValue> Range(KeyInterval keys, int limit, bool keysOnly)
    {
        using var rows = _range.Query(keys.From, keys.End, limit > 0 ? limit : -1, keysOnly);
        return Pairs(rows);
    }

    /// <summary>Number of pairs.</summary>
    public long Count(KeyInterval keys) => _count.Number(keys.From, keys.End);

    /// <summary>Pairs and their number, whatever the limit.</summary>
    public (List<KeyValue> Pairs, long Count) RangeAndCount(KeyInterval keys, KeyRange range)
    {
        var pairs = Range(keys, range.Limit, range.KeysOnly);
        return (pairs, range.Limit > 0 && pairs.Count == range.Limit ? Count(keys) : pairs.Count);
    }

    /// <summary>The changes from revision <paramref name="next"/> on, as far as one page goes.</summary>
    /// <exception cref="CompactedException">They are no longer kept.</exception>
    public HistoryPage History(KeyInterval keys, long next)
    {
        var (revision, oldest) = State();
        if (next < oldest) throw new CompactedException(oldest);
        var end = Math.Min(revision + 1, next + PageRevisions);
        if (end <= next) return new([], next, More: false);
        using var rows = _history.Query(next, end, keys.From, keys.End);
        var batches = new List<WatchBatch>();
        foreach (var changes in Pairs(rows).Select(pair => new Change(pair.Version == 0, pair)).GroupBy(change => change.Pair.ModRevision))
            batches.Add(new WatchBatch(changes.Key, [.. changes]));
        return new(batches, end, More: end <= revision);
    }

    public void Dispose()
    {
        foreach (var statement in new[] { _begin, _end, _state, _size, _count, _range, _history }) statement.Dispose();
    }

    private static List<KeyValue> Pairs(SqliteDataReader rows)
    {
        var pairs = new List<KeyValue>();
        while (rows.Read())
        {
            pairs.Add(new KeyValue(KeyInterval.Decode(rows.GetFieldValue<byte[]>(0)), rows.GetFieldValue<byte[]>(1),
                rows.GetInt64(2), rows.GetInt64(3), rows.GetInt64(4), rows.GetInt64(5)));
        }

        return pairs;
    }
}

/// <param name="Batches">Per revision, in order.</param>
/// <param name="Next">Where the next page begins.</param>
/// <param name="More">Whether the next page has something already.</param>
internal sealed record HistoryPage(IReadOnlyList<WatchBatch> Batches, long Next, bool More);
