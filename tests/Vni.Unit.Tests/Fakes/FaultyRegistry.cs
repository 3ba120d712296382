using Vni.Actors.Registry;

namespace Vni.Unit.Tests.Fakes;

/// <summary>One daemon's way to a registry that outlives it: steps <c>read</c>, <c>write</c> before a transaction that writes,
/// <c>written</c> after it.</summary>
internal sealed class FaultyRegistry(IRegistry inner, Faults faults) : IRegistry
{
    public async Task<RangeResult> RangeAsync(KeyRange range, CancellationToken cancellationToken)
    {
        await faults.StepAsync("read");
        return await inner.RangeAsync(range, cancellationToken);
    }

    public async Task<TransactionResult> TransactAsync(Transaction transaction, CancellationToken cancellationToken)
    {
        var writes = transaction.Then.Any(operation => operation is not Operation.Get);
        await faults.StepAsync(writes ? "write" : "read");
        var result = await inner.TransactAsync(transaction, cancellationToken);
        if (writes) await faults.StepAsync("written");
        return result;
    }

    public async Task<Lease> GrantLeaseAsync(TimeSpan timeToLive, CancellationToken cancellationToken)
    {
        await faults.StepAsync("grant");
        return await inner.GrantLeaseAsync(timeToLive, cancellationToken);
    }

    public async Task<Lease?> KeepAliveAsync(long leaseId, CancellationToken cancellationToken)
    {
        await faults.StepAsync("keepalive");
        return await inner.KeepAliveAsync(leaseId, cancellationToken);
    }

    public async Task RevokeLeaseAsync(long leaseId, CancellationToken cancellationToken)
    {
        await faults.StepAsync("revoke");
        await inner.RevokeLeaseAsync(leaseId, cancellationToken);
    }

    public Task<Lease?> GetLeaseAsync(long leaseId, CancellationToken cancellationToken) => inner.GetLeaseAsync(leaseId, cancellationToken);

    public IAsyncEnumerable<WatchBatch> WatchAsync(KeyRange range, long fromRevision, CancellationToken cancellationToken) =>
        inner.WatchAsync(range, fromRevision, cancellationToken);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
