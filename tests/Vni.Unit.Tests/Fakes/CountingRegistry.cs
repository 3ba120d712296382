using Vni.Actors.Registry;

namespace Vni.Unit.Tests.Fakes;

/// <summary>Counts what the farm asks of its registry, and the pairs that come back.</summary>
internal sealed class CountingRegistry(IRegistry inner, CountingRegistry.Counts counts) : IRegistry
{
    public sealed class Counts
    {
        private int _operations;
        private int _pairs;

        public (int Operations, int Pairs) Total => (Volatile.Read(ref _operations), Volatile.Read(ref _pairs));

        public void Add(int pairs)
        {
            Interlocked.Increment(ref _operations);
            Interlocked.Add(ref _pairs, pairs);
        }
    }

    public async Task<RangeResult> RangeAsync(KeyRange range, CancellationToken cancellationToken)
    {
        var result = await inner.RangeAsync(range, cancellationToken);
        counts.Add(result.Pairs.Count);
        return result;
    }

    public async Task<TransactionResult> TransactAsync(Transaction transaction, CancellationToken cancellationToken)
    {
        var result = await inner.TransactAsync(transaction, cancellationToken);
        counts.Add(result.Responses.Sum(response => response.Pairs.Count));
        return result;
    }

    public async Task<Lease> GrantLeaseAsync(TimeSpan timeToLive, CancellationToken cancellationToken)
    {
        counts.Add(0);
        return await inner.GrantLeaseAsync(timeToLive, cancellationToken);
    }

    public async Task<Lease?> KeepAliveAsync(long leaseId, CancellationToken cancellationToken)
    {
        counts.Add(0);
        return await inner.KeepAliveAsync(leaseId, cancellationToken);
    }

    public async Task RevokeLeaseAsync(long leaseId, CancellationToken cancellationToken)
    {
        counts.Add(0);
        await inner.RevokeLeaseAsync(leaseId, cancellationToken);
    }

    public async Task<Lease?> GetLeaseAsync(long leaseId, CancellationToken cancellationToken)
    {
        counts.Add(0);
        return await inner.GetLeaseAsync(leaseId, cancellationToken);
    }

    public IAsyncEnumerable<WatchBatch> WatchAsync(KeyRange range, long fromRevision, CancellationToken cancellationToken) => inner.WatchAsync(range, fromRevision, cancellationToken);

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
