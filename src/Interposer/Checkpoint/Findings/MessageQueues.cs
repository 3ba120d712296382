using Vni.Actors.Interposition;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Checkpoint.Findings;

/// <summary>POSIX message queues are saved (<see cref="Queues.QueueImage"/>), but for what the kernel does not tell of them, and for a
/// file system of theirs: CRIU refuses one that is not empty.</summary>
internal static class MessageQueues
{
    /// <param name="proc">What is known of processes.</param>
    /// <param name="init">A process in the IPC namespace, of the instance's mount namespace.</param>
    public static IEnumerable<Finding> Find(IProcReader proc, int init)
    {
        var queues = Namespaces.Run(init, NamespaceKind.Ipc, MessageQueueNames.ReadStates);
        return queues.Count == 0 ? [] : Of([.. queues.Select(q => q.Name)], [.. queues.Where(q => q.Notifies).Select(q => q.Name)], new Mounts(proc, init).MessageQueues);
    }

    /// <summary>What is to be said of queues.</summary>
    /// <param name="names">All of them.</param>
    /// <param name="notifying">Those of which a process waits for a notification.</param>
    /// <param name="mounts">Where their file system is mounted.</param>
    internal static IEnumerable<Finding> Of(IReadOnlyList<string> names, IReadOnlyList<string> notifying, IReadOnlyList<string> mounts)
    {
        if (names.Count > 0 && mounts.FirstOrDefault(at => at != Queues.QueueImage.MountPoint) is { } own)
        {
            yield return new Finding(
                null, null, null, FindingKinds.PosixMessageQueue, $"{Say(names)}, whose file system is mounted at {own}, too", $"have the application use {Queues.QueueImage.MountPoint} alone");
        }

        if (names.Count > 0 && !mounts.Contains(Queues.QueueImage.MountPoint))
        {
            yield return new Finding(
                null, null, null, FindingKinds.PosixMessageQueue, $"{Say(names)}, whose file system is not mounted at {Queues.QueueImage.MountPoint} any more", "mount it there");
        }

        if (names.Where(name => name.Contains('\uFFFD', StringComparison.Ordinal)).ToList() is { Count: > 0 } unreadable)
        {
            yield return new Finding(
                null, null, null, FindingKinds.PosixMessageQueue, $"{Say(unreadable)}, whose name is not UTF-8", "give it another name: CRIU's images hold no other");
        }

        if (notifying.Count > 0)
        {
            yield return new Finding(
                null, null, null, FindingKinds.PosixMessageQueue, $"{Say(notifying)}, of which a process waits for a notification", "have it wait in another way than mq_notify(3): the kernel does not tell what it is to be told");
        }
    }

    private static string Say(IReadOnlyList<string> names) =>
        $"{(names.Count == 1 ? "POSIX message queue" : $"{names.Count} POSIX message queues,")} {string.Join(", ", names.Take(5))}{(names.Count > 5 ? ", ..." : "")}";
}
