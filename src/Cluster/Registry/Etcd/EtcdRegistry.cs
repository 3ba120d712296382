using System.Globalization;
using System.Runtime.CompilerServices;
using Vni.Actors.Registry;

namespace Vni.Cluster.Registry.Etcd;

/// <summary>
/// A registry over the network: Lighthouse, or a cluster of etcd, through etcd's v3 JSON API. Reads see every write that
/// was acknowledged before they began, at whichever endpoint. A transaction whose outcome is not known is not repeated: it
/// fails with <see cref="RegistryUnavailableException"/>, and the caller reads what became of it.
/// </summary>
public sealed class EtcdRegistry : IRegistry, IRegistryStatus
{
    private readonly EtcdRegistryOptions _options;
    private readonly EtcdCaller _caller;
    private readonly StartingWatches _starting = new();
    private int _disposed;

    private EtcdRegistry(EtcdRegistryOptions options)
    {
        _options = options;
        _caller = new(options);
    }

    /// <summary>Connects when it is first used.</summary>
    /// <exception cref="ArgumentException">An option is out of its range; the sentence says which.</exception>
    public static EtcdRegistry Open(EtcdRegistryOptions options)
    {
        if (options.Endpoints.Count == 0) throw new ArgumentException("A registry needs at least one endpoint.");
        foreach (var endpoint in options.Endpoints)
        {
            if (!endpoint.IsAbsoluteUri || endpoint.Scheme is not ("http" or "https") || endpoint.PathAndQuery != "/")
                throw new ArgumentException($"'{endpoint}' is no endpoint of a registry: write http://HOST:PORT or https://HOST:PORT.");
            if (endpoint.Scheme == "https" && options.Tls is null)
                throw new ArgumentException($"Endpoint '{endpoint}' needs certificates: set certificate, key and authority, or use http.");
        }

        foreach (var time in new[] { options.RequestTimeout, options.WatchCheck }) ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(time, TimeSpan.Zero);
        return new(options);
    }

    /// <inheritdoc />
    public async Task<RangeResult> RangeAsync(KeyRange range, CancellationToken cancellationToken) =>
        WireForm.Read(await _caller.AskAsync(RangeCall(WireForm.Of(range)), cancellationToken));

    /// <inheritdoc />
    public async Task<TransactionResult> TransactAsync(Transaction transaction, CancellationToken cancellationToken)
    {
        TransactionRules.Check(transaction);
        _caller.ThrowIfClosed();
        await _starting.WaitAsync(cancellationToken);
        var request = WireForm.Of(transaction, out var padded);
        var reads = transaction.Then.Concat(transaction.Else).All(operation => operation is Operation.Get);
        var call = new Call<TxnRequest, TxnResponse>(EtcdPaths.Txn, request, EtcdJson.Default.TxnRequest, EtcdJson.Default.TxnResponse, reads);
        try
        {
            return WireForm.Read(await _caller.AskAsync(call, cancellationToken), padded);
        }
        catch (LeaseNotFoundException)
        {
            throw new LeaseNotFoundException(await MissingLeaseAsync(transaction, cancellationToken));
        }
    }

