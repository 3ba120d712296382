namespace Vni.Actors.Registry;

/// <summary>
/// The farm's consistent store, with the semantics of etcd v3 (https://etcd.io/docs/v3.5/learning/api/): one revision
/// counter for the whole store, multi-key transactions, leases that delete their keys when they expire, and watches
/// that start at any revision still kept. Keys are ordered by ordinal comparison of their UTF-8 bytes.
/// </summary>
public interface IRegistry : IAsyncDisposable
{
    /// <summary>Reads one key, or all keys in [<see cref="KeyRange.Key"/>, <see cref="KeyRange.End"/>), linearizably.</summary>
    Task<RangeResult> RangeAsync(KeyRange range, CancellationToken cancellationToken);

    /// <summary>Applies <see cref="Transaction.Then"/> if every comparison holds, else <see cref="Transaction.Else"/>; all
    /// puts and deletes of one transaction share one new revision.</summary>
    Task<TransactionResult> TransactAsync(Transaction transaction, CancellationToken cancellationToken);

    /// <summary>Grants a lease of <paramref name="timeToLive"/>, rounded up to whole seconds.</summary>
    Task<Lease> GrantLeaseAsync(TimeSpan timeToLive, CancellationToken cancellationToken);

    /// <summary>Renews a lease; <c>null</c> when it has expired or was revoked.</summary>
    Task<Lease?> KeepAliveAsync(long leaseId, CancellationToken cancellationToken);

    /// <summary>Ends a lease and deletes its keys; nothing happens when there is no such lease.</summary>
    Task RevokeLeaseAsync(long leaseId, CancellationToken cancellationToken);

    /// <summary>Remaining time of a lease; <c>null</c> when it has expired or was revoked.</summary>
    Task<Lease?> GetLeaseAsync(long leaseId, CancellationToken cancellationToken);

    /// <summary>
    /// Every change in the range from <paramref name="fromRevision"/> on (0: from now on), in order of revision, one
    /// batch per revision or more. The watch is established before the first item is awaited. It ends without an error
    /// when the registry is disposed, and with <see cref="OperationCanceledException"/> on cancellation.
    /// </summary>
    /// <exception cref="CompactedException">Changes since <paramref name="fromRevision"/> are no longer kept: read the
    /// range anew and watch from there.</exception>
    IAsyncEnumerable<WatchBatch> WatchAsync(KeyRange range, long fromRevision, CancellationToken cancellationToken);
}

/// <summary>A key (<see cref="End"/> is <c>null</c>) or the half-open interval of keys [Key, End).</summary>
/// <param name="Key">First key.</param>
/// <param name="End">First key that is not included.</param>
/// <param name="Limit">At most so many pairs; 0: all.</param>
/// <param name="KeysOnly">Values are left empty.</param>
public sealed record KeyRange(string Key, string? End = null, int Limit = 0, bool KeysOnly = false)
{
    /// <summary>All keys that begin with <paramref name="prefix"/>, which must not be empty.</summary>
    public static KeyRange Prefix(string prefix) => new(prefix, prefix[..^1] + (char)(prefix[^1] + 1));
}

/// <summary>One pair, with the revisions that made and last changed it.</summary>
/// <param name="Key">The key.</param>
/// <param name="Value">The value; empty in a deletion.</param>
/// <param name="CreateRevision">Revision of the put that made the key.</param>
/// <param name="ModRevision">Revision of the last change.</param>
/// <param name="Version">Number of puts since the key was made; 0 in a deletion.</param>
/// <param name="Lease">The lease that the key hangs on; 0: none.</param>
public sealed record KeyValue(string Key, ReadOnlyMemory<byte> Value, long CreateRevision, long ModRevision, long Version, long Lease);

/// <param name="Revision">The store's revision when the read was made.</param>
/// <param name="Pairs">In order of key.</param>
/// <param name="Count">Number of keys in the range, whatever the limit.</param>
public sealed record RangeResult(long Revision, IReadOnlyList<KeyValue> Pairs, long Count);

/// <summary>What a comparison looks at.</summary>
public enum CompareTarget
{
    /// <summary>Number of puts since the key was made; 0: absent.</summary>
    Version,

    /// <summary>Revision that made the key; 0: absent.</summary>
    CreateRevision,

    /// <summary>Revision of the last change; 0: absent.</summary>
    ModRevision,

    /// <summary>The value's bytes.</summary>
    Value,

    /// <summary>The lease id; 0: none.</summary>
    Lease,
}

/// <summary>How it compares: stored value on the left.</summary>
public enum CompareResult
{
    /// <summary>Stored equals given.</summary>
    Equal,

