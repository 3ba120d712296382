using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Vni.Interposer.Linux;

/// <summary>fsync(2).</summary>
internal static partial class Libc
{
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

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FileSync(SafeHandle file);
}
