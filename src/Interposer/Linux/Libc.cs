using System.Runtime.InteropServices;
using System.Runtime.InteropServices.Marshalling;
using Microsoft.Win32.SafeHandles;

namespace Vni.Interposer.Linux;

/// <summary>A system call that the kernel refused: <c>setns '/proc/7/ns/net': EPERM (Operation not permitted)</c>.</summary>
/// <param name="errno">Error number, positive; see errno(3).</param>
/// <param name="call">Name of the call.</param>
/// <param name="obj">What it was applied to: a path, an interface, a pid; <c>null</c> when the call has no object.</param>
/// <param name="detail">What the kernel said beyond the number, such as netlink's extended acknowledgement or the
/// verifier's log; <c>null</c> when it said nothing.</param>
internal sealed class LinuxException(int errno, string call, string? obj = null, string? detail = null)
    : IOException(Describe(errno, call, obj, detail))
{
    /// <summary>Error number, positive.</summary>
    public int Errno { get; } = errno;

    /// <summary>Name of the call.</summary>
    public string Call { get; } = call;

    /// <summary>What the call was applied to.</summary>
    public string? Object { get; } = obj;

    private static string Describe(int errno, string call, string? obj, string? detail)
    {
        var place = obj is null ? call : $"{call} '{obj}'";
        var text = $"{place}: {Libc.ErrorName(errno)} ({Marshal.GetPInvokeErrorMessage(errno)})";
        return detail is null ? text : $"{text}: {detail}";
    }
}

/// <summary>
/// The C library. Each file of this class is one subject of the kernel; raw imports return what C returns, and the
/// methods around them throw <see cref="LinuxException"/>.
/// </summary>
internal static partial class Libc
{
    /// <summary>Error numbers of x86-64 and arm64, from <c>asm-generic/errno-base.h</c> and <c>errno.h</c>.</summary>
    public const int EPERM = 1, ENOENT = 2, ESRCH = 3, EINTR = 4, EIO = 5, ENXIO = 6, EBADF = 9, ECHILD = 10,
        EAGAIN = 11, ENOMEM = 12, EACCES = 13, EBUSY = 16, EEXIST = 17, EXDEV = 18, ENODEV = 19, ENOTDIR = 20,
        EISDIR = 21, EINVAL = 22, ENOTTY = 25, ENOSPC = 28, EPIPE = 32, ERANGE = 34, ENAMETOOLONG = 36, ENOSYS = 38,
        ENOTEMPTY = 39, ELOOP = 40, EADDRINUSE = 98, EADDRNOTAVAIL = 99, ENOBUFS = 105, ENOTSUP = 95, ECONNREFUSED = 111;

    /// <summary>Passes a result that is not negative on; otherwise throws what <c>errno</c> says. Call it at once after
    /// an import with <c>SetLastError</c>.</summary>
    public static int Check(int result, string call, string? obj = null) =>
        result >= 0 ? result : throw new LinuxException(Marshal.GetLastPInvokeError(), call, obj);

    /// <inheritdoc cref="Check(int, string, string?)" />
    public static long Check(long result, string call, string? obj = null) =>
        result >= 0 ? result : throw new LinuxException(Marshal.GetLastPInvokeError(), call, obj);

    /// <summary>Wraps a new descriptor; throws what <c>errno</c> says if it is negative.</summary>
    public static SafeFileHandle CheckHandle(int descriptor, string call, string? obj = null) =>
        new(Check(descriptor, call, obj), ownsHandle: true);

    /// <summary><c>EINVAL</c> for 22; the bare number where the library knows no name.</summary>
    public static unsafe string ErrorName(int errno) =>
        Utf8StringMarshaller.ConvertToManaged(ErrorNameOf(errno)) ?? $"errno {errno}";

    /// <summary>glibc 2.32 or later; the result is static.</summary>
    [LibraryImport("libc", EntryPoint = "strerrorname_np")]
    private static unsafe partial byte* ErrorNameOf(int errno);
}
