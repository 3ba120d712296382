using System.Runtime.InteropServices;

namespace Vni.Interposer.Linux;

/// <summary>What the daemon asks of the kernel for itself: getrlimit(2), mkdir(2), chown(2).</summary>
public static partial class DaemonProcess
{
    private const int RLIMIT_NOFILE = 7; // asm-generic/resource.h
    private const uint KeepOwner = uint.MaxValue; // chown(2): -1 leaves the id unchanged
    private const int PrivateMode = 0x1C0; // 0700

    /// <summary>Raises the soft limit of open descriptors to the hard one, which is returned.</summary>
    public static long RaiseDescriptorLimit()
    {
        Libc.Check(GetLimit(RLIMIT_NOFILE, out var limit), "getrlimit", "RLIMIT_NOFILE");
        limit.Soft = limit.Hard;
        Libc.Check(SetLimit(RLIMIT_NOFILE, limit), "setrlimit", "RLIMIT_NOFILE");
        return (long)limit.Hard;
    }

    /// <summary>Makes a directory that only its owner may enter.</summary>
    /// <exception cref="IOException"><c>EEXIST</c>: something is there, which may be someone else's.</exception>
    public static void MakePrivateDirectory(string path) => Libc.Check(MakeDirectory(path, PrivateMode), "mkdir", path);

    /// <summary>Gives a file to a group; the owner stays.</summary>
    public static void GiveToGroup(string path, uint group) => Libc.Check(ChangeOwner(path, KeepOwner, group), "chown", path);

    /// <summary><c>struct rlimit</c> of 64-bit Linux.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Limit
    {
        public ulong Soft;
        public ulong Hard;
    }

    [LibraryImport("libc", EntryPoint = "getrlimit", SetLastError = true)]
    private static partial int GetLimit(int resource, out Limit limit);

    [LibraryImport("libc", EntryPoint = "setrlimit", SetLastError = true)]
    private static partial int SetLimit(int resource, in Limit limit);

    [LibraryImport("libc", EntryPoint = "mkdir", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MakeDirectory(string path, uint mode);

    [LibraryImport("libc", EntryPoint = "chown", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ChangeOwner(string path, uint owner, uint group);
}
