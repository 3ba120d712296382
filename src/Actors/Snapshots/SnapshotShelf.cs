namespace Vni.Actors.Snapshots;

/// <summary>The complete snapshots of one application, as its actor knows them.</summary>
internal sealed class SnapshotShelf(IEnumerable<SnapshotRecord> snapshots)
{
    private readonly SortedDictionary<string, SnapshotRecord> _byId = new(snapshots.ToDictionary(s => s.Id), StringComparer.Ordinal);

    /// <summary>From the oldest to the newest.</summary>
    public IReadOnlyCollection<SnapshotRecord> All => _byId.Values;

    /// <summary>The newest; <c>null</c>: there is none.</summary>
    public SnapshotRecord? Newest => _byId.Count == 0 ? null : _byId.Values.Last();

    /// <summary>Finds one; <c>null</c>: it is not of this application.</summary>
    public SnapshotRecord? Find(string id) => _byId.GetValueOrDefault(id);

    /// <summary>Adds one, or replaces what is known of it.</summary>
    public void Put(SnapshotRecord snapshot) => _byId[snapshot.Id] = snapshot;

    /// <summary>Takes one away.</summary>
    public void Remove(SnapshotRecord snapshot) => _byId.Remove(snapshot.Id);
}
