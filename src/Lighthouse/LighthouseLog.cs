using Microsoft.Extensions.Logging;

namespace Vni.Lighthouse;

/// <summary>Ids 700 to 719.</summary>
internal static partial class LighthouseLog
{
    [LoggerMessage(700, LogLevel.Information, "lighthouse {Version} starting: state {State}")]
    public static partial void Starting(this ILogger log, string version, string state);

    [LoggerMessage(701, LogLevel.Information, "ready: {Urls}")]
    public static partial void Ready(this ILogger log, string urls);

    [LoggerMessage(702, LogLevel.Information, "stopping")]
    public static partial void Stopping(this ILogger log);

    [LoggerMessage(703, LogLevel.Information, "stopped")]
    public static partial void Stopped(this ILogger log);

    [LoggerMessage(704, LogLevel.Warning, "no certificates: whoever reaches this machine's addresses can change the farm (insecure: true)")]
    public static partial void Insecure(this ILogger log);

    [LoggerMessage(710, LogLevel.Information, "{Peer}: {Path} refused with status {Status}: {Reason}")]
    public static partial void Refused(this ILogger log, string peer, string path, int status, string reason);

    [LoggerMessage(711, LogLevel.Error, "{Peer}: {Path} failed")]
    public static partial void Failed(this ILogger log, string peer, string path, Exception cause);

    [LoggerMessage(712, LogLevel.Debug, "{Peer}: {Path}")]
    public static partial void Answered(this ILogger log, string peer, string path);
}
