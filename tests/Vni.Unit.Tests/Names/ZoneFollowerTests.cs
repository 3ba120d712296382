using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using Vni.Actors.Names;
using Vni.Actors.Registry;
using Vni.Unit.Tests.Fakes;
using Vni.Unit.Tests.Registry;
using Xunit;

namespace Vni.Unit.Tests.Names;

public sealed class ZoneFollowerTests : IAsyncLifetime
{
    private static readonly RegistryKeys s_keys = new("lab");
    private readonly TemporaryStore _store = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Way _registry;
    private readonly ZoneFollower _follower;
    private Task _following = Task.CompletedTask;
    private readonly int _timers;

    public ZoneFollowerTests()
    {
        _registry = new Way(_store.Open());
        _timers = _store.Time.WaitingTimers; // The store's own.
        _follower = new ZoneFollower(_registry, s_keys, TimeSpan.FromSeconds(1), _store.Time, NullLogger.Instance);
    }

    [Fact]
    public async Task What_was_there_and_what_comes_and_goes_is_known()
    {
        await PutAsync("a", "alpha", "10.117.0.1");
        Assert.Null(_follower.Table);
        Follow();
        await UntilAsync("alpha", "10.117.0.1");
        await PutAsync("b", "beta", "10.117.0.2");
        await UntilAsync("beta", "10.117.0.2");
        await DeleteAsync("a");
        await UntilAsync("alpha", null);
        Assert.Equal("beta", _follower.Table!.Find(System.Net.IPAddress.Parse("10.117.0.2"))!.Hostname);
        Assert.Equal((await _registry.RangeAsync(new KeyRange("/"), default)).Revision, _follower.Table.Revision);
    }

    [Fact]
    public async Task A_registry_that_is_away_is_asked_again_and_nothing_is_forgotten_meanwhile()
    {
        await PutAsync("a", "alpha", "10.117.0.1");
        Follow();
        await UntilAsync("alpha", "10.117.0.1");
        _registry.Broken = new RegistryUnavailableException("away");
        _registry.EndWatches(_registry.Broken);
        await AwaitTimerAsync();
        Assert.NotNull(_follower.Table!.Find("alpha"));
        await PutAsync("b", "beta", "10.117.0.2");
        await DeleteAsync("a");
        _store.Time.Advance(TimeSpan.FromSeconds(1));
        await AwaitTimerAsync();
        Assert.NotNull(_follower.Table.Find("alpha"));
        _registry.Broken = null;
        _store.Time.Advance(TimeSpan.FromSeconds(1));
        await UntilAsync("beta", "10.117.0.2");
        Assert.Null(_follower.Table.Find("alpha"));
    }

    [Fact]
    public async Task When_changes_are_no_longer_kept_everything_is_read_anew()
    {
        Follow();
        await EventuallyAsync(() => _follower.Table is not null);
        _registry.EndWatches(new CompactedException(100));
        await AwaitTimerAsync();
        await PutAsync("a", "alpha", "10.117.0.1");
        _store.Time.Advance(TimeSpan.FromSeconds(1));
        await UntilAsync("alpha", "10.117.0.1");
    }