    /// <inheritdoc />
    public async Task<Lease> GrantLeaseAsync(TimeSpan timeToLive, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeToLive, TimeSpan.Zero);
        var request = new LeaseGrantRequest { Seconds = (long)Math.Ceiling(timeToLive.TotalSeconds) };
        // Granted twice: the lease that nobody knows of has no keys and ends by itself.
        var call = new Call<LeaseGrantRequest, LeaseResponse>(EtcdPaths.LeaseGrant, request, EtcdJson.Default.LeaseGrantRequest, EtcdJson.Default.LeaseResponse, repeatable: true);
        var granted = await _caller.AskAsync(call, cancellationToken);
        var seconds = TimeSpan.FromSeconds(granted.Seconds);
        return new(granted.Id, seconds, seconds);
    }

    /// <inheritdoc />
    public async Task<Lease?> KeepAliveAsync(long leaseId, CancellationToken cancellationToken)
    {
        try
        {
            var envelope = await _caller.AskAsync(LeaseCall(EtcdPaths.LeaseKeepAlive, leaseId, EtcdJson.Default.KeepAliveEnvelope), cancellationToken);
            if (envelope.Error is { } error) throw new RegistryUnavailableException($"Registry {_caller.Endpoints} cannot renew lease {leaseId}: {error.Message}");
            return envelope.Result is { Seconds: > 0 } renewed ? new(leaseId, TimeSpan.FromSeconds(renewed.Seconds), TimeSpan.FromSeconds(renewed.Seconds)) : null;
        }
        catch (LeaseNotFoundException)
        {
            return null;
        }
    }

    /// <inheritdoc />
    public async Task RevokeLeaseAsync(long leaseId, CancellationToken cancellationToken)
    {
        _caller.ThrowIfClosed();
        await _starting.WaitAsync(cancellationToken);
        try
        {
            await _caller.AskAsync(LeaseCall(EtcdPaths.LeaseRevoke, leaseId, EtcdJson.Default.LeaseRevokeResponse), cancellationToken);
        }
        catch (LeaseNotFoundException)
        {
            // It is over already.
        }
    }

    /// <inheritdoc />
    public async Task<Lease?> GetLeaseAsync(long leaseId, CancellationToken cancellationToken)
    {
        var found = await _caller.AskAsync(LeaseCall(EtcdPaths.LeaseTimeToLive, leaseId, EtcdJson.Default.LeaseResponse), cancellationToken);
        return found.GrantedSeconds > 0 && found.Seconds >= 0 ? new(leaseId, TimeSpan.FromSeconds(found.GrantedSeconds), TimeSpan.FromSeconds(found.Seconds)) : null;
    }

    /// <inheritdoc />
    /// <remarks>"From now on" holds against everything that this object is asked to write afterwards, and against everything
    /// that others write after the store has told us its revision. An endpoint that fails, or is cut off from the rest of its
    /// cluster, is replaced by the next one without a gap or a repeat.</remarks>
    public IAsyncEnumerable<WatchBatch> WatchAsync(KeyRange range, long fromRevision, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(fromRevision);
        _caller.ThrowIfClosed();
        var (key, end) = WireForm.Interval(range);
        var request = new WatchCreateRequest { Key = key, RangeEnd = end, StartRevision = fromRevision, Fragment = true };
        var start = fromRevision > 0 ? Task.FromResult(fromRevision) : _starting.Add(NextRevisionAsync(key, cancellationToken));
        return FollowAsync(request, start, cancellationToken);
    }

    /// <inheritdoc />
    public async Task<RegistryStatus> GetStatusAsync(CancellationToken cancellationToken)
    {
        var call = new Call<StatusRequest, StatusResponse>(EtcdPaths.Status, new(), EtcdJson.Default.StatusRequest, EtcdJson.Default.StatusResponse, repeatable: true);
        var status = await _caller.AskAsync(call, cancellationToken);
        return new(
            status.Version?.Contains(' ', StringComparison.Ordinal) == true ? status.Version : $"etcd {status.Version}",
            _caller.Endpoints.Current.GetLeftPart(UriPartial.Authority),
            status.Leader == 0 ? null : status.Leader.ToString("x", CultureInfo.InvariantCulture),
            status.Header?.Revision ?? 0,
            status.DatabaseSize);
    }

    /// <summary>Ends watches; requests that are under way fail with <see cref="ObjectDisposedException"/>.</summary>
    public ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0) _caller.Dispose();
        return ValueTask.CompletedTask;
    }

    internal static Call<RangeRequest, RangeResponse> RangeCall(RangeRequest request) =>
        new(EtcdPaths.Range, request, EtcdJson.Default.RangeRequest, EtcdJson.Default.RangeResponse, repeatable: true);

    private static Call<LeaseRequest, T> LeaseCall<T>(string path, long id, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> answer) =>
        new(path, new() { Id = id }, EtcdJson.Default.LeaseRequest, answer, repeatable: true);

    private async IAsyncEnumerable<WatchBatch> FollowAsync(WatchCreateRequest request, Task<long> start, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var watch = new EtcdWatch(_caller, _options, request, cancellationToken);
        while (await watch.NextAsync(start) is { } batch) yield return batch;
    }

    private async Task<long> NextRevisionAsync(byte[] key, CancellationToken cancellationToken)
    {
        var answer = await _caller.AskAsync(RangeCall(new() { Key = key, CountOnly = true }), cancellationToken);
        return (answer.Header?.Revision ?? 0) + 1;
    }

    /// <summary>etcd does not say which lease it misses.</summary>
    private async Task<long> MissingLeaseAsync(Transaction transaction, CancellationToken cancellationToken)
    {
        var leases = transaction.Then.Concat(transaction.Else).OfType<Operation.Put>().Select(put => put.Lease).Where(lease => lease != 0).Distinct().ToList();
        foreach (var lease in leases[..^1])
        {
            if (await GetLeaseAsync(lease, cancellationToken) is null) return lease;
        }

        return leases[^1];
    }
}
