using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Vni.Interposer.Linux;

/// <summary>Names as the kernel has them: bytes. Each byte is one character here, so that they can be keys and still come back whole.</summary>
internal static class ByteName
{
    public static string Of(ReadOnlySpan<byte> bytes) => Encoding.Latin1.GetString(bytes);

    public static byte[] Bytes(string name) => Encoding.Latin1.GetBytes(name);

    public static byte[] Terminated(string name) => Encoding.Latin1.GetBytes(name + '\0');
}

/// <summary>Entries of directories by handle and name, none of them followed if it is a link: statx(2), readlinkat(2), linkat(2),
/// lgetxattr(2), utimensat(2), lseek(2) for holes, fallocate(2). Names end with NUL.</summary>
internal static partial class Libc
{
    internal const int S_IFCHR_MODE = 0x2000, S_IFLNK = 0xa000, S_IFIFO = 0x1000, S_IFSOCK = 0xc000, S_IFBLK = 0x6000;

    private const int SEEK_DATA = 3, SEEK_HOLE = 4, ENODATA = 61;
    private const int FALLOC_FL_KEEP_SIZE = 1, FALLOC_FL_PUNCH_HOLE = 2;

    /// <summary><c>null</c>: there is none of that name.</summary>
    internal static unsafe FileStatus? LookAt(SafeFileHandle directory, byte[] name)
    {
        FileStatus status;
        fixed (byte* p = name)
        {
            if (ExtendedStatus(directory, p, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, out status) == 0) return status;
        }

        return Marshal.GetLastPInvokeError() is ENOENT or ENOTDIR ? null : throw new LinuxException(Marshal.GetLastPInvokeError(), "statx", NameOf(name));
    }

    /// <summary>What a path leads to; <c>null</c>: nothing.</summary>
    internal static FileStatus? FollowAndLook(string path) => ExtendedStatus(AT_FDCWD, path, 0, STATX_BASIC_STATS, out var status) == 0 ? status : null;

    /// <summary>What a handle is of.</summary>
    internal static FileStatus LookAt(SafeFileHandle file)
    {
        Check(ExtendedStatus(file, "", AT_EMPTY_PATH, STATX_BASIC_STATS, out var status), "statx");
        return status;
    }

