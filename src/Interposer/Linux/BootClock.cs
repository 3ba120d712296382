using System.Runtime.InteropServices;

namespace Vni.Interposer.Linux;

/// <summary>clock_gettime(2).</summary>
internal static partial class Libc
{
    private const int CLOCK_BOOTTIME = 7;

    /// <summary>Nanoseconds since the machine was started, the time it was suspended included.</summary>
    public static unsafe long BootTime()
    {
        var time = stackalloc long[2]; // struct timespec of 64-bit Linux: seconds, nanoseconds
        Check(ClockGetTime(CLOCK_BOOTTIME, time), "clock_gettime", "CLOCK_BOOTTIME");
        return (time[0] * 1_000_000_000) + time[1];
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime", SetLastError = true)]
    private static unsafe partial int ClockGetTime(int clock, long* time);
}
