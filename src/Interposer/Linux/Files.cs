using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Vni.Interposer.Linux;

/// <summary>fsync(2), sync_file_range(2).</summary>
internal static partial class Libc
{
    private const int SYNC_FILE_RANGE_WRITE = 2;

    /// <summary>Returns when what is cached of a file or directory is on disk.</summary>
    internal static void Sync(SafeFileHandle file, string path)
    {
        while (FileSync(file) < 0)
        {
            if (Marshal.GetLastPInvokeError() != EINTR) Check(-1, "fsync", path);
        }
    }

    /// <summary>Makes the names in a directory durable, after files were made, renamed or removed there.</summary>
    internal static void SyncDirectory(string path)
    {
        // Not OpenDirectory: a descriptor that only names the directory cannot be synced.
        using var directory = CheckHandle(OpenAt(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_DIRECTORY, 0), "open", path);
        Sync(directory, path);
    }

    /// <summary>Starts, but does not await, the writing of a range of a file. File systems without a disk refuse it,
    /// which does not matter.</summary>
    internal static void StartWriteBack(SafeFileHandle file, long offset, long length) => _ = SyncFileRange(file, offset, length, SYNC_FILE_RANGE_WRITE);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FileSync(SafeHandle file);

    [LibraryImport("libc", EntryPoint = "sync_file_range")]
    private static partial int SyncFileRange(SafeHandle file, long offset, long length, int flags);
}
