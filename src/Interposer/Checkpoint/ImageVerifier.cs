using System.Security.Cryptography;
using Vni.Actors;
using Vni.Actors.Snapshots;

namespace Vni.Interposer.Checkpoint;

/// <summary>Compares every file of a snapshot with its digest, small ones first, beside whatever else goes on.</summary>
internal sealed class ImageVerifier : IDisposable
{
    private const int BlockSize = 1 << 20;
    private readonly Dictionary<string, Lazy<Task>> _checks;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _all;

    private ImageVerifier(string directory, SnapshotManifest manifest, KnownDigests? known)
    {
        _checks = manifest.Files.ToDictionary(f => f.Name, f => new Lazy<Task>(() => Task.Run(() => Verify(manifest.Id, directory, f, known))), StringComparer.Ordinal);
        _all = Task.Run(() => RunAsync(manifest.Files.OrderBy(f => f.Size).Select(f => _checks[f.Name])));
    }

    /// <summary>Begins to verify the files of a manifest that <see cref="ManifestFile.Read"/> returned.</summary>
    /// <param name="directory">The snapshot's.</param>
    /// <param name="manifest">Its manifest.</param>
    /// <param name="known">Files that need not be read again; <c>null</c>: all are read.</param>
    public static ImageVerifier Start(string directory, SnapshotManifest manifest, KnownDigests? known = null) => new(directory, manifest, known);

    /// <summary>Returns when one file is known to be whole; it is not kept waiting by larger ones.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.SnapshotDamaged"/>: it is not, or the snapshot has no such file.</exception>
    public Task VerifyAsync(string name) => _checks.TryGetValue(name, out var check)
        ? check.Value
        : Task.FromException(new VniException(ErrorCodes.SnapshotDamaged, $"the snapshot has no file {name}; restore another snapshot"));

    /// <summary>Returns when all files are known to be whole.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.SnapshotDamaged"/>: one is not.</exception>
    public Task VerifyAllAsync() => _all;

    /// <summary>Stops verifying.</summary>
    public void Dispose()
    {
        _stop.Cancel();
        _ = _all.ContinueWith(static (all, stop) => { _ = all.Exception; ((CancellationTokenSource)stop!).Dispose(); }, _stop, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    private async Task RunAsync(IEnumerable<Lazy<Task>> checks)
    {
        foreach (var check in checks)
        {
            _stop.Token.ThrowIfCancellationRequested();
            await check.Value.ConfigureAwait(false);
        }
    }

    private void Verify(string id, string directory, SnapshotFile file, KnownDigests? known)
    {
        if (known?.Holds(Path.Combine(directory, file.Name), file.Sha256) == true) return;
        using var handle = File.OpenHandle(Path.Combine(directory, file.Name), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var block = GC.AllocateUninitializedArray<byte>((int)Math.Clamp(file.Size, 1, BlockSize));
        var offset = 0L;
        while (RandomAccess.Read(handle, block, offset) is > 0 and var read)
        {
            _stop.Token.ThrowIfCancellationRequested();
            hash.AppendData(block, 0, read);
            offset += read;
        }

        if (Convert.ToHexStringLower(hash.GetHashAndReset()) != file.Sha256) throw ManifestFile.Damaged(id, file.Name, "was altered: its digest is not the manifest's");
    }
}
