using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Vni.Interposer.Linux;

/// <summary>
/// A directory whose content may have been made by an application, hence hostile: every path is resolved beneath it and
/// through no symbolic link (openat2(2)), so nothing outside can be read or changed by way of it. Paths are relative,
/// with slashes.
/// </summary>
internal sealed class RootedDirectory : IDisposable
{
    private readonly SafeFileHandle _root;
    private readonly string _path;

    /// <exception cref="LinuxException"><c>ENOENT</c>, <c>ENOTDIR</c>.</exception>
    public RootedDirectory(string path)
    {
        _path = path;
        _root = Libc.OpenDirectory(path);
    }

    /// <summary>Opens a regular file for reading; <c>null</c> when there is none at that place, be it that something else is there.</summary>
    public SafeFileHandle? TryOpenRead(string path)
    {
        SafeFileHandle handle;
        try
        {
            // Not blocking: it may be a FIFO that nobody writes to.
            handle = Libc.OpenBeneath(_root, path, Libc.O_RDONLY | Libc.O_NONBLOCK | Libc.O_NOCTTY);
        }
        catch (LinuxException e) when (e.Errno is Libc.ENOENT or Libc.ENOTDIR or Libc.ELOOP or Libc.EXDEV or Libc.ENXIO or Libc.ENODEV)
        {
            return null;
        }

        if (Libc.IsRegularFile(handle)) return handle;
        handle.Dispose();
        return null;
    }

    /// <summary>At most the first <paramref name="limit"/> bytes of a regular file as text; <c>null</c> when there is none.</summary>
    public string? TryReadText(string path, int limit = 1 << 20)
    {
        using var handle = TryOpenRead(path);
        if (handle is null) return null;
        var buffer = new byte[Math.Min(limit, (int)Math.Min(int.MaxValue, RandomAccess.GetLength(handle)))];
        var length = 0;
        while (length < buffer.Length && RandomAccess.Read(handle, buffer.AsSpan(length), length) is > 0 and var read) length += read;
        return Encoding.UTF8.GetString(buffer, 0, length);
    }

    /// <summary>Whether there is anything at that place, a link included.</summary>
    public bool Exists(string path)
    {
        try
        {
            using var parent = Parent(path, out var name);
            using var found = Libc.OpenEntryItself(parent, name);
            return true;
        }
        catch (LinuxException e) when (e.Errno is Libc.ENOENT or Libc.ENOTDIR or Libc.ELOOP)
        {
            return false;
        }
    }

    /// <summary>Makes a directory, or gives the one that is there mode and owner.</summary>
    public void MakeDirectory(string path, int mode, int uid, int gid, bool opaque, string? redirect = null)
    {
        using var parent = Parent(path, out var name);
        Libc.MakeDirectory(parent, name, Subject(path));
        using var made = Libc.OpenDirectoryBeneath(parent, name);
        Own(made, path, mode, uid, gid);

        // What overlayfs looks for on a directory that hides the one below it.
        if (opaque) Libc.SetAttribute(made, "trusted.overlay.opaque", "y"u8, Subject(path));
        if (redirect is not null) Libc.SetAttribute(made, "trusted.overlay.redirect", Encoding.UTF8.GetBytes(redirect), Subject(path));
    }

    /// <summary>Makes a character device; 0, 0 is what overlayfs takes for "there is no such file".</summary>
    public void MakeCharacterDevice(string path, int major, int minor, int mode)
    {
        using var parent = Parent(path, out var name);
        Libc.MakeCharacterDevice(parent, name, major, minor, mode, Subject(path));
    }

    /// <summary>Makes a symbolic link.</summary>
    public void MakeLink(string path, string target)
    {
        using var parent = Parent(path, out var name);
        Libc.MakeLink(parent, name, target, Subject(path));
    }

    /// <summary>Makes a file, which must not exist.</summary>
    public SafeFileHandle CreateFile(string path, int mode, int uid, int gid)
    {
        using var parent = Parent(path, out var name);
        var handle = Libc.OpenBeneath(parent, name, Libc.O_WRONLY | Libc.O_CREAT | Libc.O_EXCL, 0x180 /* 0600 until it is the owner's */);
        Own(handle, path, mode, uid, gid);
        return handle;
    }

