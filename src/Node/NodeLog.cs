using Microsoft.Extensions.Logging;

namespace Vni.Node;

/// <summary>What the daemon itself logs; ids 4000 to 4099.</summary>
internal static partial class NodeLog
{
    [LoggerMessage(4000, LogLevel.Information, "vnid {Version} starts as node {Node} of farm {Farm}, state in {State}")]
    internal static partial void Starting(this ILogger log, string version, string node, string farm, string state);

    [LoggerMessage(4001, LogLevel.Information, "Ready after {Milliseconds} ms, listening at {Socket}")]
    internal static partial void Ready(this ILogger log, double milliseconds, string socket);

    [LoggerMessage(4002, LogLevel.Information, "Stopping: no new requests; applications run on")]
    internal static partial void Stopping(this ILogger log);

    [LoggerMessage(4003, LogLevel.Information, "Stopped")]
    internal static partial void Stopped(this ILogger log);

    [LoggerMessage(4004, LogLevel.Warning, "There is no group {Group}: only root can use {Socket}; 'groupadd --system {Group}' and a restart let its members")]
    internal static partial void NoGroup(this ILogger log, string group, string socket);

    [LoggerMessage(4007, LogLevel.Warning, "Listening at {Address} without certificates: whoever reaches it can do everything that root can")]
    internal static partial void Insecure(this ILogger log, System.Net.IPEndPoint address);

    [LoggerMessage(4010, LogLevel.Information, "{Method} {Path}: {Status} after {Milliseconds:F1} ms")]
    internal static partial void Changed(this ILogger log, string method, string path, int status, double milliseconds);

    [LoggerMessage(4011, LogLevel.Debug, "{Method} {Path}: {Status} after {Milliseconds:F1} ms")]
    internal static partial void Read(this ILogger log, string method, string path, int status, double milliseconds);

    [LoggerMessage(4012, LogLevel.Information, "{Method} {Path} refused ({Code}): {Message}")]
    internal static partial void Refused(this ILogger log, string method, string path, string code, string message);

    [LoggerMessage(4013, LogLevel.Error, "{Method} {Path} failed")]
    internal static partial void Failed(this ILogger log, Exception exception, string method, string path);

    [LoggerMessage(4020, LogLevel.Information, "Visitor in {Aid} ended with {Status}: {Command}")]
    internal static partial void VisitorEnded(this ILogger log, string aid, int status, string command);

    [LoggerMessage(4021, LogLevel.Information, "Visitor in {Aid} is ended because its client is gone: {Command}")]
    internal static partial void VisitorAbandoned(this ILogger log, string aid, string command);
}
