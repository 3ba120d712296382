using Microsoft.Extensions.Logging;

namespace Vni.Cluster.Names;

/// <summary>What the name server logs; ids 1610 to 1619.</summary>
internal static partial class NameServerLog
{
    [LoggerMessage(1610, LogLevel.Debug, "names: a query could not be answered")]
    public static partial void QueryFailed(this ILogger log, Exception cause);

    [LoggerMessage(1611, LogLevel.Information, "names: {Domain} is answered at {EndPoints}")]
    public static partial void Answering(this ILogger log, string domain, string endPoints);

    [LoggerMessage(1612, LogLevel.Warning, "names: {Reason}; names are not answered here")]
    public static partial void NotAnswering(this ILogger log, string reason);
}
