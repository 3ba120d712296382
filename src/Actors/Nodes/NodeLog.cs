using Microsoft.Extensions.Logging;

namespace Vni.Actors.Nodes;

/// <summary>What the node logs; ids 1120 to 1139.</summary>
internal static partial class NodeLog
{
    [LoggerMessage(1120, LogLevel.Information, "Node {Node}: {Applications} applications looked at, {Unknown} unknown instances and {Orphans} orphaned snapshots removed")]
    public static partial void Opened(this ILogger log, string node, int applications, int unknown, int orphans);

    [LoggerMessage(1121, LogLevel.Error, "Application {Aid} could not be recovered; it stays as it was found")]
    public static partial void RecoveryFailed(this ILogger log, Exception reason, string aid);

    [LoggerMessage(1122, LogLevel.Error, "A record is left alone")]
    public static partial void Unreadable(this ILogger log, Exception reason);

    [LoggerMessage(1123, LogLevel.Warning, "The node's lease could not be renewed; the next attempt follows")]
    public static partial void LeaseNotRenewed(this ILogger log, Exception reason);

    [LoggerMessage(1124, LogLevel.Warning, "The node's lease was lost and replaced by {Lease}")]
    public static partial void LeaseReplaced(this ILogger log, long lease);

    [LoggerMessage(1125, LogLevel.Warning, "{Doing} failed")]
    public static partial void WorkFailed(this ILogger log, Exception reason, string doing);

    [LoggerMessage(1126, LogLevel.Warning, "The actor of application {Aid} stopped and is brought back")]
    public static partial void Reviving(this ILogger log, string aid);

    [LoggerMessage(1127, LogLevel.Critical, "The node's lease could not be renewed in time: all instances are frozen until it is confirmed that they are this node's")]
    public static partial void Fenced(this ILogger log);

    [LoggerMessage(1128, LogLevel.Warning, "The node's lease is confirmed again; instances that are still this node's run on")]
    public static partial void Lifted(this ILogger log);

    [LoggerMessage(1129, LogLevel.Information, "This node is the farm's leader")]
    public static partial void Leads(this ILogger log);

    [LoggerMessage(1130, LogLevel.Warning, "Application {Aid} is restored from {Snapshot} on node {Node}: its node has gone")]
    public static partial void Restores(this ILogger log, string aid, string snapshot, string node);

    [LoggerMessage(1131, LogLevel.Error, "Application {Aid} is lost: {Why}")]
    public static partial void GivesUp(this ILogger log, string aid, string why);
}
