using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Vni.Interposer.Linux;

/// <summary>Mounting in the mount namespace of another process; see mount_namespaces(7).</summary>
internal static partial class MountNamespace
{
    private const int CLONE_FS = 0x200, CLONE_NEWNS = 0x20000;
    private const nuint MS_PRIVATE = 1 << 18;

    /// <summary>Mounts an overlay where a process that is under way, but has not looked there yet, will find it; as the
    /// harness's <c>mount_overlay</c> does.</summary>
    /// <exception cref="LinuxException">The kernel refuses, or the process has ended.</exception>
    public static void MountOverlay(int pid, string lower, string upper, string work, string root)
    {
        using var handle = File.OpenHandle($"/proc/{pid}/ns/mnt");
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                // Only a thread that shares its root and working directory with no other may change its mount namespace.
                Libc.Check(Unshare(CLONE_FS), "unshare", "CLONE_FS");
                Libc.Check(SetNamespace(handle, CLONE_NEWNS), "setns", $"/proc/{pid}/ns/mnt");
                Libc.Check(Mount("overlay", root, "overlay", 0, $"lowerdir={Escape(lower)},upperdir={Escape(upper)},workdir={Escape(work)},index=off"), "mount", root);
                Libc.Check(Mount("none", root, "none", MS_PRIVATE, ""), "mount private", root);
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }
        }, 256 * 1024) { IsBackground = true, Name = "overlay mount" };
        thread.Start();
        thread.Join();
        failure?.Throw();
    }

    /// <summary>What separates options and layers, as overlayfs wants it written.</summary>
    private static string Escape(string path) => path.Replace("\\", "\\\\").Replace(":", "\\:").Replace(",", "\\,");

    [LibraryImport("libc", EntryPoint = "unshare", SetLastError = true)]
    private static partial int Unshare(int flags);

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    private static partial int SetNamespace(SafeHandle descriptor, int kind);

    [LibraryImport("libc", EntryPoint = "mount", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Mount(string source, string target, string type, nuint flags, string data);
}
