using Vni.Actors.Snapshots;

namespace Vni.Actors.Interposition;

/// <summary>Copies of snapshots between nodes.</summary>
public interface ISnapshotShipping
{
    /// <summary>Writes all files of a snapshot that is on this node's disk.</summary>
    Task SendSnapshotAsync(SnapshotRecord snapshot, Stream to, CancellationToken cancellationToken);

    /// <summary>Reads what <see cref="SendSnapshotAsync"/> writes, checks every digest and puts the snapshot in place, on disk for
    /// good. Nothing happens (the stream is not read) when it is there already.</summary>
    Task ReceiveSnapshotAsync(SnapshotRecord snapshot, Stream from, CancellationToken cancellationToken);

    /// <summary>Whether this node has it.</summary>
    bool HasSnapshot(string snapshotId);

    /// <summary>Copies one from this node's disk into a directory that all nodes share; on disk for good when it returns.</summary>
    Task ExportSnapshotAsync(SnapshotRecord snapshot, string directory, CancellationToken cancellationToken);

    /// <summary>Copies one from a shared directory to this node's disk, checking every digest.</summary>
    Task ImportSnapshotAsync(SnapshotRecord snapshot, string directory, CancellationToken cancellationToken);

    /// <summary>Deletes one from a shared directory; nothing happens when it is not there.</summary>
    void DeleteExported(string snapshotId, string directory);
}
