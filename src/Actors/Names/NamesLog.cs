using Microsoft.Extensions.Logging;

namespace Vni.Actors.Names;

/// <summary>What the names of instances log; ids 1600 to 1609.</summary>
internal static partial class NamesLog
{
    [LoggerMessage(1600, LogLevel.Warning, "names: the registry cannot be followed; what is known goes on being answered")]
    public static partial void FollowingFailed(this ILogger log, Exception cause);

    [LoggerMessage(1601, LogLevel.Warning, "names: application {Aid} has no usable hostname and address in the registry; it is left as it was")]
    public static partial void BadIdentity(this ILogger log, string aid);

    [LoggerMessage(1602, LogLevel.Warning, "names: an application of the registry cannot be read; it is left as it was")]
    public static partial void UnreadableName(this ILogger log, Exception cause);
}
