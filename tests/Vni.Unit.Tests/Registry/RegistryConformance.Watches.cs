using Vni.Actors.Registry;
using Xunit;

namespace Vni.Unit.Tests.Registry;

public abstract partial class RegistryConformance
{
    [Fact]
    public async Task A_watch_sees_what_happens_after_it_was_made_even_if_nobody_awaits_it_yet()
    {
        await PutAsync("before", "1");
        var stream = Registry.WatchAsync(KeyRange.Prefix(_root), 0, default);
        var put = await PutAsync("a", "1");
        await using var watch = new Watcher(stream);
        var batch = await watch.NextAsync();
        Assert.Equal(put.Revision, batch.Revision);
        var change = Assert.Single(batch.Changes);
        Assert.Equal((false, "a", "1", put.Revision), (change.Deleted, Name(change.Pair), Text(change.Pair), change.Pair.ModRevision));
    }

    [Fact]
    public async Task A_watch_from_a_past_revision_sees_every_change_since()
    {
        var first = await PutAsync("a", "1");
        await PutAsync("a", "2");
        await RunAsync(Delete("a"));
        var last = await RunAsync(Put("a", "3"), Put("b", "4"));
        await using var watch = Watch(first.Revision);
        var batches = new[] { await watch.NextAsync(), await watch.NextAsync(), await watch.NextAsync(), await watch.NextAsync() };
        Assert.Equal([first.Revision, first.Revision + 1, first.Revision + 2, last.Revision], batches.Select(batch => batch.Revision));
        Assert.Equal(["a=1/1", "a=2/2", "-a", "a=3/1 b=4/1"], batches.Select(Show));
        Assert.Equal(batches[2].Revision, batches[2].Changes[0].Pair.ModRevision);
        await PutAsync("c", "5");
        Assert.Equal("c=5/1", Show(await watch.NextAsync()));
    }

    [Fact]
    public async Task A_watch_sees_its_range_and_nothing_else()
    {
        await using var one = new Watcher(Registry.WatchAsync(new KeyRange(Key("k")), 0, default));
        await using var some = new Watcher(Registry.WatchAsync(new KeyRange(Key("k"), Key("l")), 0, default));
        await RunAsync(Put("j", "1"), Put("k", "1"), Put("k1", "1"), Put("l", "1"));
        await PutAsync("other", "1");
        await PutAsync("k", "2");
        Assert.Equal(["k=1/1", "k=2/2"], new[] { Show(await one.NextAsync()), Show(await one.NextAsync()) });
        Assert.Equal(["k=1/1 k1=1/1", "k=2/2"], new[] { Show(await some.NextAsync()), Show(await some.NextAsync()) });
    }

    [Fact]
    public async Task A_watch_from_a_future_revision_waits_for_it()
    {
        var now = (await PutAsync("a", "0")).Revision;
        await using var watch = Watch(now + 3);
        for (var i = 1; i <= 4; i++) await PutAsync("a", $"{i}");
        Assert.Equal(now + 3, (await watch.NextAsync()).Revision);
        Assert.Equal(now + 4, (await watch.NextAsync()).Revision);
    }

    [Fact]
    public async Task Read_then_watch_from_the_next_revision_misses_and_repeats_nothing_under_concurrent_writers()
    {
        const int Writers = 4, Each = 100;
        var writing = Enumerable.Range(0, Writers).Select(writer => Task.Run(async () =>
        {
            for (var i = 1; i <= Each; i++) await RunAsync(Put($"w{writer}", $"{i}"), Put("shared", $"{writer}-{i}"));
        })).ToArray();

        var watching = Enumerable.Range(0, 3).Select(async _ =>
        {
            var start = await Registry.RangeAsync(KeyRange.Prefix(Key("w")), default);
            var last = start.Pairs.ToDictionary(Name, pair => (Value: int.Parse(Text(pair)), pair.Version));
            await using var watch = new Watcher(Registry.WatchAsync(KeyRange.Prefix(_root), start.Revision + 1, default));
            for (var revision = start.Revision; last.Count < Writers || last.Values.Any(at => at.Value < Each);)
            {
                var batch = await watch.NextAsync();
                Assert.Equal(++revision, batch.Revision);
                Assert.Equal(2, batch.Changes.Count);
                var pair = batch.Changes[0].Pair;
                var before = last.GetValueOrDefault(Name(pair));
                Assert.Equal((before.Value + 1, before.Version + 1), (int.Parse(Text(pair)), pair.Version));
                last[Name(pair)] = (before.Value + 1, pair.Version);
            }
        }).ToArray();
        await Task.WhenAll([.. writing, .. watching]).WaitAsync(Limit);
    }

    [Fact]
    public async Task A_watch_ends_when_it_is_cancelled()
    {
        using var cancel = new CancellationTokenSource();
        await using var watch = new Watcher(Registry.WatchAsync(KeyRange.Prefix(_root), 0, cancel.Token));
        var next = watch.NextAsync();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => next);
    }

    [Fact]
    public async Task A_watch_ends_when_the_registry_is_disposed()
    {
        await using var watch = Watch(0);
        await PutAsync("a", "1");
        await watch.NextAsync();
        var end = watch.EndsAsync();
        await Registry.DisposeAsync();
        Assert.True(await end);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => PutAsync("a", "2"));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => GetAsync("a"));
    }

    protected Watcher Watch(long fromRevision) => new(Registry.WatchAsync(KeyRange.Prefix(_root), fromRevision, default));

    private string Show(WatchBatch batch) => string.Join(' ', batch.Changes.Select(change =>
        change.Deleted ? "-" + Name(change.Pair) : $"{Name(change.Pair)}={Text(change.Pair)}/{change.Pair.Version}"));

    /// <summary>Reads a watch step by step and gives up when nothing comes.</summary>
    protected sealed class Watcher(IAsyncEnumerable<WatchBatch> stream) : IAsyncDisposable
    {
        private readonly IAsyncEnumerator<WatchBatch> _stream = stream.GetAsyncEnumerator();
        private Task<bool>? _next;

        public async Task<WatchBatch> NextAsync()
        {
            _next = _stream.MoveNextAsync().AsTask();
            Assert.True(await _next.WaitAsync(Limit), "the watch has ended");
            return _stream.Current;
        }

        public async Task<bool> EndsAsync()
        {
            _next = _stream.MoveNextAsync().AsTask();
            return !await _next.WaitAsync(Limit);
        }

        // An iterator must not be disposed while it runs: one that the test has given up is left to the collector.
        public async ValueTask DisposeAsync()
        {
            if (_next is null or { IsCompleted: true }) await _stream.DisposeAsync();
        }
    }
}
