using System.Collections.Frozen;
using Microsoft.Extensions.Logging;
using Vni.Actors.Nodes;
using Vni.Actors.Registry;

namespace Vni.Actors.Farms;

/// <summary>The live nodes, kept up to date by a watch: who they are, where they answer, who leads. Any thread may read.</summary>
/// <param name="registry">The farm's store.</param>
/// <param name="keys">Its keys.</param>
/// <param name="settings">This node.</param>
/// <param name="time">The clock.</param>
/// <param name="log">What could not be read.</param>
public sealed class MemberDirectory(IRegistry registry, RegistryKeys keys, NodeSettings settings, TimeProvider time, ILogger log)
{
    private FrozenDictionary<string, MemberRecord> _members = FrozenDictionary<string, MemberRecord>.Empty;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Where a node answers, <c>host:port</c>; <c>null</c>: it is no live member, or cannot be reached.</summary>
    public string? EndpointOf(string node) => Members.GetValueOrDefault(node)?.Endpoint;

    /// <summary>By name.</summary>
    internal FrozenDictionary<string, MemberRecord> Members => Volatile.Read(ref _members);

    /// <summary>Completes when the members have changed.</summary>
    internal Task Changed => Volatile.Read(ref _changed).Task;

    /// <summary>Reads the members once.</summary>
    internal async Task<long> ReadAsync(CancellationToken cancellationToken)
    {
        var range = await registry.RangeAsync(KeyRange.Prefix(keys.Members), cancellationToken);
        Become(range.Pairs.Select(Parse).OfType<MemberRecord>());
        return range.Revision;
    }

    /// <summary>Follows the members until it is cancelled, whatever happens to the registry.</summary>
    internal async Task FollowAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                var revision = await ReadAsync(cancellationToken);
                await foreach (var batch in registry.WatchAsync(KeyRange.Prefix(keys.Members), revision + 1, cancellationToken)) Apply(batch);
            }
            catch (Exception e) when (e is RegistryUnavailableException or CompactedException)
            {
                log.WorkFailed(e, "following the members of the farm");
            }

            await Task.Delay(settings.RetryDelay, time, cancellationToken);
        }
    }

    private void Apply(WatchBatch batch)
    {
        var members = new Dictionary<string, MemberRecord>(Members, StringComparer.Ordinal);
        foreach (var change in batch.Changes)
        {
            if (change.Deleted) members.Remove(change.Pair.Key[keys.Members.Length..]);
            else if (Parse(change.Pair) is { } member) members[member.Node] = member;
        }

        Become(members.Values);
    }

    private MemberRecord? Parse(KeyValue pair)
    {
        try
        {
            var member = RegistryJson.Member(pair);
            return keys.Member(member.Node) == pair.Key ? member : null;
        }
        catch (VniException e)
        {
            log.Unreadable(e);
            return null;
        }
    }

    private void Become(IEnumerable<MemberRecord> members)
    {
        Volatile.Write(ref _members, members.ToFrozenDictionary(member => member.Node, StringComparer.Ordinal));
        Interlocked.Exchange(ref _changed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
    }
}
