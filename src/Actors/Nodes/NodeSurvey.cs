using Vni.Actors.Applications;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Actors.Registry;
using Vni.Actors.Snapshots;

namespace Vni.Actors.Nodes;

/// <summary>Registry and node side by side, as a starting daemon finds them.</summary>
/// <param name="Applications">This node's, with all their snapshots, and what is there of each.</param>
/// <param name="Foreign">Instances found here that belong to other nodes now.</param>
/// <param name="Unknown">AIDs found here of which the registry knows nothing.</param>
/// <param name="Orphans">Snapshots on disk that the registry knows nothing of, or knows of other live nodes alone.</param>
/// <param name="Unreadable">Records that cannot be read, with why: what they describe is left alone.</param>
/// <param name="OnDisk">All snapshots on disk.</param>
internal sealed record NodeSurvey(
    IReadOnlyList<(LoadedApplication Application, FoundState? Found)> Applications,
    IReadOnlyList<InstanceSpec> Foreign,
    IReadOnlyList<Aid> Unknown,
    IReadOnlyList<string> Orphans,
    IReadOnlyList<VniException> Unreadable,
    IReadOnlySet<string> OnDisk)
{
    /// <summary>Reads the registry once and the node once.</summary>
    public static async Task<NodeSurvey> TakeAsync(IRegistry registry, RegistryKeys keys, IInterposer interposer, string node, CancellationToken cancellationToken)
    {
        // The node first: what it is still doing for a former daemon ends in there.
        var inventory = await interposer.DiscoverAsync(cancellationToken);
        var read = await registry.TransactAsync(
            new Transaction([], [.. new[] { keys.Applications, keys.Owners, keys.Snapshots, keys.Members }.Select(prefix => new Operation.Get(KeyRange.Prefix(prefix)))], []),
            cancellationToken);
        var unreadable = new List<VniException>();
        var owners = read.Responses[1].Pairs.ToDictionary(pair => pair.Key);
        var snapshots = Parse(read.Responses[2].Pairs, RegistryJson.Snapshot, unreadable).ToLookup(snapshot => snapshot.Aid);
        var applications = Parse(
            read.Responses[0].Pairs,
            pair => ApplicationStore.Stored(pair, owners.GetValueOrDefault(keys.Owners + pair.Key[keys.Applications.Length..])),
            unreadable);

        var known = read.Responses[0].Pairs.Select(pair => pair.Key[keys.Applications.Length..]).ToHashSet(StringComparer.Ordinal);
        var members = read.Responses[3].Pairs.Select(pair => pair.Key[keys.Members.Length..]).ToHashSet(StringComparer.Ordinal);
        // A copy that came here and was not noted is of no use, as long as those that are noted are there.
        var elsewhere = snapshots.SelectMany(of => of).Where(snapshot => !snapshot.Holders.Contains(node) && snapshot.Holders.Any(members.Contains)).Select(snapshot => snapshot.Id);
        var recorded = read.Responses[2].Pairs.Select(pair => pair.Key[keys.Snapshots.Length..]).Except(elsewhere, StringComparer.Ordinal).ToHashSet(StringComparer.Ordinal);
        var found = inventory.Instances.ToDictionary(instance => instance.Aid, instance => instance.State);
        return new NodeSurvey(
            [.. applications.Where(a => IsOf(a.State, node)).Select(a => (
                new LoadedApplication(a, [.. snapshots[a.State.Aid]]), found.TryGetValue(a.State.Aid, out var state) ? state : (FoundState?)null))],
            [.. applications.Where(a => !IsOf(a.State, node) && found.ContainsKey(a.State.Aid))
                .Select(a => new InstanceSpec(a.State.Aid, a.State.Identity, a.State.Declaration, a.State.Epoch))],
            [.. found.Keys.Where(aid => !known.Contains(aid.Value))],
            [.. inventory.Snapshots.Where(id => !recorded.Contains(id))],
            unreadable,
            inventory.Snapshots.ToHashSet(StringComparer.Ordinal));
    }

    /// <summary>Whether a node must see to an application: it runs it or holds its snapshot, or has frozen it for a hand-off.</summary>
    public static bool IsOf(ApplicationState state, string node) => state.Node == node || state.HandOff?.Source == node;

    private static List<T> Parse<T>(IReadOnlyList<KeyValue> pairs, Func<KeyValue, T> parse, List<VniException> unreadable)
    {
        var parsed = new List<T>(pairs.Count);
        foreach (var pair in pairs)
        {
            try
            {
                parsed.Add(parse(pair));
            }
            catch (VniException e)
            {
                unreadable.Add(e);
            }
        }

        return parsed;
    }
}
