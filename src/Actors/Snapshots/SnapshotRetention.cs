namespace Vni.Actors.Snapshots;

/// <summary>Which snapshots of an application are kept.</summary>
internal static class SnapshotRetention
{
    /// <summary>
    /// The snapshots to delete, oldest first: all but the newest <paramref name="keep"/>. As long as the newest is not
    /// known to be on disk none is: a power failure could take it, and then the one before must still be there.
    /// </summary>
    /// <param name="snapshots">All complete snapshots of one application.</param>
    /// <param name="keep">How many stay, at least 1.</param>
    /// <param name="outliving">Whether the newest that is more than its own node's stays in any case: the node may be lost before a
    /// newer one is.</param>
    public static IReadOnlyList<SnapshotRecord> Expired(IEnumerable<SnapshotRecord> snapshots, int keep, bool outliving = false)
    {
        var newestFirst = snapshots.OrderByDescending(s => s.Id, StringComparer.Ordinal).ToList();
        if (newestFirst is not [{ Durable: true }, ..]) return [];
        var spare = outliving ? newestFirst.Find(s => s.Outlives) : null;
        return [.. newestFirst.Skip(Math.Max(1, keep)).Where(s => s != spare).Reverse()];
    }
}
