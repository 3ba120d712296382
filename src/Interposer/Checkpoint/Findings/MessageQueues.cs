using Vni.Actors.Interposition;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Checkpoint.Findings;

/// <summary>POSIX message queues: CRIU saves none, and does not say so when none is open at the moment.</summary>
internal static class MessageQueues
{
    /// <param name="init">A process in the IPC namespace.</param>
    public static IEnumerable<Finding> Find(int init) => Of(Namespaces.Run(init, NamespaceKind.Ipc, MessageQueueNames.Read));

    /// <summary>What queues of these names mean.</summary>
    internal static IEnumerable<Finding> Of(IReadOnlyList<string> names) => names.Count == 0 ? [] :
    [
        new Finding(
            null, null, null, FindingKinds.PosixMessageQueue,
            $"{(names.Count == 1 ? "POSIX message queue" : $"{names.Count} POSIX message queues,")} {string.Join(", ", names.Take(5))}{(names.Count > 5 ? ", ..." : "")}",
            "have the application remove what it does not need (mq_unlink); CRIU saves none"),
    ];
}
