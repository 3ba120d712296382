using System.Net;
using Vni.Actors.Identity;
using Vni.Actors.Nodes;
using Vni.Actors.Registry;
using Vni.Actors.Snapshots;
using Vni.Cluster.Registry.Sqlite;
using Vni.Unit.Tests.Fakes;
using Xunit;

namespace Vni.Unit.Tests.Nodes;

/// <summary>The member record hangs on the lease that the node renews, whatever arrives late.</summary>
public sealed class NodeLeaseTests : IAsyncLifetime
{
    private static readonly MemberRecord s_member = new("n1", new PlatformFacts { Architecture = "x86_64", Kernel = "6", Criu = "4", CpuFeatures = [] });

    private readonly ManualTimeProvider _time = new();
    private readonly RegistryKeys _keys = new("test");
    private SqliteRegistry _store = null!;

    public Task InitializeAsync()
    {
        _store = SqliteRegistry.Open(new() { Path = SqliteRegistryOptions.InMemory, Time = _time });
        return Task.CompletedTask;
    }

    public async Task DisposeAsync() => await _store.DisposeAsync();

    [Fact]
    public async Task A_write_that_was_given_up_and_arrives_late_changes_nothing()
    {
        var registry = new LateRegistry(_store);
        var settings = new NodeSettings { Node = "n1", Addresses = new AddressRange(IPAddress.Parse("10.117.0.0"), 24, IPAddress.Parse("10.117.0.1")) };
        using var lease = new NodeLease(registry, _keys, settings, _time);
        await Assert.ThrowsAsync<RegistryUnavailableException>(() => lease.EstablishAsync(s_member, default));
        await lease.EstablishAsync(s_member, default);
        await registry.DeliverAsync();
        Assert.Equal(lease.Id, Assert.Single((await _store.RangeAsync(new KeyRange(_keys.Member("n1")), default)).Pairs).Lease);
    }

    /// <summary>The first transaction gets no answer, and reaches the store when it is delivered.</summary>
    private sealed class LateRegistry(IRegistry inner) : IRegistry
    {
        private Transaction? _late;

        public Task DeliverAsync() => inner.TransactAsync(_late!, default);

        public Task<TransactionResult> TransactAsync(Transaction transaction, CancellationToken cancellationToken)
        {
            if (_late is not null) return inner.TransactAsync(transaction, cancellationToken);
            _late = transaction;
            throw new RegistryUnavailableException("no answer");
        }

        public Task<RangeResult> RangeAsync(KeyRange range, CancellationToken cancellationToken) => inner.RangeAsync(range, cancellationToken);

        public Task<Lease> GrantLeaseAsync(TimeSpan timeToLive, CancellationToken cancellationToken) => inner.GrantLeaseAsync(timeToLive, cancellationToken);

        public Task<Lease?> KeepAliveAsync(long leaseId, CancellationToken cancellationToken) => inner.KeepAliveAsync(leaseId, cancellationToken);

        public Task RevokeLeaseAsync(long leaseId, CancellationToken cancellationToken) => inner.RevokeLeaseAsync(leaseId, cancellationToken);

        public Task<Lease?> GetLeaseAsync(long leaseId, CancellationToken cancellationToken) => inner.GetLeaseAsync(leaseId, cancellationToken);

        public IAsyncEnumerable<WatchBatch> WatchAsync(KeyRange range, long fromRevision, CancellationToken cancellationToken) => inner.WatchAsync(range, fromRevision, cancellationToken);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
