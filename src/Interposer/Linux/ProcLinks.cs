using System.Runtime.InteropServices;
using System.Text;
using Vni.Interposer.Checkpoint;

namespace Vni.Interposer.Linux;

/// <summary>Looking at what a link of <c>/proc</c> leads to, one system call each: readlink(2), statx(2), getxattr(2). The
/// result is <c>null</c> where it leads nowhere or to something else.</summary>
internal static partial class ProcLinks
{
    private const int AT_FDCWD = -100, AT_NO_AUTOMOUNT = 0x800, AT_STATX_DONT_SYNC = 0x4000;
    private const uint STATX_TYPE = 0x1, STATX_NLINK = 0x4, STATX_INO = 0x100, STATX_BLOCKS = 0x400, STATX_MNT_ID = 0x1000;
    private const int S_IFMT = 0xf000, S_IFCHR = 0x2000, S_IFBLK = 0x6000, S_IFREG = 0x8000;

    /// <summary>Type of the file system of POSIX message queues; <c>ipc/mqueue.c</c> in Linux.</summary>
    internal const long MQUEUE_MAGIC = 0x1980_0202;

    internal static unsafe string? TryReadLink(string path)
    {
        const int size = 4096;
        var buffer = stackalloc byte[size];
        var length = (int)ReadLink(path, buffer, size);
        return length < 0 ? null : Encoding.UTF8.GetString(buffer, length);
    }

    /// <summary>Inode of the socket that a link of <c>/proc/PID/fd</c> leads to (<c>socket:[INODE]</c>, proc_pid_fd(5)).</summary>
    internal static unsafe uint? TryReadSocket(string path)
    {
        const int size = 32; // What does not fit is none.
        var buffer = stackalloc byte[size];
        var link = new ReadOnlySpan<byte>(buffer, Math.Max(0, (int)ReadLink(path, buffer, size)));
        return link.StartsWith("socket:["u8) && System.Buffers.Text.Utf8Parser.TryParse(link["socket:[".Length..], out uint inode, out _) ? inode : null;
    }

    internal static unsafe FileLook? TryLook(string path)
    {
        var buffer = stackalloc byte[256]; // struct statx
        if (StatX(AT_FDCWD, path, AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC, STATX_TYPE | STATX_NLINK | STATX_INO | STATX_BLOCKS | STATX_MNT_ID, buffer) < 0) return null;
        var type = *(ushort*)(buffer + 0x1c) & S_IFMT;
        return new FileLook(
            type == S_IFREG,
            type is S_IFCHR or S_IFBLK ? new DeviceNumber(type == S_IFCHR, *(uint*)(buffer + 0x80), *(uint*)(buffer + 0x84)) : null,
            *(ulong*)(buffer + 0x20),
            *(uint*)(buffer + 0x10),
            512 * *(ulong*)(buffer + 0x30),
            (*(uint*)buffer & STATX_MNT_ID) != 0 ? *(ulong*)(buffer + 0x90) : null);
    }

    internal static unsafe string? TryGetAttribute(string path, string name)
    {
        const int size = 256;
        var buffer = stackalloc byte[size];
        var length = (int)GetAttribute(path, name, buffer, size);
        return length < 0 ? null : Encoding.UTF8.GetString(buffer, length).TrimEnd('\0');
    }

    /// <summary>Whether it leads to a file on a file system of this type, see statfs(2).</summary>
    internal static unsafe bool IsOnFileSystem(string path, long type)
    {
        var buffer = stackalloc byte[256]; // struct statfs, which begins with the type
        return StatFileSystem(path, buffer) == 0 && *(long*)buffer == type;
    }

    [LibraryImport("libc", EntryPoint = "readlink", StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial nint ReadLink(string path, byte* buffer, nuint size);

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int StatX(int directory, string path, int flags, uint mask, byte* result);

    [LibraryImport("libc", EntryPoint = "getxattr", StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial nint GetAttribute(string path, string name, byte* value, nuint size);

    [LibraryImport("libc", EntryPoint = "statfs", StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int StatFileSystem(string path, byte* result);
}
