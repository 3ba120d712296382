using Vni.Actors;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Actors.Snapshots;
using Vni.Interposer.Checkpoint;
using Vni.Interposer.Operations;
using Vni.Interposer.Shipping;

namespace Vni.Interposer;

/// <summary>Copies of snapshots.</summary>
public sealed partial class LinuxInterposer : ISnapshotShipping
{
    /// <inheritdoc />
    public Task SendSnapshotAsync(SnapshotRecord snapshot, Stream to, CancellationToken cancellationToken) =>
        ShippingFailure.Explain(snapshot, AllSnapshots, () => SnapshotStream.WriteAsync(FindHere(snapshot), snapshot, to, cancellationToken));

    /// <inheritdoc />
    public Task ReceiveSnapshotAsync(SnapshotRecord snapshot, Stream from, CancellationToken cancellationToken) =>
        TakeAsync(snapshot, () => SnapshotStream.ReadAsync(from, snapshot, AllSnapshots, cancellationToken));

    /// <inheritdoc />
    public bool HasSnapshot(string snapshotId) => IsSnapshotName(snapshotId) && File.Exists(Path.Combine(AllSnapshots, snapshotId, ManifestFile.Name));

    /// <inheritdoc />
    public Task ExportSnapshotAsync(SnapshotRecord snapshot, string directory, CancellationToken cancellationToken)
    {
        RefuseMissing(directory);
        return ShippingFailure.Explain(snapshot, directory, async () =>
        {
            var from = FindHere(snapshot);
            var exported = Path.Combine(directory, snapshot.Id);
            if (Directory.Exists(exported))
            {
                if (IsWhole(exported, snapshot)) return;
                CaptureInstance.DeleteDirectory(exported);
            }

            await SnapshotStream.CopyAsync(from, snapshot, directory, cancellationToken).ConfigureAwait(false);
        });
    }

    /// <inheritdoc />
    public Task ImportSnapshotAsync(SnapshotRecord snapshot, string directory, CancellationToken cancellationToken)
    {
        RefuseMissing(directory);
        RefuseName(snapshot.Id);
        if (!HasSnapshot(snapshot.Id) && !Directory.Exists(Path.Combine(directory, snapshot.Id)))
        {
            throw new VniException(ErrorCodes.SnapshotNotFound, $"snapshot {snapshot.Id} is not in the directory for shared snapshots, '{directory}'; restore another one");
        }

        return TakeAsync(snapshot, () => SnapshotStream.CopyAsync(Path.Combine(directory, snapshot.Id), snapshot, AllSnapshots, cancellationToken));
    }

    /// <inheritdoc />
    public void DeleteExported(string snapshotId, string directory)
    {
        RefuseName(snapshotId);
        if (!Directory.Exists(directory)) return;
        CaptureInstance.DeleteDirectory(Path.Combine(directory, snapshotId));
        foreach (var draft in Directory.EnumerateDirectories(directory, $"{snapshotId}.*{SnapshotPaths.DraftSuffix}")) CaptureInstance.DeleteDirectory(draft);
    }

    private string AllSnapshots => SnapshotPaths.All(_kit.Options);

    private string FindHere(SnapshotRecord snapshot) => HasSnapshot(snapshot.Id)
        ? _kit.Snapshot(snapshot.Id).Directory
        : throw new VniException(ErrorCodes.SnapshotNotFound, $"snapshot {snapshot.Id} is not on node {_kit.Options.Node}; 'vni snapshots' says where it is");

    private Task TakeAsync(SnapshotRecord snapshot, Func<Task<SnapshotManifest>> copy)
    {
        RefuseName(snapshot.Id);
        return HasSnapshot(snapshot.Id) ? Task.CompletedTask : ShippingFailure.Explain(snapshot, AllSnapshots, async () =>
        {
            Directory.CreateDirectory(AllSnapshots);
            var manifest = await copy().ConfigureAwait(false);
            _kit.Digests.Remember(_kit.Snapshot(snapshot.Id).Directory, manifest.Files); // Just computed: a restore need not do it again.
        });
    }

    private static bool IsWhole(string directory, SnapshotRecord snapshot)
    {
        try
        {
            return ManifestFile.Read(directory, snapshot) is not null;
        }
        catch (VniException)
        {
            return false;
        }
    }

    private static bool IsSnapshotName(string id) => id.Split('.') is [var aid, { Length: > 0 } number] && Aid.TryParse(aid, out _) && number.All(char.IsAsciiLetterOrDigit);

    private static void RefuseName(string id)
    {
        if (!IsSnapshotName(id)) throw new VniException(ErrorCodes.InvalidArgument, $"'{id}' is no name of a snapshot; one is an AID, a dot, and letters and digits");
    }

    private static void RefuseMissing(string directory)
    {
        if (!Directory.Exists(directory)) throw new VniException(ErrorCodes.InvalidArgument, $"the directory for shared snapshots, '{directory}', does not exist on this node; mount it here, or name another one");
    }
}
