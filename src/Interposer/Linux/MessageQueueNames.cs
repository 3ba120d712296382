using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Vni.Interposer.Linux;

/// <summary>POSIX message queues of the calling thread's IPC namespace, from a file system <c>mqueue</c> that is mounted nowhere; see
/// mq_overview(7), fsmount(2).</summary>
internal static partial class MessageQueueNames
{
    private const long SYS_fsopen = 430, SYS_fsconfig = 431, SYS_fsmount = 432;
    private const uint FSOPEN_CLOEXEC = 1, FSCONFIG_CMD_CREATE = 6, FSMOUNT_CLOEXEC = 1;

    /// <summary>Names with their slash, sorted; empty on a kernel without such queues.</summary>
    public static IReadOnlyList<string> Read()
    {
        var opened = Open(SYS_fsopen, "mqueue", FSOPEN_CLOEXEC);
        if (opened < 0) return []; // ENODEV: CONFIG_POSIX_MQUEUE is off.
        using var context = new SafeFileHandle((nint)opened, ownsHandle: true);
        Libc.Check(Configure(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, 0, 0, 0), "fsconfig", "mqueue");
        using var root = new SafeFileHandle((nint)Libc.Check(Mount(SYS_fsmount, context, FSMOUNT_CLOEXEC, 0), "fsmount", "mqueue"), ownsHandle: true);
        return [.. Directory.EnumerateFiles($"/proc/thread-self/fd/{root.DangerousGetHandle()}").Select(path => "/" + Path.GetFileName(path)).Order(StringComparer.Ordinal)];
    }

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial long Open(long number, string type, uint flags);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial long Configure(long number, SafeHandle context, uint command, nint key, nint value, int auxiliary);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial long Mount(long number, SafeHandle context, uint flags, uint attributes);
}
