namespace Vni.Actors.Resources;

/// <summary>Compares the tables of before and after: a restored instance must see every id and value as it was.</summary>
public static class ResourceDifference
{
    /// <summary>One phrase per difference, naming type, id, what it was and what it is; empty when nothing differs.</summary>
    public static IReadOnlyList<string> Between(ResourceTable before, ResourceTable after)
    {
        var found = new List<string>();
        Compare("process", before.Processes, after.Processes, p => p.Pid, Describe, found);
        Compare("semaphore set", before.Semaphores, after.Semaphores, s => s.Id, Describe, found);
        Compare("shared memory segment", before.SharedMemory, after.SharedMemory, s => s.Id, Describe, found);
        Compare("message queue", before.MessageQueues, after.MessageQueues, q => q.Id, Describe, found);
        if (before.Ids is { } was && after.Ids is { } now)
        {
            // What has values is compared above, in words that say more.
            var reported = new[] { ResourceType.Process, ResourceType.Semaphore, ResourceType.SharedMemory, ResourceType.MessageQueue }.Select(ResourceNames.Of).ToArray();
            found.AddRange(VirtualIds.Differences(Without(was, reported), Without(now, reported)));
        }

        return found;
    }

    private static Dictionary<string, SortedDictionary<string, int>> Without(SortedDictionary<string, SortedDictionary<string, int>> ids, string[] types) =>
        ids.Where(ofType => !types.Contains(ofType.Key, StringComparer.Ordinal)).ToDictionary(StringComparer.Ordinal);

    private static void Compare<T>(string type, IReadOnlyList<T> before, IReadOnlyList<T> after, Func<T, int> id, Func<T, string> describe, List<string> found)
    {
        var now = after.ToDictionary(id, describe);
        foreach (var item in before)
        {
            if (!now.Remove(id(item), out var is_)) found.Add($"{type} {id(item)} is missing");
            else if (describe(item) is var was && was != is_) found.Add($"{type} {id(item)} was ({was}) and is ({is_})");
        }

        found.AddRange(now.Select(extra => $"{type} {extra.Key} is new"));
    }

    private static string Describe(ProcessResource p) =>
        $"parent {p.Parent}, group {p.Group}, session {p.Session}, command {p.Command}, threads {string.Join(' ', p.Threads)}";

    private static string Describe(SemaphoreResource s) => $"key 0x{s.Key:x}, values {string.Join(' ', s.Values)}";

    private static string Describe(SharedMemoryResource s) => $"key 0x{s.Key:x}, {s.Size} bytes";

    private static string Describe(MessageQueueResource q) => $"key 0x{q.Key:x}, {q.Messages} messages, {q.Bytes} bytes";
}
