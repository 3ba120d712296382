using System.Text.Json;
using System.Text.Json.Serialization;

namespace Vni.Cluster.Registry.Etcd;

/// <summary>The form of <c>Messages.cs</c> on the wire.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    NumberHandling = JsonNumberHandling.AllowReadingFromString | JsonNumberHandling.WriteAsString,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault,
    UseStringEnumConverter = true,
    MaxDepth = 16)]
[JsonSerializable(typeof(RangeRequest))]
[JsonSerializable(typeof(RangeResponse))]
[JsonSerializable(typeof(PutRequest))]
[JsonSerializable(typeof(PutResponse))]
[JsonSerializable(typeof(DeleteRangeRequest))]
[JsonSerializable(typeof(DeleteRangeResponse))]
[JsonSerializable(typeof(TxnRequest))]
[JsonSerializable(typeof(TxnResponse))]
[JsonSerializable(typeof(LeaseGrantRequest))]
[JsonSerializable(typeof(LeaseRequest))]
[JsonSerializable(typeof(LeaseResponse))]
[JsonSerializable(typeof(LeaseRevokeResponse))]
[JsonSerializable(typeof(KeepAliveEnvelope))]
[JsonSerializable(typeof(WatchRequest))]
[JsonSerializable(typeof(WatchEnvelope))]
[JsonSerializable(typeof(StatusRequest))]
[JsonSerializable(typeof(StatusResponse))]
[JsonSerializable(typeof(VersionResponse))]
[JsonSerializable(typeof(HealthResponse))]
[JsonSerializable(typeof(ErrorResponse))]
internal sealed partial class EtcdJson : JsonSerializerContext
{
    /// <summary>For a server: a field that it does not know is an error, because the answer would not be what was asked for.</summary>
    // Made when it is first asked for: by then the generated half of this class is ready.
    public static EtcdJson Strict => field ??= new(new JsonSerializerOptions(Default.Options)
    {
        TypeInfoResolver = null,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        AllowDuplicateProperties = false,
    });
}