    /// <summary>Removes a file or a whole tree; nothing happens when there is none.</summary>
    public void Remove(string path)
    {
        using var parent = Parent(path, out var name);
        TreeRemoval.Remove(parent, Encoding.UTF8.GetBytes(name + '\0'));
    }

    /// <summary>Removes a file; whether it was there.</summary>
    public bool TryRemoveFile(string path)
    {
        using var parent = Parent(path, out var name);
        return Libc.TryRemoveFile(parent, name, Subject(path));
    }

    /// <inheritdoc />
    public void Dispose() => _root.Dispose();

    private static void Own(SafeFileHandle handle, string path, int mode, int uid, int gid)
    {
        Libc.ChangeOwner(handle, uid, gid, path);
        Libc.ChangeMode(handle, mode, path); // After the owner: chown(2) clears set-id bits.
    }

    private SafeFileHandle Parent(string path, out string name)
    {
        var slash = path.LastIndexOf('/');
        name = path[(slash + 1)..];
        return Libc.OpenDirectoryBeneath(_root, slash < 0 ? "." : path[..slash]);
    }

    private string Subject(string path) => $"{_path}/{path}";
}

/// <summary>Files and directories: openat2(2), mkdirat(2), mknodat(2), symlinkat(2), fchown(2), fsetxattr(2).</summary>
internal static partial class Libc
{
    /// <summary>Flags of open(2) that are the same on x86-64 and on every other architecture but those with old flags of their own.</summary>
    internal const int O_CREAT = 0x40, O_EXCL = 0x80, O_NOCTTY = 0x100, O_NONBLOCK = 0x800, O_PATH = 0x200000;

    private const int AT_FDCWD = -100;
    private const int SYS_openat2 = 437;
    private const ulong RESOLVE_NO_MAGICLINKS = 0x02, RESOLVE_NO_SYMLINKS = 0x04, RESOLVE_BENEATH = 0x08, RESOLVE_IN_ROOT = 0x10;
    private const uint S_IFCHR = 0x2000;

    /// <summary><c>O_DIRECTORY</c> and <c>O_NOFOLLOW</c> differ between architectures.</summary>
    internal static readonly int O_DIRECTORY = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x4000 : 0x10000;

    /// <inheritdoc cref="O_DIRECTORY" />
    private static readonly int O_NOFOLLOW = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x8000 : 0x20000;

    /// <summary>Opens a directory, to sync it, to resolve names in it, or to name it to another process.</summary>
    /// <exception cref="LinuxException"><c>ENOENT</c>, <c>ENOTDIR</c>.</exception>
    public static SafeFileHandle OpenDirectory(string path) =>
        CheckHandle(OpenAt(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_DIRECTORY, 0), "open", path);

    /// <summary>A directory beneath another.</summary>
    internal static SafeFileHandle OpenDirectoryBeneath(SafeFileHandle directory, string path) => OpenBeneath(directory, path, O_RDONLY | O_DIRECTORY);

    /// <summary>An entry of a directory, itself and not what it leads to if it is a link; good for nothing but looking at it.</summary>
    internal static SafeFileHandle OpenEntryItself(SafeFileHandle directory, string name) => OpenBeneath(directory, name, O_PATH | O_NOFOLLOW);

    /// <summary>Opens a path beneath a directory, through no link, close-on-exec.</summary>
    internal static SafeFileHandle OpenBeneath(SafeFileHandle directory, string path, int flags, int mode = 0) =>
        OpenBeneath(directory, Encoding.UTF8.GetBytes(path + '\0'), flags, mode);

    /// <summary>The same for a path of bytes that ends with NUL.</summary>
    internal static SafeFileHandle OpenBeneath(SafeFileHandle directory, byte[] path, int flags, int mode = 0) =>
        Open(directory, path, flags, mode, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS);

