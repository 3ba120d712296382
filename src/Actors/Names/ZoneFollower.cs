using Microsoft.Extensions.Logging;
using Vni.Actors.Registry;

namespace Vni.Actors.Names;

/// <summary>
/// The zone's table, kept up to date by a watch of the applications. Any thread may read it. While the registry is away the
/// last table stays: without the registry nobody gets or gives back a name, so it goes on being true.
/// </summary>
/// <param name="registry">The farm's store.</param>
/// <param name="keys">Its keys.</param>
/// <param name="retryDelay">Wait before a registry that failed is asked again.</param>
/// <param name="time">The clock.</param>
/// <param name="log">What could not be read.</param>
public sealed class ZoneFollower(IRegistry registry, RegistryKeys keys, TimeSpan retryDelay, TimeProvider time, ILogger log)
{
    private ZoneTable? _table;

    /// <summary>What has a name now; <c>null</c>: the registry has not been read yet.</summary>
    public ZoneTable? Table => Volatile.Read(ref _table);

    /// <summary>Follows until it is cancelled, whatever happens to the registry.</summary>
    public async Task FollowAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                var range = KeyRange.Prefix(keys.Applications);
                var read = await registry.RangeAsync(range, cancellationToken);
                Volatile.Write(ref _table, ZoneTable.Empty.With(read.Revision, read.Pairs.SelectMany(pair => Change(new Change(Deleted: false, pair)))));
                await foreach (var batch in registry.WatchAsync(range, read.Revision + 1, cancellationToken))
                    Volatile.Write(ref _table, _table!.With(batch.Revision, batch.Changes.SelectMany(Change)));
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested) // Whatever it is, names that stay as they were for ever would be worse.
            {
                log.FollowingFailed(e);
            }

            await Task.Delay(retryDelay, time, cancellationToken);
        }
    }

    /// <summary>What a change of the registry does to the table; nothing, if it cannot be understood: then the former name stays.</summary>
    private IEnumerable<KeyValuePair<string, NamedInstance?>> Change(Change change)
    {
        var aid = change.Pair.Key[keys.Applications.Length..];
        if (change.Deleted) return [new(aid, null)];
        try
        {
            if (NamedInstance.Of(RegistryJson.Named(change.Pair).Identity) is { } instance) return [new(aid, instance)];
            log.BadIdentity(aid);
        }
        catch (VniException e)
        {
            log.UnreadableName(e);
        }

        return [];
    }
}
