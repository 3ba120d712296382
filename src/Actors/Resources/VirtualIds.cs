namespace Vni.Actors.Resources;

/// <summary>The virtual half of all tables, as manifests hold it: of each type that there is, by its name, every virtual id with its
/// owner's virtual pid.</summary>
public static class VirtualIds
{
    /// <summary>Of what was found.</summary>
    public static SortedDictionary<string, SortedDictionary<string, int>> Of(IEnumerable<FoundResource> found)
    {
        var ids = new SortedDictionary<string, SortedDictionary<string, int>>(StringComparer.Ordinal);
        foreach (var ofType in found.GroupBy(resource => resource.Type))
            ids.Add(ResourceNames.Of(ofType.Key), new SortedDictionary<string, int>(ofType.ToDictionary(resource => resource.Virtual, resource => resource.Owner), StringComparer.Ordinal));
        return ids;
    }

    /// <summary>One phrase for each id that is there only once; empty when all are the same. Owners may differ: a descriptor that
    /// several processes share is said to be the first one's.</summary>
    public static IEnumerable<string> Differences(
        IReadOnlyDictionary<string, SortedDictionary<string, int>> before, IReadOnlyDictionary<string, SortedDictionary<string, int>> after)
    {
        foreach (var type in before.Keys.Union(after.Keys, StringComparer.Ordinal))
        {
            var (was, now) = (before.GetValueOrDefault(type), after.GetValueOrDefault(type));
            foreach (var id in was?.Keys.Where(id => now?.ContainsKey(id) != true) ?? []) yield return $"{type} {id} is missing";
            foreach (var id in now?.Keys.Where(id => was?.ContainsKey(id) != true) ?? []) yield return $"{type} {id} is new";
        }
    }
}