    /// <summary>Opens for reading what a path, and the links in it, lead to for a process whose root the directory is.</summary>
    internal static SafeFileHandle OpenInRoot(SafeFileHandle directory, byte[] path) =>
        Open(directory, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);

    private static unsafe SafeFileHandle Open(SafeFileHandle directory, byte[] path, int flags, int mode, ulong resolve)
    {
        var how = new OpenHow { Flags = (ulong)(flags | O_CLOEXEC), Mode = (ulong)mode, Resolve = resolve };
        while (true)
        {
            long result;
            fixed (byte* p = path) result = OpenAt2(SYS_openat2, directory, p, &how, (nuint)sizeof(OpenHow));
            if (result >= 0) return new SafeFileHandle((nint)result, ownsHandle: true);

            // EAGAIN: something was renamed meanwhile, and the kernel cannot tell whether ".." stayed beneath.
            if (Marshal.GetLastPInvokeError() is not (EINTR or EAGAIN)) Check(-1, "openat2", NameOf(path));
        }
    }

    /// <summary>Makes a directory unless there is one.</summary>
    internal static void MakeDirectory(SafeFileHandle parent, string name, string subject)
    {
        if (MakeDirectoryAt(parent, name, 0x1c0 /* 0700 until it is the owner's */) < 0 && Marshal.GetLastPInvokeError() != EEXIST) Check(-1, "mkdir", subject);
    }

    internal static void MakeCharacterDevice(SafeFileHandle parent, string name, int major, int minor, int mode, string subject)
    {
        Check(MakeNodeAt(parent, name, S_IFCHR | (uint)mode, ((ulong)(uint)major << 8) | (uint)minor), "mknod", subject);
        if (mode != 0) Check(ChangeModeAt(parent, name, (uint)mode, 0), "chmod", subject); // mknod(2) minds the umask.
    }

    internal static void MakeLink(SafeFileHandle parent, string name, string target, string subject) => Check(MakeLinkAt(target, parent, name), "symlink", subject);

    internal static void ChangeOwner(SafeFileHandle file, int uid, int gid, string subject) => Check(ChangeOwner(file, (uint)uid, (uint)gid), "chown", subject);

    internal static void ChangeMode(SafeFileHandle file, int mode, string subject) => Check(ChangeMode(file, (uint)mode), "chmod", subject);

    internal static unsafe void SetAttribute(SafeFileHandle file, string name, ReadOnlySpan<byte> value, string subject)
    {
        fixed (byte* p = value) Check(SetAttribute(file, name, p, (nuint)value.Length, 0), $"setxattr {name}", subject);
    }

    [LibraryImport("libc", EntryPoint = "geteuid")]
    internal static partial uint EffectiveUser();

    /// <summary><c>struct open_how</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct OpenHow
    {
        public ulong Flags;
        public ulong Mode;
        public ulong Resolve;
    }

