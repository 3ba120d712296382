namespace Vni.Cluster.Messaging;

/// <summary>Connections that wait for a next stream, so that it needs no handshake: a few to each node, for some seconds.</summary>
internal sealed class KeptConnections(TimeProvider time) : IDisposable
{
    private const int PerNode = 2;

    /// <summary>Shorter than <see cref="PeerWire.StallLimit"/>, after which the other side would close it.</summary>
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly List<Kept> _kept = [];
    private bool _closed;

    /// <summary>A connection that lives; <c>null</c>: there is none.</summary>
    internal StreamConnection? Take(string node, string endpoint)
    {
        while (true)
        {
            Kept? kept;
            lock (_gate)
            {
                kept = _kept.FindLast(one => one.Connection.IsOf(node));
                if (kept is null) return null;
                _kept.Remove(kept);
            }

            kept.Timer?.Dispose();
            if (kept.Connection.Fits(node, endpoint)) return kept.Connection;
            kept.Connection.Dispose();
        }
    }

    /// <summary>Keeps a connection, or closes it if there are enough.</summary>
    internal void Keep(string node, StreamConnection connection)
    {
        var kept = new Kept(connection);
        lock (_gate)
        {
            if (!_closed && _kept.Count(one => one.Connection.IsOf(node)) < PerNode)
            {
                kept.Timer = time.CreateTimer(state => Drop((Kept)state!), kept, Idle, Timeout.InfiniteTimeSpan);
                _kept.Add(kept);
                return;
            }
        }

        connection.Dispose();
    }

    /// <inheritdoc />
    public void Dispose()
    {
        List<Kept> all;
        lock (_gate)
        {
            _closed = true;
            all = [.. _kept];
            _kept.Clear();
        }

        foreach (var kept in all) Close(kept);
    }

    private void Drop(Kept kept)
    {
        lock (_gate)
        {
            if (!_kept.Remove(kept)) return;
        }

        Close(kept);
    }

    private static void Close(Kept kept)
    {
        kept.Timer?.Dispose();
        kept.Connection.Dispose();
    }

    private sealed class Kept(StreamConnection connection)
    {
        internal StreamConnection Connection => connection;

        internal ITimer? Timer { get; set; }
    }
}
