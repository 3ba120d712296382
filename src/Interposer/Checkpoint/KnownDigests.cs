using System.Collections.Concurrent;
using Vni.Actors.Snapshots;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Checkpoint;

/// <summary>
/// What this daemon itself has computed the digests of: a large file whose inode, size and times of change are still the
/// same has not been written since (ctime cannot be set by anyone; see inode(7)), and need not be read again to be
/// restored. It spares a restore in place half a second for each 700 MB. Nothing of it outlives the daemon.
/// </summary>
internal sealed class KnownDigests
{
    /// <summary>Smaller files are read as fast as they are looked up.</summary>
    private const long MinimumSize = 1 << 20;

    private readonly ConcurrentDictionary<string, (FileIdentity Identity, string Sha256)> _known = new(StringComparer.Ordinal);

    /// <summary>Notes the files of a snapshot that has just been written and hashed.</summary>
    public void Remember(string directory, IReadOnlyList<SnapshotFile> files)
    {
        foreach (var file in files.Where(f => f.Size >= MinimumSize))
        {
            var path = Path.Combine(directory, file.Name);
            if (FileIdentity.Of(path) is { } identity) _known[path] = (identity, file.Sha256);
        }
    }

    /// <summary>Whether a file is still the one whose digest is known, and that digest is <paramref name="sha256"/>.</summary>
    public bool Holds(string path, string sha256) =>
        _known.TryGetValue(path, out var known) && known.Sha256 == sha256 && known.Identity.Equals(FileIdentity.Of(path));

    /// <summary>Forgets the files of a snapshot that is deleted.</summary>
    public void Forget(string directory)
    {
        foreach (var path in _known.Keys.Where(p => p.StartsWith(directory + "/", StringComparison.Ordinal))) _known.TryRemove(path, out _);
    }
}

/// <summary>What tells a file from another one and from itself after a change.</summary>
internal readonly record struct FileIdentity(ulong Device, ulong Inode, ulong Size, long Modified, long Changed)
{
    /// <summary><c>null</c>: there is no such file.</summary>
    public static FileIdentity? Of(string path) => Libc.LookAt(path) is { } status ? Of(status) : null;

    /// <summary>Of a file that is open.</summary>
    public static FileIdentity Of(Microsoft.Win32.SafeHandles.SafeFileHandle file) => Of(Libc.LookAt(file));

    private static FileIdentity Of(in Libc.FileStatus status) => new(
        ((ulong)status.DeviceMajor << 32) | status.DeviceMinor,
        status.Inode,
        status.Size,
        unchecked((status.ModifiedSeconds * 1_000_000_000) + status.ModifiedNanoseconds),
        unchecked((status.ChangedSeconds * 1_000_000_000) + status.ChangedNanoseconds));
}