    /// <summary>Opens a regular file for reading; <c>null</c>: there is none, or it is a link by now.</summary>
    internal static unsafe SafeFileHandle? TryOpenFile(SafeFileHandle directory, byte[] name)
    {
        int descriptor;
        fixed (byte* p = name) descriptor = OpenAt(directory, p, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
        return descriptor < 0 && Marshal.GetLastPInvokeError() is ENOENT or ELOOP or ENXIO ? null : CheckHandle(descriptor, "open", NameOf(name));
    }

    /// <summary>Makes a regular file, which must not exist, open for writing.</summary>
    internal static unsafe SafeFileHandle CreateFile(SafeFileHandle directory, byte[] name)
    {
        fixed (byte* p = name) return CheckHandle(OpenAt(directory, p, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0x180), "open", NameOf(name));
    }

    /// <summary>Where a link leads; <c>null</c>: there is none.</summary>
    internal static unsafe byte[]? TryReadLink(SafeFileHandle directory, byte[] name)
    {
        var buffer = stackalloc byte[PATH_MAX];
        fixed (byte* p = name)
        {
            var length = ReadLinkAt(directory, p, buffer, PATH_MAX);
            if (length >= 0) return new ReadOnlySpan<byte>(buffer, (int)length).ToArray();
        }

        return Marshal.GetLastPInvokeError() is ENOENT or EINVAL ? null : throw new LinuxException(Marshal.GetLastPInvokeError(), "readlink", NameOf(name));
    }

    internal static unsafe void MakeLink(SafeFileHandle directory, byte[] name, byte[] target)
    {
        fixed (byte* p = name, q = target) Check(MakeLinkAt(q, directory, p), "symlink", NameOf(name));
    }

    internal static unsafe void MakeHardLink(SafeFileHandle from, byte[] name, SafeFileHandle to, byte[] newName)
    {
        fixed (byte* p = name, q = newName) Check(LinkAt(from, p, to, q, 0), "link", NameOf(newName));
    }

    internal static unsafe void MakeNode(SafeFileHandle directory, byte[] name, int mode, uint major, uint minor)
    {
        fixed (byte* p = name) Check(MakeNodeAt(directory, p, (uint)mode, ((ulong)(major & 0xfff) << 8) | (minor & 0xff) | ((ulong)(minor & ~0xffu) << 12)), "mknod", NameOf(name));
    }

    /// <summary>Makes a directory, which must not exist.</summary>
    internal static unsafe void MakeDirectory(SafeFileHandle directory, byte[] name)
    {
        fixed (byte* p = name) Check(MakeDirectoryAt(directory, p, 0x1c0), "mkdir", NameOf(name));
    }

    /// <summary>Owner, then mode (which chown(2) would change), not of a link's target. Links have no mode of their own.</summary>
    internal static unsafe void Own(SafeFileHandle directory, byte[] name, uint uid, uint gid, int mode)
    {
        fixed (byte* p = name)
        {
            Check(ChangeOwnerAt(directory, p, uid, gid, AT_SYMLINK_NOFOLLOW), "chown", NameOf(name));
            if ((mode & S_IFMT) != S_IFLNK) Check(ChangeModeAt(directory, p, (uint)(mode & 0xfff), 0), "chmod", NameOf(name));
        }
    }

    /// <summary>Times of access and change of content, in nanoseconds as the kernel splits them.</summary>
    internal static unsafe void SetTimes(SafeFileHandle directory, byte[] name, long accessed, uint accessedNanoseconds, long modified, uint modifiedNanoseconds)
    {
        var times = stackalloc long[4] { accessed, accessedNanoseconds, modified, modifiedNanoseconds };
        fixed (byte* p = name) Check(SetTimesAt(directory, p, times, AT_SYMLINK_NOFOLLOW), "utimensat", NameOf(name));
    }

    /// <summary>Extended attributes of an entry, itself.</summary>
    internal static unsafe List<(byte[] Name, byte[] Value)> ReadAttributes(SafeFileHandle directory, byte[] name)
    {
        const int room = 64 * 1024; // What the kernel gives at most, of names and of a value.
        var found = new List<(byte[], byte[])>();
        var path = EntryPath(directory, name);
        var names = stackalloc byte[1024];
        byte[]? large = null;
        fixed (byte* p = path)
        {
            var length = ListAttributes(p, names, 1024);
            if (length < 0 && Marshal.GetLastPInvokeError() == ERANGE)
            {
                large = new byte[room];
                fixed (byte* q = large) length = ListAttributes(p, q, room);
            }

            if (length < 0) return Marshal.GetLastPInvokeError() is ENOENT or ENOTSUP ? found : throw new LinuxException(Marshal.GetLastPInvokeError(), "llistxattr", NameOf(name));
            var rest = large is null ? new ReadOnlySpan<byte>(names, (int)length) : large.AsSpan(0, (int)length);
            byte[]? buffer = null;
            while (rest.IndexOf((byte)0) is >= 0 and var end)
            {
                var key = rest[..(end + 1)].ToArray();
                rest = rest[(end + 1)..];
                buffer ??= new byte[room];
                fixed (byte* k = key, v = buffer)
                {
                    var size = GetAttribute(p, k, v, room);
                    if (size >= 0) found.Add((key[..^1], buffer[..(int)size]));
                    else if (Marshal.GetLastPInvokeError() is not (ENODATA or ENOENT)) Check(size, "lgetxattr", NameOf(name));
                }
            }
        }

        return found;
    }

    internal static unsafe void SetAttribute(SafeFileHandle directory, byte[] name, byte[] attribute, byte[] value)
    {
        byte[] terminated = [.. attribute, 0];
        fixed (byte* p = EntryPath(directory, name), k = terminated, v = value) Check(SetAttribute(p, k, v, (nuint)value.Length, 0), "lsetxattr", NameOf(name));
    }

    internal static unsafe void RemoveAttribute(SafeFileHandle directory, byte[] name, byte[] attribute)
    {
        byte[] terminated = [.. attribute, 0];
        fixed (byte* p = EntryPath(directory, name), k = terminated) Check(RemoveAttribute(p, k), "lremovexattr", NameOf(name));
    }

    /// <summary>Where data begins at or after an offset; <c>null</c>: nowhere before the end.</summary>
    internal static long? NextData(SafeFileHandle file, long offset)
    {
        var at = Seek(file, offset, SEEK_DATA);
        if (at >= 0) return at;
        return Marshal.GetLastPInvokeError() == ENXIO ? null : throw new LinuxException(Marshal.GetLastPInvokeError(), "lseek", "SEEK_DATA");
    }

    /// <summary>Where the data at an offset ends: there, if the file has become shorter meanwhile.</summary>
    internal static long NextHole(SafeFileHandle file, long offset)
    {
        var at = Seek(file, offset, SEEK_HOLE);
        return at < 0 && Marshal.GetLastPInvokeError() == ENXIO ? offset : Check(at, "lseek", "SEEK_HOLE");
    }

    /// <summary>Gives the memory or disk under a part of a file back; what is read there is zero.</summary>
    internal static void PunchHole(SafeFileHandle file, long offset, long length, string subject) =>
        Check(Allocate(file, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, offset, length), "fallocate", subject);

    internal static void SetLength(SafeFileHandle file, long length, string subject) => Check(Truncate(file, length), "ftruncate", subject);

    /// <summary>By way of the handle: there are no calls on attributes that take a directory and a name before Linux 6.13.</summary>
    private static byte[] EntryPath(SafeFileHandle directory, byte[] name) =>
        [.. Encoding.ASCII.GetBytes($"/proc/self/fd/{directory.DangerousGetHandle()}/"), .. name];

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true)]
    private static unsafe partial int ExtendedStatus(SafeHandle directory, byte* name, int flags, uint mask, out FileStatus status);

    [LibraryImport("libc", EntryPoint = "readlinkat", SetLastError = true)]
    private static unsafe partial nint ReadLinkAt(SafeHandle directory, byte* name, byte* target, nuint size);

    [LibraryImport("libc", EntryPoint = "symlinkat", SetLastError = true)]
    private static unsafe partial int MakeLinkAt(byte* target, SafeHandle directory, byte* name);

    [LibraryImport("libc", EntryPoint = "linkat", SetLastError = true)]
    private static unsafe partial int LinkAt(SafeHandle from, byte* name, SafeHandle to, byte* newName, int flags);

    [LibraryImport("libc", EntryPoint = "mknodat", SetLastError = true)]
    private static unsafe partial int MakeNodeAt(SafeHandle directory, byte* name, uint mode, ulong device);

    [LibraryImport("libc", EntryPoint = "mkdirat", SetLastError = true)]
    private static unsafe partial int MakeDirectoryAt(SafeHandle directory, byte* name, uint mode);

    [LibraryImport("libc", EntryPoint = "fchownat", SetLastError = true)]
    private static unsafe partial int ChangeOwnerAt(SafeHandle directory, byte* name, uint uid, uint gid, int flags);

    [LibraryImport("libc", EntryPoint = "fchmodat", SetLastError = true)]
    private static unsafe partial int ChangeModeAt(SafeHandle directory, byte* name, uint mode, int flags);

    [LibraryImport("libc", EntryPoint = "utimensat", SetLastError = true)]
    private static unsafe partial int SetTimesAt(SafeHandle directory, byte* name, long* times, int flags);

    [LibraryImport("libc", EntryPoint = "llistxattr", SetLastError = true)]
    private static unsafe partial nint ListAttributes(byte* path, byte* names, nuint size);

    [LibraryImport("libc", EntryPoint = "lgetxattr", SetLastError = true)]
    private static unsafe partial nint GetAttribute(byte* path, byte* name, byte* value, nuint size);

    [LibraryImport("libc", EntryPoint = "lsetxattr", SetLastError = true)]
    private static unsafe partial int SetAttribute(byte* path, byte* name, byte* value, nuint size, int flags);

    [LibraryImport("libc", EntryPoint = "lremovexattr", SetLastError = true)]
    private static unsafe partial int RemoveAttribute(byte* path, byte* name);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    private static partial int Allocate(SafeHandle file, int mode, long offset, long length);

    [LibraryImport("libc", EntryPoint = "ftruncate", SetLastError = true)]
    private static partial int Truncate(SafeHandle file, long length);
}
