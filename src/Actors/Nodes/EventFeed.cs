using System.Runtime.CompilerServices;
using Vni.Actors.Applications;
using Vni.Actors.Identity;
using Vni.Actors.Registry;

namespace Vni.Actors.Nodes;

/// <summary>The events of an application: a read, and a watch from the revision of that read on, so that none is missed
/// and none comes twice.</summary>
internal static class EventFeed
{
    /// <summary>Past events in order; with <paramref name="follow"/> also those to come, until the application is removed.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.NotFound"/>.</exception>
    public static async IAsyncEnumerable<ApplicationEvent> ReadAsync(
        IRegistry registry, RegistryKeys keys, Aid aid, bool follow, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var range = KeyRange.Prefix(keys.Events(aid));
        var last = 0L;
        while (true)
        {
            var read = await registry.TransactAsync(
                new Transaction([], [new Operation.Get(new KeyRange(keys.Application(aid), KeysOnly: true)), new Operation.Get(range)], []), cancellationToken);
            if (read.Responses[0].Count == 0)
            {
                if (last > 0) yield break; // Removed while this followed it.
                throw ApplicationSentences.NotFound(aid);
            }

            foreach (var pair in read.Responses[1].Pairs)
            {
                var happened = RegistryJson.Event(pair);
                if (happened.Number <= last) continue;
                last = happened.Number;
                yield return happened;
            }

            if (!follow) yield break;
            await using var watch = registry.WatchAsync(range, read.Revision + 1, cancellationToken).GetAsyncEnumerator(cancellationToken);
            while (await NextAsync(watch) is { } more)
            {
                if (!more) yield break;
                foreach (var change in watch.Current.Changes)
                {
                    // Trimming takes the oldest; the newest goes with the application.
                    if (change.Deleted && change.Pair.Key == keys.Event(aid, last)) yield break;
                    if (change.Deleted) continue;
                    var happened = RegistryJson.Event(change.Pair);
                    last = happened.Number;
                    yield return happened;
                }
            }
        }
    }

    /// <summary>Whether there is more; <c>null</c>: the range must be read anew, because changes are no longer kept.</summary>
    private static async Task<bool?> NextAsync(IAsyncEnumerator<WatchBatch> watch)
    {
        try
        {
            return await watch.MoveNextAsync();
        }
        catch (CompactedException)
        {
            return null;
        }
    }
}
