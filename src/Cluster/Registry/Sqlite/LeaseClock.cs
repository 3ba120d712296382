using Microsoft.Data.Sqlite;

namespace Vni.Cluster.Registry.Sqlite;

/// <summary>
/// When each lease ends. While the store is open the monotonic clock decides, so that setting the machine's clock
/// neither ends nor prolongs a lease; the table keeps the deadline in wall-clock time for the next opening.
/// </summary>
internal sealed class LeaseClock(TimeProvider time, SqliteConnection connection) : IDisposable
{
    private readonly Dictionary<long, Entry> _leases = [];
    private readonly Statement _all = new(connection, "SELECT id, seconds, deadline FROM leases");
    private readonly Statement _save = new(connection, "INSERT OR REPLACE INTO leases(id, seconds, deadline) VALUES($0, $1, $2)", 3);
    private readonly Statement _renew = new(connection, "UPDATE leases SET deadline = $0 + seconds * 1000", 1);
    private readonly Statement _remove = new(connection, "DELETE FROM leases WHERE id = $0", 1);

    /// <summary>Timestamp of the next deadline; <see cref="long.MaxValue"/>: no lease.</summary>
    public long NextDeadline => _leases.Count == 0 ? long.MaxValue : _leases.Values.Min(lease => lease.Deadline);

    /// <summary>Begins every stored lease anew, before <see cref="Load"/>.</summary>
    public void RenewAll() => _renew.Execute(time.GetUtcNow().ToUnixTimeMilliseconds());

    /// <summary>Whether the lease exists.</summary>
    public bool Has(long id) => _leases.ContainsKey(id);

    /// <summary>Takes over what is stored. A clock that was set back does not give a lease more than its full time.</summary>
    public void Load()
    {
        _leases.Clear();
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        using var rows = _all.Query();
        while (rows.Read())
        {
            var granted = TimeSpan.FromSeconds(rows.GetInt64(1));
            var left = TimeSpan.FromMilliseconds(Math.Clamp(rows.GetInt64(2) - now, 0, granted.TotalMilliseconds));
            _leases[rows.GetInt64(0)] = new(granted, In(left));
        }
    }

    /// <summary>Begins a lease, or begins it anew.</summary>
    public Actors.Registry.Lease Start(long id, TimeSpan timeToLive)
    {
        var deadline = time.GetUtcNow() + timeToLive;
        _save.Execute(id, (long)timeToLive.TotalSeconds, deadline.ToUnixTimeMilliseconds());
        _leases[id] = new(timeToLive, In(timeToLive));
        return new(id, timeToLive, timeToLive);
    }

    /// <summary>What was granted and what is left.</summary>
    public Actors.Registry.Lease? Find(long id)
    {
        if (!_leases.TryGetValue(id, out var lease)) return null;
        var left = Until(lease.Deadline);
        return new(id, lease.TimeToLive, left > TimeSpan.Zero ? left : TimeSpan.Zero);
    }

    /// <summary>Ends a lease; <c>false</c> when there is none.</summary>
    public bool Remove(long id)
    {
        if (!_leases.Remove(id)) return false;
        _remove.Execute(id);
        return true;
    }

    /// <summary>Leases whose time is over, the earliest first.</summary>
    public List<long> Due()
    {
        var now = time.GetTimestamp();
        return [.. _leases.Where(lease => lease.Value.Deadline <= now).OrderBy(lease => (lease.Value.Deadline, lease.Key)).Select(lease => lease.Key)];
    }

    /// <summary>Time until a timestamp; negative when it has passed.</summary>
    public TimeSpan Until(long timestamp) => time.GetElapsedTime(time.GetTimestamp(), timestamp);

    public void Dispose()
    {
        foreach (var statement in new[] { _all, _save, _renew, _remove }) statement.Dispose();
    }

    private long In(TimeSpan delay) => time.GetTimestamp() + (long)Math.Ceiling(delay.TotalSeconds * time.TimestampFrequency);

    private readonly record struct Entry(TimeSpan TimeToLive, long Deadline);
}
