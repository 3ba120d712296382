using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Vni.Interposer.Linux;

/// <summary>
/// A tmpfs that is mounted nowhere (fsopen(2), fsmount(2)): nobody finds it but through this process's descriptor, and it is
/// gone, whatever it holds, with that descriptor, hence also when the process is killed.
/// </summary>
internal sealed partial class MemoryFileSystem : IDisposable
{
    private const long SYS_fsopen = 430, SYS_fsconfig = 431, SYS_fsmount = 432;
    private const int FSOPEN_CLOEXEC = 1, FSCONFIG_SET_STRING = 1, FSCONFIG_CMD_CREATE = 6, FSMOUNT_CLOEXEC = 1, MOUNT_ATTR_NOSUID_NODEV_NOEXEC = 0x2 | 0x4 | 0x8;

    private readonly SafeFileHandle _root;

    private MemoryFileSystem(SafeFileHandle root, long capacity) => (_root, Capacity) = (root, capacity);

    /// <summary>Bytes that fit in.</summary>
    public long Capacity { get; }

    /// <summary>Its root, as this process finds it.</summary>
    public string Path => $"/proc/self/fd/{_root.DangerousGetHandle()}";

    /// <summary>Makes an empty one that root alone may enter.</summary>
    /// <exception cref="LinuxException"><c>ENOSYS</c>: the kernel is older than 5.2.</exception>
    public static MemoryFileSystem Create(long capacity)
    {
        using var context = Open(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);
        Configure(context, FSCONFIG_SET_STRING, "size", capacity.ToString());
        Configure(context, FSCONFIG_SET_STRING, "mode", "0700");
        Configure(context, FSCONFIG_CMD_CREATE, null, null);
        return new MemoryFileSystem(new SafeFileHandle((nint)Libc.Check(MountIt(SYS_fsmount, context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID_NODEV_NOEXEC), "fsmount", "tmpfs"), ownsHandle: true), capacity);
    }

    /// <inheritdoc />
    public void Dispose() => _root.Dispose();

    private static SafeFileHandle Open(long number, string type, uint flags) =>
        new((nint)Libc.Check(OpenContext(number, type, flags), "fsopen", type), ownsHandle: true);

    private static void Configure(SafeFileHandle context, uint command, string? key, string? value) =>
        Libc.Check(Configure(SYS_fsconfig, context, command, key, value, 0), "fsconfig", key ?? "create");

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial long OpenContext(long number, string type, uint flags);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial long Configure(long number, SafeHandle context, uint command, string? key, string? value, int auxiliary);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial long MountIt(long number, SafeHandle context, uint flags, uint attributes);
}
