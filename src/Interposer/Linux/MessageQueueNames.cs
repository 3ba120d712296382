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
    public static IReadOnlyList<string> Read() => Read(static (name, _) => name);

    /// <summary>The same, and whether a process waits for a notification (mq_notify(3)).</summary>
    public static IReadOnlyList<(string Name, bool Notifies)> ReadStates() => Read(static (name, path) => (name, IsNotifying(File.ReadAllText(path))));

    /// <summary>Whether a queue's file says that a process of any PID namespace has registered, <c>QSIZE:129 NOTIFY:0 SIGNO:10 NOTIFY_PID:8260</c>.</summary>
    internal static bool IsNotifying(string status) => status.TrimEnd().Split("NOTIFY_PID:") is [_, var pid] && pid.Trim() != "0";

    private static IReadOnlyList<T> Read<T>(Func<string, string, T> look)
    {
        var opened = Open(SYS_fsopen, "mqueue", FSOPEN_CLOEXEC);
        if (opened < 0) return []; // ENODEV: CONFIG_POSIX_MQUEUE is off.
        using var context = new SafeFileHandle((nint)opened, ownsHandle: true);
        Libc.Check(Configure(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, 0, 0, 0), "fsconfig", "mqueue");
        using var root = new SafeFileHandle((nint)Libc.Check(Mount(SYS_fsmount, context, FSMOUNT_CLOEXEC, 0), "fsmount", "mqueue"), ownsHandle: true);
        return [.. Directory.EnumerateFiles($"/proc/thread-self/fd/{root.DangerousGetHandle()}").Order(StringComparer.Ordinal).Select(path => look("/" + Path.GetFileName(path), path))];
    }

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial long Open(long number, string type, uint flags);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial long Configure(long number, SafeHandle context, uint command, nint key, nint value, int auxiliary);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial long Mount(long number, SafeHandle context, uint flags, uint attributes);
}
