using System.Runtime.InteropServices;
using System.Text;

namespace Vni.Interposer.Linux;

/// <summary>Settings under <c>/proc/sys</c>. Those of <c>net</c> are the ones of the calling thread's network namespace.</summary>
internal static partial class Sysctl
{
    private const int O_WRONLY = 1, O_CLOEXEC = 0x80000;

    /// <summary>Whether the kernel speaks IPv6. It does not where that was left out or switched off as a whole (<c>ipv6.disable=1</c>).</summary>
    public static bool HasIpv6 => Directory.Exists("/proc/sys/net/ipv6/conf");

    /// <summary>Sets one.</summary>
    /// <param name="name">Path below <c>/proc/sys</c>.</param>
    /// <param name="value">As the kernel parses it.</param>
    /// <exception cref="LinuxException"><c>ENOENT</c>: this kernel has none of that name.</exception>
    public static unsafe void Set(string name, string value)
    {
        var path = "/proc/sys/" + name;
        using var file = Libc.CheckHandle(Open(path, O_WRONLY | O_CLOEXEC), "open", path);
        var bytes = Encoding.ASCII.GetBytes(value);
        fixed (byte* data = bytes) Libc.Check(Write(file, data, (nuint)bytes.Length), "write", path);
    }

    /// <summary>Sets one that not every kernel has.</summary>
    public static void TrySet(string name, string value)
    {
        try
        {
            Set(name, value);
        }
        catch (LinuxException e) when (e.Errno == Libc.ENOENT)
        {
            // IPv6 may have been left out of the kernel or switched off: then there is nothing to switch off here.
        }
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static unsafe partial nint Write(SafeHandle file, byte* data, nuint length);
}
