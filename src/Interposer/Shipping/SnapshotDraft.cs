using System.Security.Cryptography;
using Vni.Actors.Snapshots;
using Vni.Interposer.Checkpoint;
using Vni.Interposer.Linux;
using Vni.Interposer.Operations;

namespace Vni.Interposer.Shipping;

/// <summary>
/// A copy of a snapshot while it is made. Its name is its own, so that any number of writers may make copies of the same
/// snapshot in the same directory; the first to be complete gets the name of the snapshot. Disposing it deletes what is incomplete.
/// </summary>
internal sealed class SnapshotDraft : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const int BlockSize = 1 << 18;

    private readonly string _directory;
    private readonly string _final;
    private readonly string _id;
    private readonly byte[] _block = GC.AllocateUninitializedArray<byte>(BlockSize);

    /// <param name="all">The directory of all snapshots.</param>
    /// <param name="id">The snapshot's.</param>
    public SnapshotDraft(string all, string id)
    {
        _id = id;
        _final = Path.Combine(all, id);
        _directory = Path.Combine(all, $"{id}.{Guid.NewGuid():n}{SnapshotPaths.DraftSuffix}");
        Directory.CreateDirectory(_directory, OwnerOnly); // What processes hold in memory is nobody else's.
    }

    /// <summary>Takes exactly the bytes of one file from a stream.</summary>
    /// <exception cref="Vni.Actors.VniException">The stream ends early, or the bytes are not those of the manifest.</exception>
    public async Task WriteAsync(SnapshotFile file, Stream from, CancellationToken cancellationToken)
    {
        var path = Path.Combine(_directory, file.Name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!, OwnerOnly);
        using var target = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew, Access = FileAccess.Write, BufferSize = 0, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (var rest = file.Size; rest > 0;)
        {
            var read = await from.ReadAsync(_block.AsMemory(0, (int)Math.Min(rest, BlockSize)), cancellationToken).ConfigureAwait(false);
            if (read == 0) throw ShippingFailure.Refused(_id, $"it ends {rest} bytes before the end of {file.Name}");
            hash.AppendData(_block, 0, read);
            target.Write(_block, 0, read);
            rest -= read;
        }

        if (Convert.ToHexStringLower(hash.GetHashAndReset()) != file.Sha256) throw ShippingFailure.Refused(_id, $"{file.Name} was altered: its digest is not the manifest's");
    }

    /// <summary>Brings everything to disk and gives it the snapshot's name. One that is there already stays.</summary>
    public void Publish(byte[] manifest)
    {
        File.WriteAllBytes(Path.Combine(_directory, ManifestFile.Name), manifest);
        SnapshotSync.Run(_directory);
        try
        {
            Directory.Move(_directory, _final);
        }
        catch (IOException) when (Directory.Exists(_final))
        {
            return; // Another writer was faster, with the same bytes.
        }

        Libc.SyncDirectory(Path.GetDirectoryName(_final)!);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        if (Directory.Exists(_directory)) Directory.Delete(_directory, recursive: true);
    }
}
