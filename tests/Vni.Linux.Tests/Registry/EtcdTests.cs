using System.Text;
using Vni.Actors.Registry;
using Vni.Actors.Security;
using Vni.Cluster.Registry.Etcd;
using Vni.Unit.Tests.Registry;
using Xunit;

namespace Vni.Linux.Tests.Registry;

public sealed class EtcdTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    [EtcdFact]
    public async Task Reads_writes_and_watches_go_on_when_the_leader_of_three_is_killed()
    {
        await using var cluster = await EtcdCluster.StartAsync(3);
        var leader = await cluster.LeaderAsync();
        // The leader is asked first, so that it is the one in use.
        await using var registry = EtcdRegistry.Open(new()
        {
            Endpoints = [cluster.Urls[leader], .. cluster.Urls.Where(url => url != cluster.Urls[leader])],
            GiveUpAfter = TimeSpan.FromSeconds(60),
        });
        var first = await WriteAsync(registry, 0);
        await using var watch = registry.WatchAsync(KeyRange.Prefix("/n/"), first, default).GetAsyncEnumerator();
        Assert.Equal((first, 0), await NextAsync(watch));

        await cluster.KillAsync(leader);
        for (var i = 1; i <= 20; i++) await WriteAsync(registry, i, persist: true);
        for (var i = 1; i <= 20; i++) Assert.Equal((first + i, i), await NextAsync(watch));
        Assert.Equal(21, (await registry.RangeAsync(KeyRange.Prefix("/n/"), default)).Count);
        Assert.NotNull((await registry.GetStatusAsync(default)).Leader);
    }

    [EtcdFact]
    public async Task A_member_without_a_majority_answers_nothing_from_the_past()
    {
        await using var cluster = await EtcdCluster.StartAsync(3);
        await using var registry = EtcdRegistry.Open(new() { Endpoints = [cluster.Urls[0]], GiveUpAfter = TimeSpan.FromSeconds(1), RequestTimeout = TimeSpan.FromSeconds(5) });
        await WriteAsync(registry, 0);
        await cluster.KillAsync(1);
        await cluster.KillAsync(2);
        await Assert.ThrowsAsync<RegistryUnavailableException>(() => registry.RangeAsync(new("/n/0"), default).WaitAsync(Limit));
        await Assert.ThrowsAsync<RegistryUnavailableException>(() => WriteAsync(registry, 1).WaitAsync(Limit));
    }

    [EtcdFact]
    public async Task A_watch_of_what_was_compacted_says_where_to_begin()
    {
        await using var cluster = await EtcdCluster.StartAsync();
        await using var registry = cluster.Connect();
        var first = await WriteAsync(registry, 0);
        for (var i = 1; i < 10; i++) await WriteAsync(registry, i);
        await cluster.PostAsync("/v3/kv/compaction", $$"""{"revision":"{{first + 5}}"}""");
        await using var watch = registry.WatchAsync(KeyRange.Prefix("/n/"), first, default).GetAsyncEnumerator();
        var error = await Assert.ThrowsAsync<CompactedException>(() => watch.MoveNextAsync().AsTask().WaitAsync(Limit));
        Assert.Equal(first + 5, error.OldestRevision);
        await using var again = registry.WatchAsync(KeyRange.Prefix("/n/"), error.OldestRevision, default).GetAsyncEnumerator();
        Assert.Equal((first + 5, 5), await NextAsync(again));
    }

    [EtcdFact]
    public async Task Changes_that_come_in_pieces_are_put_together()
    {
        await using var cluster = await EtcdCluster.StartAsync();
        await using var registry = cluster.Connect();
        var first = 0L;
        for (var i = 0; i < 6; i++)
        {
            // Two keys in a revision, and more in all than one message holds.
            var value = Enumerable.Repeat((byte)('a' + i), 650_000).ToArray();
            var done = await registry.TransactAsync(new([], [new Operation.Put("/big/1", value), new Operation.Put("/big/2", value)], []), default);
            if (first == 0) first = done.Revision;
        }

        await using var watch = registry.WatchAsync(KeyRange.Prefix("/big/"), first, default).GetAsyncEnumerator();
        for (var i = 0; i < 6; i++)
        {
            Assert.True(await watch.MoveNextAsync().AsTask().WaitAsync(Limit));
            Assert.Equal(first + i, watch.Current.Revision);
            Assert.Equal(["/big/1", "/big/2"], watch.Current.Changes.Select(change => change.Pair.Key));
            Assert.All(watch.Current.Changes, change => Assert.Equal((650_000, (byte)('a' + i)), (change.Pair.Value.Length, change.Pair.Value.Span[^1])));
        }
    }

    [EtcdFact]
    public async Task A_client_of_another_farm_is_refused()
    {
        using var farm = new TestFarm();
        using var elsewhere = new TestFarm();
        await using var cluster = await EtcdCluster.StartAsync(1, farm.Issue("etcd-1", PeerRole.Registry));
        await using var stranger = EtcdRegistry.Open(new() { Endpoints = cluster.Urls, Tls = elsewhere.Member("node-1", PeerRole.Node), GiveUpAfter = TimeSpan.FromMilliseconds(1) });
        await Assert.ThrowsAsync<RegistryUnavailableException>(() => WriteAsync(stranger, 1).WaitAsync(Limit));
        await using var member = EtcdRegistry.Open(new() { Endpoints = cluster.Urls, Tls = farm.Member("node-1", PeerRole.Node), GiveUpAfter = TimeSpan.FromSeconds(30) });
        await WriteAsync(member, 1);
        Assert.StartsWith("etcd 3.", (await member.GetStatusAsync(default)).Version);
    }

    /// <summary>Writes a number once, as callers do: what is not known to be there is looked for before it is written again.</summary>
    private static async Task<long> WriteAsync(IRegistry registry, int number, bool persist = false)
    {
        var key = $"/n/{number}";
        while (true)
        {
            try
            {
                var done = await registry.TransactAsync(
                    new([Comparison.Absent(key)], [new Operation.Put(key, Encoding.UTF8.GetBytes($"{number}"))], [new Operation.Get(new(key))]), default);
                return done.Succeeded ? done.Revision : done.Responses[0].Pairs.Single().ModRevision;
            }
            catch (RegistryUnavailableException e) when (persist && e.Message.Contains("may have been carried out"))
            {
                // Unknown: the next round sees what became of it.
            }
        }
    }

    private static async Task<(long Revision, int Number)> NextAsync(IAsyncEnumerator<WatchBatch> watch)
    {
        Assert.True(await watch.MoveNextAsync().AsTask().WaitAsync(Limit), "the watch has ended");
        return (watch.Current.Revision, int.Parse(Encoding.UTF8.GetString(watch.Current.Changes.Single().Pair.Value.Span)));
    }
}
