using Microsoft.Extensions.Logging;

namespace Vni.Actors.Kernel;

/// <summary>What the kernel logs; ids 1000 to 1019.</summary>
internal static partial class KernelLog
{
    [LoggerMessage(1000, LogLevel.Error, "Actor {Path} failed and is restarted ({Restarts} within the window)")]
    public static partial void Restarted(this ILogger log, Exception failure, string path, int restarts);

    [LoggerMessage(1001, LogLevel.Critical, "Actor {Path} failed and is stopped after {Restarts} restarts")]
    public static partial void FailedForGood(this ILogger log, Exception failure, string path, int restarts);

    [LoggerMessage(1002, LogLevel.Error, "Actor {Path} failed while it was being stopped")]
    public static partial void StopFailed(this ILogger log, Exception failure, string path);

    [LoggerMessage(1003, LogLevel.Debug, "A {Message} for actor {Path} was dropped: it has stopped")]
    public static partial void MessageDropped(this ILogger log, string path, string message);

    [LoggerMessage(1004, LogLevel.Debug, "Actor {Path} started")]
    public static partial void Started(this ILogger log, string path);

    [LoggerMessage(1005, LogLevel.Debug, "Actor {Path} stopped")]
    public static partial void Stopped(this ILogger log, string path);
}