    [Theory]
    [InlineData("not json")]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("""{"identity":null}""")]
    [InlineData("""{"identity":{"ip":"10.117.0.300","prefixLength":16,"mac":"x","hostname":"alpha"}}""")]
    [InlineData("""{"identity":{"ip":"10.117.0.9","prefixLength":16,"mac":"x","hostname":"no.label"}}""")]
    [InlineData("""{"identity":{"ip":null,"prefixLength":16,"mac":"x","hostname":null}}""")]
    public async Task What_cannot_be_understood_leaves_the_former_name(string value)
    {
        await PutAsync("a", "alpha", "10.117.0.1");
        Follow();
        await UntilAsync("alpha", "10.117.0.1");
        await TemporaryStore.PutAsync(_registry, s_keys.Applications + "a", value);
        await PutAsync("b", "beta", "10.117.0.2");
        await UntilAsync("beta", "10.117.0.2");
        Assert.NotNull(_follower.Table!.Find("alpha"));
    }

    [Fact]
    public async Task A_record_of_a_later_version_has_its_name_all_the_same()
    {
        await TemporaryStore.PutAsync(_registry, s_keys.Applications + "a", """{"format":9,"status":"hovering","identity":{"ip":"10.117.0.1","prefixLength":16,"mac":"x","hostname":"alpha","colour":"red"},"new":[1]}""");
        Follow();
        await UntilAsync("alpha", "10.117.0.1");
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await _stop.CancelAsync();
        await _following.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _store.DisposeAsync();
        _stop.Dispose();
    }

    private void Follow() => _following = _follower.FollowAsync(_stop.Token);

    private Task PutAsync(string aid, string hostname, string ip) => TemporaryStore.PutAsync(
        _registry.Inner, s_keys.Applications + aid, $$$"""{"identity":{"ip":"{{{ip}}}","prefixLength":16,"mac":"02:00:00:00:00:00","hostname":"{{{hostname}}}"}}""");

    private Task DeleteAsync(string aid) => _registry.Inner.TransactAsync(new([], [new Operation.Delete(new KeyRange(s_keys.Applications + aid))], []), default);

    private Task UntilAsync(string hostname, string? ip) => EventuallyAsync(() => _follower.Table is { } table && table.Find(hostname)?.Ip.ToString() == ip);

    private Task AwaitTimerAsync() => EventuallyAsync(() => _store.Time.WaitingTimers > _timers);

    private async Task EventuallyAsync(Func<bool> condition)
    {
        while (!condition())
        {
            if (_following.IsFaulted) await _following;
            await Task.Yield();
        }
    }

    /// <summary>The way to a registry that can be cut.</summary>
    private sealed class Way : IRegistry
    {
        private Channel<Exception> _ends = Channel.CreateUnbounded<Exception>();

        public Way(IRegistry inner) => Inner = inner;

        public IRegistry Inner { get; }

        public Exception? Broken { get; set; }

        public void EndWatches(Exception with) => Interlocked.Exchange(ref _ends, Channel.CreateUnbounded<Exception>()).Writer.TryWrite(with);

        public Task<RangeResult> RangeAsync(KeyRange range, CancellationToken cancellationToken) =>
            Broken is { } broken ? Task.FromException<RangeResult>(broken) : Inner.RangeAsync(range, cancellationToken);

        public Task<TransactionResult> TransactAsync(Transaction transaction, CancellationToken cancellationToken) => Inner.TransactAsync(transaction, cancellationToken);

        public Task<Lease> GrantLeaseAsync(TimeSpan timeToLive, CancellationToken cancellationToken) => Inner.GrantLeaseAsync(timeToLive, cancellationToken);

        public Task<Lease?> KeepAliveAsync(long leaseId, CancellationToken cancellationToken) => Inner.KeepAliveAsync(leaseId, cancellationToken);

        public Task RevokeLeaseAsync(long leaseId, CancellationToken cancellationToken) => Inner.RevokeLeaseAsync(leaseId, cancellationToken);

        public Task<Lease?> GetLeaseAsync(long leaseId, CancellationToken cancellationToken) => Inner.GetLeaseAsync(leaseId, cancellationToken);

        public async IAsyncEnumerable<WatchBatch> WatchAsync(KeyRange range, long fromRevision, [EnumeratorCancellation] CancellationToken cancellationToken)
        {
            var end = _ends.Reader.ReadAsync(cancellationToken).AsTask();
            using var cut = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            await using var watch = Inner.WatchAsync(range, fromRevision, cut.Token).GetAsyncEnumerator(cut.Token);
            while (true)
            {
                var next = watch.MoveNextAsync().AsTask();
                if (await Task.WhenAny(next, end) == end)
                {
                    await cut.CancelAsync();
                    await ((Task)next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                    throw await end;
                }

                if (!await next) yield break;
                yield return watch.Current;
            }
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
