using System.Runtime.InteropServices;
using System.Text;
using Vni.Interposer.Checkpoint;

namespace Vni.Interposer.Linux;

/// <summary>Looking at what a link of <c>/proc</c> leads to, one system call each: readlink(2), statx(2), getxattr(2). The
/// result is <c>null</c> where it leads nowhere or to something else.</summary>
internal static partial class ProcLinks
{
    private const int AT_FDCWD = -100, AT_NO_AUTOMOUNT = 0x800, STATX_TYPE = 1;
    private const int S_IFMT = 0xf000, S_IFCHR = 0x2000, S_IFBLK = 0x6000;

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

    internal static unsafe DeviceNumber? TryGetDevice(string path)
    {
        var buffer = stackalloc byte[256]; // struct statx
        if (StatX(AT_FDCWD, path, AT_NO_AUTOMOUNT, STATX_TYPE, buffer) < 0) return null;
        var type = *(ushort*)(buffer + 0x1c) & S_IFMT;
        if (type is not (S_IFCHR or S_IFBLK)) return null;
        return new DeviceNumber(type == S_IFCHR, *(uint*)(buffer + 0x80), *(uint*)(buffer + 0x84));
    }

    internal static unsafe string? TryGetAttribute(string path, string name)
    {
        const int size = 256;
        var buffer = stackalloc byte[size];
        var length = (int)GetAttribute(path, name, buffer, size);
        return length < 0 ? null : Encoding.UTF8.GetString(buffer, length).TrimEnd('\0');
    }

    [LibraryImport("libc", EntryPoint = "readlink", StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial nint ReadLink(string path, byte* buffer, nuint size);

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int StatX(int directory, string path, int flags, uint mask, byte* result);

    [LibraryImport("libc", EntryPoint = "getxattr", StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial nint GetAttribute(string path, string name, byte* value, nuint size);
}