    /// <summary>Stored differs from given.</summary>
    NotEqual,

    /// <summary>Stored is greater than given.</summary>
    Greater,

    /// <summary>Stored is less than given.</summary>
    Less,
}

/// <summary>One condition of a transaction. A comparison of the value of an absent key fails, as in etcd.</summary>
public sealed record Comparison(string Key, CompareTarget Target, CompareResult Result, long Number, ReadOnlyMemory<byte> Value = default)
{
    /// <summary>The key does not exist.</summary>
    public static Comparison Absent(string key) => new(key, CompareTarget.CreateRevision, CompareResult.Equal, 0);

    /// <summary>The key exists.</summary>
    public static Comparison Present(string key) => new(key, CompareTarget.CreateRevision, CompareResult.Greater, 0);

    /// <summary>The key was last changed at <paramref name="revision"/>.</summary>
    public static Comparison Unchanged(string key, long revision) => new(key, CompareTarget.ModRevision, CompareResult.Equal, revision);

    /// <summary>The key holds exactly <paramref name="value"/>.</summary>
    public static Comparison Holds(string key, ReadOnlyMemory<byte> value) => new(key, CompareTarget.Value, CompareResult.Equal, 0, value);
}

/// <summary>One step of a transaction.</summary>
public abstract record Operation
{
    private Operation() { }

    /// <summary>Reads, at the transaction's revision.</summary>
    public sealed record Get(KeyRange Range) : Operation;

    /// <summary>Writes a pair; <paramref name="Lease"/> 0: none. Fails with <see cref="LeaseNotFoundException"/> if the lease is gone.</summary>
    public sealed record Put(string Key, ReadOnlyMemory<byte> Value, long Lease = 0) : Operation;

    /// <summary>Deletes a key or an interval of keys.</summary>
    public sealed record Delete(KeyRange Range) : Operation;
}

/// <summary>
/// Conditions, and what to do when all hold and when not. Steps run in order and see what earlier ones did. As in etcd,
/// one branch may not put a key twice, nor put a key that it also deletes; that, and what exceeds the limits below, is an
/// <see cref="ArgumentException"/>.
/// </summary>
public sealed record Transaction(IReadOnlyList<Comparison> If, IReadOnlyList<Operation> Then, IReadOnlyList<Operation> Else)
{
    /// <summary>How many conditions, and how many steps in each branch (etcd's <c>--max-txn-ops</c>).</summary>
    public const int MaxOperations = 128;

    /// <summary>Bytes of all keys and values together (etcd's <c>--max-request-bytes</c>).</summary>
    public const int MaxBytes = 1536 * 1024;
}

/// <param name="Revision">The store's revision after the transaction.</param>
/// <param name="Succeeded">Whether all comparisons held.</param>
/// <param name="Responses">One per operation of the branch that ran: the pairs read, or the number of pairs deleted.</param>
public sealed record TransactionResult(long Revision, bool Succeeded, IReadOnlyList<OperationResult> Responses);

/// <param name="Pairs">What a <see cref="Operation.Get"/> read; empty otherwise.</param>
/// <param name="Count">Pairs in the range, or pairs deleted, or 1 for a put.</param>
public sealed record OperationResult(IReadOnlyList<KeyValue> Pairs, long Count);

/// <param name="Id">Never 0.</param>
/// <param name="TimeToLive">What was granted, in whole seconds.</param>
/// <param name="Remaining">What is left of it.</param>
public sealed record Lease(long Id, TimeSpan TimeToLive, TimeSpan Remaining);

/// <param name="Revision">The revision of these changes.</param>
/// <param name="Changes">All changes of that revision in the watched range.</param>
public sealed record WatchBatch(long Revision, IReadOnlyList<Change> Changes);

/// <param name="Deleted">Whether the key is gone; then <see cref="Pair"/> has its name and the revision of the deletion.</param>
/// <param name="Pair">The pair as it is now.</param>
public sealed record Change(bool Deleted, KeyValue Pair);

/// <summary>The revision asked for is older than what the store keeps.</summary>
public sealed class CompactedException(long oldest) : Exception($"Changes before revision {oldest} are no longer kept; read the range again and watch from its revision.")
{
    /// <summary>First revision that can be asked for.</summary>
    public long OldestRevision { get; } = oldest;
}

/// <summary>The lease has expired or was revoked.</summary>
public sealed class LeaseNotFoundException(long id) : Exception($"Lease {id} has expired or was revoked; grant a new one.")
{
    /// <summary>The lease.</summary>
    public long LeaseId { get; } = id;
}

/// <summary>The store cannot be reached, or cannot write; the request may or may not have been applied.</summary>
public sealed class RegistryUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
