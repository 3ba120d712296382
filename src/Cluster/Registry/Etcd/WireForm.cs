using Vni.Actors.Registry;

namespace Vni.Cluster.Registry.Etcd;

/// <summary>What <see cref="IRegistry"/> takes, as etcd's messages; and its answers, read back.</summary>
internal static class WireForm
{
    /// <summary>The first of all keys: one zero byte.</summary>
    private static readonly byte[] Zero = [0];

    public static RangeRequest Of(KeyRange range)
    {
        var (key, end) = Interval(range);
        return new() { Key = key, RangeEnd = end, Limit = range.Limit, KeysOnly = range.KeysOnly };
    }

    public static (byte[] Key, byte[]? End) Interval(KeyRange range)
    {
        var key = KeyInterval.Encode(range.Key);
        if (range.End is null) return (key, null);
        var end = KeyInterval.Encode(range.End);
        // As an end, etcd takes a single zero byte for "all keys from here on"; to us it comes before every key.
        return (key, end is [0] ? key : end);
    }

    /// <summary>etcd takes a transaction without any step for one that may read what is old; <paramref name="padded"/> says
    /// that a step was added to have it look at the newest.</summary>
    public static TxnRequest Of(Transaction transaction, out bool padded)
    {
        padded = transaction.Then.Count == 0 && transaction.Else.Count == 0;
        RequestOp[] fresh = [new() { RequestRange = new() { Key = Zero, CountOnly = true } }];
        return new()
        {
            Compare = [.. transaction.If.Select(Of)],
            Success = padded ? fresh : [.. transaction.Then.Select(Of)],
            Failure = padded ? fresh : [.. transaction.Else.Select(Of)],
        };
    }

    public static RangeResult Read(RangeResponse response) =>
        new(response.Header?.Revision ?? 0, Read(response.Kvs), response.Count);

    public static TransactionResult Read(TxnResponse response, bool padded) => new(
        response.Header?.Revision ?? 0,
        response.Succeeded,
        padded ? [] : [.. (response.Responses ?? []).Select(Read)]);

    public static Change Read(Event happened) => new(happened.Type == EventType.Delete, Read(happened.Kv ?? new()));

    private static Compare Of(Comparison comparison)
    {
        var compare = new Compare
        {
            Key = KeyInterval.Encode(comparison.Key),
            Result = comparison.Result switch
            {
                CompareResult.Equal => ComparedResult.Equal,
                CompareResult.NotEqual => ComparedResult.NotEqual,
                CompareResult.Greater => ComparedResult.Greater,
                _ => ComparedResult.Less,
            },
        };
        return comparison.Target switch
        {
            CompareTarget.Version => compare with { Target = ComparedTarget.Version, Version = comparison.Number },
            CompareTarget.CreateRevision => compare with { Target = ComparedTarget.Create, CreateRevision = comparison.Number },
            CompareTarget.ModRevision => compare with { Target = ComparedTarget.Mod, ModRevision = comparison.Number },
            CompareTarget.Lease => compare with { Target = ComparedTarget.Lease, Lease = comparison.Number },
            _ => compare with { Target = ComparedTarget.Value, Value = comparison.Value.ToArray() },
        };
    }

    private static RequestOp Of(Operation operation)
    {
        switch (operation)
        {
            case Operation.Get get:
                return new() { RequestRange = Of(get.Range) };
            case Operation.Put put:
                return new() { RequestPut = new() { Key = KeyInterval.Encode(put.Key), Value = put.Value.ToArray(), Lease = put.Lease } };
            default:
                var (key, end) = Interval(((Operation.Delete)operation).Range);
                return new() { RequestDeleteRange = new() { Key = key, RangeEnd = end } };
        }
    }

    private static OperationResult Read(ResponseOp response) => response switch
    {
        { ResponseRange: { } range } => new(Read(range.Kvs), range.Count),
        { ResponseDeleteRange: { } deleted } => new([], deleted.Deleted),
        _ => new([], 1),
    };

    private static IReadOnlyList<KeyValue> Read(IReadOnlyList<Pair>? pairs) => pairs is null ? [] : [.. pairs.Select(Read)];

    private static KeyValue Read(Pair pair) => new(
        KeyInterval.Decode(pair.Key ?? []), pair.Value ?? [], pair.CreateRevision, pair.ModRevision, pair.Version, pair.Lease);
}
