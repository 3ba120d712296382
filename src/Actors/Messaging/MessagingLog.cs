using Microsoft.Extensions.Logging;

namespace Vni.Actors.Messaging;

/// <summary>What is logged of messages between nodes; ids 1500 to 1599.</summary>
internal static partial class MessagingLog
{
    [LoggerMessage(1500, LogLevel.Error, "Message {Kind} of node {From} with id {Id} met a defect")]
    internal static partial void QuestionFailed(this ILogger log, Exception exception, string kind, string from, string id);
}
