using System.Text.Json.Serialization;

namespace Vni.Cluster.Registry.Etcd;

// The messages of etcd's v3 API as its JSON gateway writes them (https://etcd.io/docs/v3.4/dev-guide/apispec/swagger/rpc.swagger.json):
// 64-bit numbers are strings, keys and values are base64, and what has its default value is left out. Client and server use the same
// records; only what the product uses of a message is in them.

internal sealed record Header
{
    public ulong ClusterId { get; init; }

    public ulong MemberId { get; init; }

    public long Revision { get; init; }

    public ulong RaftTerm { get; init; }
}

internal sealed record RangeRequest
{
    public byte[]? Key { get; init; }

    public byte[]? RangeEnd { get; init; }

    public long Limit { get; init; }

    public bool KeysOnly { get; init; }

    public bool CountOnly { get; init; }

    public bool Serializable { get; init; }
}

internal sealed record Pair
{
    public byte[]? Key { get; init; }

    public long CreateRevision { get; init; }

    public long ModRevision { get; init; }

    public long Version { get; init; }

    public byte[]? Value { get; init; }

    public long Lease { get; init; }
}

internal sealed record RangeResponse
{
    public Header? Header { get; init; }

    public IReadOnlyList<Pair>? Kvs { get; init; }

    public bool More { get; init; }

    public long Count { get; init; }
}

internal sealed record PutRequest
{
    public byte[]? Key { get; init; }

    public byte[]? Value { get; init; }

    public long Lease { get; init; }
}

internal sealed record PutResponse
{
    public Header? Header { get; init; }
}

internal sealed record DeleteRangeRequest
{
    public byte[]? Key { get; init; }

    public byte[]? RangeEnd { get; init; }
}

internal sealed record DeleteRangeResponse
{
    public Header? Header { get; init; }

    public long Deleted { get; init; }
}

internal enum ComparedTarget
{
    [JsonStringEnumMemberName("VERSION")]
    Version,

    [JsonStringEnumMemberName("CREATE")]
    Create,

    [JsonStringEnumMemberName("MOD")]
    Mod,

    [JsonStringEnumMemberName("VALUE")]
    Value,

    [JsonStringEnumMemberName("LEASE")]
    Lease,
}

internal enum ComparedResult
{
    [JsonStringEnumMemberName("EQUAL")]
    Equal,

    [JsonStringEnumMemberName("GREATER")]
    Greater,

    [JsonStringEnumMemberName("LESS")]
    Less,

    [JsonStringEnumMemberName("NOT_EQUAL")]
    NotEqual,
}

internal sealed record Compare
{
    public ComparedResult Result { get; init; }

    public ComparedTarget Target { get; init; }

    public byte[]? Key { get; init; }

    public long? Version { get; init; }

    public long? CreateRevision { get; init; }

    public long? ModRevision { get; init; }

    public byte[]? Value { get; init; }

    public long? Lease { get; init; }
}

internal sealed record RequestOp
{
    public RangeRequest? RequestRange { get; init; }

    public PutRequest? RequestPut { get; init; }

    public DeleteRangeRequest? RequestDeleteRange { get; init; }
}

internal sealed record ResponseOp
{
    public RangeResponse? ResponseRange { get; init; }

    public PutResponse? ResponsePut { get; init; }

    public DeleteRangeResponse? ResponseDeleteRange { get; init; }
}

internal sealed record TxnRequest
{
    public IReadOnlyList<Compare>? Compare { get; init; }

    public IReadOnlyList<RequestOp>? Success { get; init; }

    public IReadOnlyList<RequestOp>? Failure { get; init; }
}

internal sealed record TxnResponse
{
    public Header? Header { get; init; }

    public bool Succeeded { get; init; }

    public IReadOnlyList<ResponseOp>? Responses { get; init; }
}

internal sealed record LeaseGrantRequest
{
    [JsonPropertyName("TTL")]
    public long Seconds { get; init; }

    [JsonPropertyName("ID")]
    public long Id { get; init; }
}

/// <summary>A request that names a lease and nothing else.</summary>
internal sealed record LeaseRequest
{
    [JsonPropertyName("ID")]
    public long Id { get; init; }
}

/// <summary>Granted, renewed, or looked at: there <see cref="Seconds"/> is what is left, and -1 when the lease is gone.</summary>
internal sealed record LeaseResponse
{
    public Header? Header { get; init; }

    [JsonPropertyName("ID")]
    public long Id { get; init; }

    [JsonPropertyName("TTL")]
    public long Seconds { get; init; }

    [JsonPropertyName("grantedTTL")]
    public long GrantedSeconds { get; init; }
}

internal sealed record LeaseRevokeResponse
{
    public Header? Header { get; init; }
}

internal sealed record KeepAliveEnvelope
{
    public LeaseResponse? Result { get; init; }

    public StreamError? Error { get; init; }
}

internal sealed record WatchRequest
{
    public WatchCreateRequest? CreateRequest { get; init; }
}

internal sealed record WatchCreateRequest
{
    public byte[]? Key { get; init; }

    public byte[]? RangeEnd { get; init; }

    public long StartRevision { get; init; }

    public bool ProgressNotify { get; init; }

    public bool Fragment { get; init; }
}

internal sealed record WatchEnvelope
{
    public WatchResponse? Result { get; init; }

    public StreamError? Error { get; init; }
}

internal sealed record WatchResponse
{
    public Header? Header { get; init; }

    public bool Created { get; init; }

    public bool Canceled { get; init; }

    public long CompactRevision { get; init; }

    public string? CancelReason { get; init; }

    public bool Fragment { get; init; }

    public IReadOnlyList<Event>? Events { get; init; }
}

internal enum EventType
{
    [JsonStringEnumMemberName("PUT")]
    Put,

    [JsonStringEnumMemberName("DELETE")]
    Delete,
}

internal sealed record Event
{
    public EventType Type { get; init; }

    public Pair? Kv { get; init; }
}

internal sealed record StatusRequest;

internal sealed record StatusResponse
{
    public Header? Header { get; init; }

    public string? Version { get; init; }

    [JsonPropertyName("dbSize")]
    public long DatabaseSize { get; init; }

    public ulong Leader { get; init; }
}

internal sealed record VersionResponse
{
    [JsonPropertyName("etcdserver")]
    public string? Server { get; init; }

    [JsonPropertyName("etcdcluster")]
    public string? Cluster { get; init; }

    [JsonPropertyName("lighthouse")]
    public string? Lighthouse { get; init; }
}

internal sealed record HealthResponse
{
    public string? Health { get; init; }
}

/// <summary>An error of a single answer; <see cref="Code"/> is gRPC's.</summary>
internal sealed record ErrorResponse
{
    public string? Error { get; init; }

    public string? Message { get; init; }

    [JsonNumberHandling(JsonNumberHandling.AllowReadingFromString)]
    public int Code { get; init; }
}

/// <summary>An error inside a stream.</summary>
internal sealed record StreamError
{
    [JsonNumberHandling(JsonNumberHandling.AllowReadingFromString)]
    public int GrpcCode { get; init; }

    [JsonNumberHandling(JsonNumberHandling.AllowReadingFromString)]
    public int HttpCode { get; init; }

    public string? Message { get; init; }

    public string? HttpStatus { get; init; }
}
