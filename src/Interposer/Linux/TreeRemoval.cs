using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Vni.Interposer.Linux;

/// <summary>
/// Removes trees that an application made: names are bytes, no link is followed, directories without any permission
/// (overlayfs's <c>work</c>) are entered by root's power, and a tree that is deeper than we have descriptors is cut
/// into pieces by moving its deep directories to its top.
/// </summary>
internal static class TreeRemoval
{
    /// <summary>Levels that are entered at a time; one descriptor each.</summary>
    private const int MaximumDepth = 64;

    /// <summary>Removes a file or tree found by an ordinary path; nothing happens when there is none.</summary>
    public static void Remove(string path)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        try
        {
            using var parent = Libc.OpenDirectory(Path.GetDirectoryName(full)!);
            Remove(parent, Encoding.UTF8.GetBytes(Path.GetFileName(full) + '\0'));
        }
        catch (LinuxException e) when (e.Errno == Libc.ENOENT)
        {
            // Its parent is gone too.
        }
    }

    /// <summary>Removes an entry of a directory; <paramref name="name"/> ends with NUL.</summary>
    internal static void Remove(SafeFileHandle parent, byte[] name)
    {
        if (Libc.TryUnlink(parent, name, isDirectory: false)) return;
        using (var top = Libc.OpenEntry(parent, name))
        {
            if (top is null) return;
            var moved = 0;

            // Each pass moves what is too deep to the top; the next one finds it there.
            while (Empty(top, top, depth: 0, ref moved))
            {
            }
        }

        Libc.TryUnlink(parent, name, isDirectory: true);
    }

    /// <summary>Empties a directory; whether something was moved to the top, so that another pass is needed.</summary>
    private static bool Empty(SafeFileHandle directory, SafeFileHandle top, int depth, ref int moved)
    {
        var again = false;
        foreach (var (name, mayBeDirectory) in Libc.ListEntries(directory))
        {
            if (!mayBeDirectory)
            {
                if (Libc.TryUnlink(directory, name, isDirectory: false)) continue;
            }
            else if (Libc.TryUnlink(directory, name, isDirectory: true))
            {
                continue; // It was empty.
            }

            if (depth == MaximumDepth)
            {
                Libc.Move(directory, name, top, Encoding.ASCII.GetBytes($".vni-removed-{Guid.NewGuid():n}-{moved++}\0"));
                again = true;
                continue;
            }

            using (var below = Libc.OpenEntry(directory, name))
            {
                if (below is not null) again |= Empty(below, top, depth + 1, ref moved);
            }

            Libc.TryUnlink(directory, name, isDirectory: true);
        }

        return again;
    }
}

/// <summary>Removing by directory handle: unlinkat(2), getdents64(2), renameat(2).</summary>
internal static partial class Libc
{
    private const int AT_REMOVEDIR = 0x200, SEEK_SET = 0;
    private const int DT_UNKNOWN = 0, DT_DIR = 4;

    /// <summary>Number of <c>getdents64</c>: 217 on x86-64, 61 on arm64.</summary>
    private static readonly long SYS_getdents64 = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 61 : 217;

    /// <summary>Removes a file, or an empty directory; <c>false</c>: it is a directory, or one that is not empty. True when
    /// there is none.</summary>
    internal static unsafe bool TryUnlink(SafeFileHandle directory, byte[] name, bool isDirectory)
    {
        fixed (byte* p = name)
        {
            if (UnlinkAt(directory, p, isDirectory ? AT_REMOVEDIR : 0) == 0) return true;
        }

        switch (Marshal.GetLastPInvokeError())
        {
            case ENOENT: return true;
            case EISDIR or ENOTDIR or ENOTEMPTY or EEXIST: return false;
            default: Check(-1, "unlink", NameOf(name)); return false;
        }
    }

    /// <summary>Removes a file; whether there was one.</summary>
    internal static unsafe bool TryRemoveFile(SafeFileHandle directory, string name, string subject)
    {
        fixed (byte* p = Encoding.UTF8.GetBytes(name + '\0'))
        {
            if (UnlinkAt(directory, p, 0) == 0) return true;
        }

        if (Marshal.GetLastPInvokeError() != ENOENT) Check(-1, "unlink", subject);
        return false;
    }

    /// <summary>Opens a directory entry for listing; <c>null</c> when there is none of that name. A link is refused.</summary>
    internal static unsafe SafeFileHandle? OpenEntry(SafeFileHandle directory, byte[] name)
    {
        int descriptor;
        fixed (byte* p = name) descriptor = OpenAt(directory, p, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
        return descriptor < 0 && Marshal.GetLastPInvokeError() == ENOENT ? null : CheckHandle(descriptor, "open", NameOf(name));
    }

    /// <summary>Renames an entry of one directory to another name in another.</summary>
    internal static unsafe void Move(SafeFileHandle from, byte[] name, SafeFileHandle to, byte[] newName)
    {
        fixed (byte* p = name, q = newName) Check(RenameAt(from, p, to, q), "rename", NameOf(name));
    }

    /// <summary>All entries but <c>.</c> and <c>..</c>: names that end with NUL, and whether each may be a directory.</summary>
    internal static unsafe List<(byte[] Name, bool MayBeDirectory)> ListEntries(SafeFileHandle directory)
    {
        const int kindOffset = 18, nameOffset = 19; // struct linux_dirent64
        var entries = new List<(byte[], bool)>();
        Check(Seek(directory, 0, SEEK_SET), "lseek"); // It may have been listed before.
        var buffer = new byte[32 * 1024];
        fixed (byte* p = buffer)
        {
            long length;
            while ((length = Check(GetEntries(SYS_getdents64, directory, p, (nuint)buffer.Length), "getdents64")) > 0)
            {
                for (var at = 0; at < length; at += *(ushort*)(p + at + 16))
                {
                    var name = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(p + at + nameOffset);
                    if (name is [(byte)'.'] or [(byte)'.', (byte)'.']) continue;
                    entries.Add(([.. name, 0], p[at + kindOffset] is DT_DIR or DT_UNKNOWN));
                }
            }
        }

        return entries;
    }

    private static string NameOf(byte[] name) => Encoding.UTF8.GetString(name.AsSpan(0, name.Length - 1));

    [LibraryImport("libc", EntryPoint = "lseek", SetLastError = true)]
    private static partial long Seek(SafeHandle directory, long offset, int whence);

    [LibraryImport("libc", EntryPoint = "unlinkat", SetLastError = true)]
    private static unsafe partial int UnlinkAt(SafeHandle directory, byte* name, int flags);

    [LibraryImport("libc", EntryPoint = "openat", SetLastError = true)]
    private static unsafe partial int OpenAt(SafeHandle directory, byte* name, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "renameat", SetLastError = true)]
    private static unsafe partial int RenameAt(SafeHandle from, byte* name, SafeHandle to, byte* newName);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static unsafe partial long GetEntries(long number, SafeHandle directory, byte* buffer, nuint length);
}