    [LibraryImport("libc", EntryPoint = "openat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenAt(int directory, string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static unsafe partial long OpenAt2(long number, SafeHandle directory, byte* path, OpenHow* how, nuint size);

    [LibraryImport("libc", EntryPoint = "mkdirat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MakeDirectoryAt(SafeHandle directory, string name, uint mode);

    [LibraryImport("libc", EntryPoint = "mknodat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MakeNodeAt(SafeHandle directory, string name, uint mode, ulong device);

    [LibraryImport("libc", EntryPoint = "symlinkat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MakeLinkAt(string target, SafeHandle directory, string name);

    [LibraryImport("libc", EntryPoint = "fchmodat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ChangeModeAt(SafeHandle directory, string name, uint mode, int flags);

    [LibraryImport("libc", EntryPoint = "fchown", SetLastError = true)]
    private static partial int ChangeOwner(SafeHandle file, uint uid, uint gid);

    [LibraryImport("libc", EntryPoint = "fchmod", SetLastError = true)]
    private static partial int ChangeMode(SafeHandle file, uint mode);

    [LibraryImport("libc", EntryPoint = "fsetxattr", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int SetAttribute(SafeHandle file, string name, byte* value, nuint length, int flags);

    /// <summary>rmdir(2).</summary>
    internal static void RemoveDirectory(string path) => Check(RemoveDirectoryAt(path), "rmdir", path);

    /// <summary>Opens an existing file for writing, without truncating it.</summary>
    internal static SafeFileHandle OpenForWriting(string path) => CheckHandle(OpenAt(AT_FDCWD, path, O_WRONLY | O_CLOEXEC, 0), "open", path);

    /// <summary>One write(2), as files of the kernel want it.</summary>
    internal static unsafe void WriteAtOnce(SafeFileHandle file, ReadOnlySpan<byte> data, string path)
    {
        fixed (byte* p = data) Check(Write(file, p, (nuint)data.Length), "write", path);
    }

    [LibraryImport("libc", EntryPoint = "rmdir", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int RemoveDirectoryAt(string path);

    /// <summary>Whether a handle is of a regular file.</summary>
    internal static bool IsRegularFile(SafeFileHandle file)
    {
        Check(ExtendedStatus(file, "", AT_EMPTY_PATH, STATX_BASIC_STATS, out var status), "statx");
        return (status.Mode & S_IFMT) == S_IFREG;
    }

    /// <summary>What is at a path, a link itself; <c>null</c>: nothing, or no way there.</summary>
    internal static FileStatus? LookAt(string path)
    {
        if (ExtendedStatus(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, out var status) == 0) return status;
        return Marshal.GetLastPInvokeError() is ENOENT or ENOTDIR ? null : throw new LinuxException(Marshal.GetLastPInvokeError(), "statx", path);
    }

    /// <summary>realpath(3): the path without links and dots; <c>null</c> when there is nothing.</summary>
    internal static unsafe string? RealPath(string path)
    {
        var buffer = stackalloc byte[PATH_MAX];
        if (RealPath(path, buffer) is not null) return Marshal.PtrToStringUTF8((nint)buffer);
        return Marshal.GetLastPInvokeError() is ENOENT or ENOTDIR or ELOOP ? null : throw new LinuxException(Marshal.GetLastPInvokeError(), "realpath", path);
    }

    internal const int S_IFMT = 0xf000, S_IFDIR = 0x4000, S_IFREG = 0x8000;
    private const int PATH_MAX = 4096, AT_SYMLINK_NOFOLLOW = 0x100, AT_EMPTY_PATH = 0x1000;
    private const uint STATX_BASIC_STATS = 0x7ff;

    /// <summary><c>struct statx</c>: 256 bytes on every architecture.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    internal struct FileStatus
    {
        [FieldOffset(16)]
        public uint Links;

        [FieldOffset(32)]
        public ulong Inode;

        [FieldOffset(40)]
        public ulong Size;

        /// <summary>Id of the mount that it lies on; the kernel tells it always (5.8).</summary>
        [FieldOffset(144)]
        public ulong Mount;

        [FieldOffset(96)]
        public long ChangedSeconds;

        [FieldOffset(104)]
        public uint ChangedNanoseconds;

        [FieldOffset(112)]
        public long ModifiedSeconds;

        [FieldOffset(120)]
        public uint ModifiedNanoseconds;

        [FieldOffset(20)]
        public int Uid;

        [FieldOffset(24)]
        public int Gid;

        [FieldOffset(28)]
        public ushort Mode;

        [FieldOffset(64)]
        public long AccessedSeconds;

        [FieldOffset(72)]
        public uint AccessedNanoseconds;

        [FieldOffset(128)]
        public uint NodeMajor;

        [FieldOffset(132)]
        public uint NodeMinor;

        [FieldOffset(136)]
        public uint DeviceMajor;

        [FieldOffset(140)]
        public uint DeviceMinor;
    }

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ExtendedStatus(SafeHandle directory, string path, int flags, uint mask, out FileStatus status);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ExtendedStatus(int directory, string path, int flags, uint mask, out FileStatus status);

    [LibraryImport("libc", EntryPoint = "realpath", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial byte* RealPath(string path, byte* resolved);
}
