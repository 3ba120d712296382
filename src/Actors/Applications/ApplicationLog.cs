using Microsoft.Extensions.Logging;

namespace Vni.Actors.Applications;

/// <summary>What applications log; ids 1100 to 1119.</summary>
internal static partial class ApplicationLog
{
    [LoggerMessage(1100, LogLevel.Information, "Application {Aid}: {From} to {To}")]
    public static partial void Moved(this ILogger log, string aid, ApplicationStatus from, ApplicationStatus to);

    [LoggerMessage(1101, LogLevel.Warning, "Application {Aid}: {Doing} and that failed")]
    public static partial void OperationFailed(this ILogger log, Exception reason, string aid, string doing);

    [LoggerMessage(1102, LogLevel.Warning, "Application {Aid} is given up by this node")]
    public static partial void Fenced(this ILogger log, Exception reason, string aid);

    [LoggerMessage(1103, LogLevel.Debug, "Application {Aid} ignores {Message} while {Status}")]
    public static partial void Ignored(this ILogger log, string aid, string message, ApplicationStatus status);

    [LoggerMessage(1104, LogLevel.Warning, "Application {Aid}: {Doing} failed; it is tried again when it is due next, at the latest when the daemon starts anew")]
    public static partial void BackgroundFailed(this ILogger log, Exception reason, string aid, string doing);

    [LoggerMessage(1105, LogLevel.Information, "Application {Aid} runs on node {Target} now; it was frozen for {Milliseconds} ms")]
    public static partial void HandedOver(this ILogger log, string aid, string target, double milliseconds);
}
