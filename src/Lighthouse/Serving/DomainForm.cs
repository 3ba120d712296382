using System.Text;
using Vni.Actors.Registry;
using Vni.Cluster.Registry.Etcd;

namespace Vni.Lighthouse.Serving;

/// <summary>etcd's messages as what <see cref="IRegistry"/> takes, and its answers as etcd's messages.</summary>
internal static class DomainForm
{
    /// <summary>Bytes of a key, at most.</summary>
    internal const int MaximumKey = 4096;

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <exception cref="ArgumentException">It is not one that can be served.</exception>
    internal static KeyRange Of(RangeRequest request)
    {
        if (request.Limit is < 0 or > int.MaxValue) throw new ArgumentException($"limit {request.Limit} is not accepted: use 0 to {int.MaxValue}");
        var keys = Interval(request.Key, request.RangeEnd);
        return request.CountOnly ? keys with { Limit = 1, KeysOnly = true } : keys with { Limit = (int)request.Limit, KeysOnly = request.KeysOnly };
    }

    /// <exception cref="ArgumentException">It is not one that can be served.</exception>
    internal static KeyRange Interval(byte[]? key, byte[]? end)
    {
        if (end is [0]) throw new ArgumentException("a range of all keys from one on (range_end of a single zero byte) is not served: give its end");
        return new(Key(key), end is null or [] ? null : Text("range_end", end));
    }

    /// <exception cref="ArgumentException">It is not one that can be served.</exception>
    internal static Transaction Of(TxnRequest request) => new(
        [.. (request.Compare ?? []).Select(compare => Of(Given(compare)))],
        [.. (request.Success ?? []).Select(step => Of(Given(step)))],
        [.. (request.Failure ?? []).Select(step => Of(Given(step)))]);

    /// <exception cref="ArgumentException">It is not one that can be served.</exception>
    internal static Operation Of(PutRequest put) => new Operation.Put(Key(put.Key), put.Value ?? [], put.Lease);

    /// <exception cref="ArgumentException">It is not one that can be served.</exception>
    internal static Operation Of(DeleteRangeRequest delete) => new Operation.Delete(Interval(delete.Key, delete.RangeEnd));

    internal static RangeResponse Answer(RangeRequest request, long revision, IReadOnlyList<KeyValue> pairs, long count) => new()
    {
        Header = new() { Revision = revision },
        Kvs = request.CountOnly || pairs.Count == 0 ? null : [.. pairs.Select(Pair)],
        More = !request.CountOnly && count > pairs.Count,
        Count = count,
    };

    internal static TxnResponse Answer(TxnRequest request, TransactionResult result) => new()
    {
        Header = new() { Revision = result.Revision },
        Succeeded = result.Succeeded,
        Responses = [.. (result.Succeeded ? request.Success : request.Failure)?.Select((step, i) => Answer(step, result.Responses[i], result.Revision)) ?? []],
    };

    internal static WatchEnvelope Answer(WatchBatch batch) => new()
    {
        Result = new()
        {
            Header = new() { Revision = batch.Revision },
            Events = [.. batch.Changes.Select(change => new Event { Type = change.Deleted ? EventType.Delete : EventType.Put, Kv = Pair(change.Pair) })],
        },
    };

    private static T Given<T>(T? item)
        where T : class => item ?? throw new ArgumentException("a comparison or step is null");

    private static Comparison Of(Compare compare)
    {
        var result = compare.Result switch
        {
            ComparedResult.Equal => CompareResult.Equal,
            ComparedResult.NotEqual => CompareResult.NotEqual,
            ComparedResult.Greater => CompareResult.Greater,
            ComparedResult.Less => CompareResult.Less,
            _ => throw new ArgumentException($"result {compare.Result} of a comparison is not known"),
        };
        var key = Key(compare.Key);
        return compare.Target switch
        {
            ComparedTarget.Version => new(key, CompareTarget.Version, result, compare.Version ?? 0),
            ComparedTarget.Create => new(key, CompareTarget.CreateRevision, result, compare.CreateRevision ?? 0),
            ComparedTarget.Mod => new(key, CompareTarget.ModRevision, result, compare.ModRevision ?? 0),
            ComparedTarget.Lease => new(key, CompareTarget.Lease, result, compare.Lease ?? 0),
            ComparedTarget.Value => new(key, CompareTarget.Value, result, 0, compare.Value),
            _ => throw new ArgumentException($"target {compare.Target} of a comparison is not known"),
        };
    }

    private static Operation Of(RequestOp step) => step switch
    {
        { RequestRange: { } range, RequestPut: null, RequestDeleteRange: null } => new Operation.Get(Of(range)),
        { RequestRange: null, RequestPut: { } put, RequestDeleteRange: null } => Of(put),
        { RequestRange: null, RequestPut: null, RequestDeleteRange: { } delete } => Of(delete),
        _ => throw new ArgumentException("a step needs one of request_range, request_put and request_delete_range"),
    };

    private static ResponseOp Answer(RequestOp step, OperationResult result, long revision) => step switch
    {
        { RequestRange: { } range } => new() { ResponseRange = Answer(range, revision, result.Pairs, result.Count) },
        { RequestPut: not null } => new() { ResponsePut = new() { Header = new() { Revision = revision } } },
        _ => new() { ResponseDeleteRange = new() { Header = new() { Revision = revision }, Deleted = result.Count } },
    };

    private static Pair Pair(KeyValue pair) => new()
    {
        Key = Utf8.GetBytes(pair.Key),
        CreateRevision = pair.CreateRevision,
        ModRevision = pair.ModRevision,
        Version = pair.Version,
        Value = pair.Value.Length == 0 ? null : pair.Value.ToArray(),
        Lease = pair.Lease,
    };

    private static string Key(byte[]? key) => key is null or [] ? throw new ArgumentException("key is not provided") : Text("key", key);

    private static string Text(string what, byte[] bytes)
    {
        if (bytes.Length > MaximumKey) throw new ArgumentException($"{what} has {bytes.Length} bytes; at most {MaximumKey} are accepted");
        try
        {
            return Utf8.GetString(bytes);
        }
        catch (DecoderFallbackException e)
        {
            throw new ArgumentException($"{what} is not text in UTF-8", e);
        }
    }
}
