using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Vni.Actors.Applications;
using Vni.Actors.Identity;
using Vni.Actors.Messages;
using Vni.Actors.Names;
using Vni.Actors.Nodes;
using Vni.Actors.Snapshots;

namespace Vni.Actors.Registry;

/// <summary>Values of the registry as bytes. What users never see has its own context here; the rest is <see cref="VniJson"/>.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, UseStringEnumConverter = true, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(HolderRecord))]
[JsonSerializable(typeof(OwnerRecord))]
[JsonSerializable(typeof(MemberRecord))]
[JsonSerializable(typeof(NamedApplication))]
[JsonSerializable(typeof(ResourceRows))]
internal sealed partial class RegistryJson : JsonSerializerContext
{
    public static ReadOnlyMemory<byte> Bytes(ApplicationState state) => Write(state, VniJson.Default.ApplicationState);

    public static ReadOnlyMemory<byte> Bytes(ApplicationEvent happened) => Write(happened, VniJson.Default.ApplicationEvent);

    public static ReadOnlyMemory<byte> Bytes(SnapshotRecord snapshot) => Write(snapshot, VniJson.Default.SnapshotRecord);

    public static ReadOnlyMemory<byte> Bytes(HolderRecord holder) => Write(holder, Default.HolderRecord);

    public static ReadOnlyMemory<byte> Bytes(OwnerRecord owner) => Write(owner, Default.OwnerRecord);

    public static ReadOnlyMemory<byte> Bytes(MemberRecord member) => Write(member, Default.MemberRecord);

    public static ReadOnlyMemory<byte> Bytes(ResourceRows rows) => Write(rows, Default.ResourceRows);

    public static ApplicationState Application(KeyValue pair) => Read(pair, VniJson.Default.ApplicationState);

    /// <summary>Of an application only what it is called.</summary>
    public static NamedApplication Named(KeyValue pair) => Read(pair, Default.NamedApplication);

    public static ApplicationEvent Event(KeyValue pair) => Read(pair, VniJson.Default.ApplicationEvent);

    public static SnapshotRecord Snapshot(KeyValue pair) => Read(pair, VniJson.Default.SnapshotRecord);

    public static HolderRecord Holder(KeyValue pair) => Read(pair, Default.HolderRecord);

    public static MemberRecord Member(KeyValue pair) => Read(pair, Default.MemberRecord);

    public static OwnerRecord Owner(KeyValue pair) => Read(pair, Default.OwnerRecord);

    public static ResourceRows Resources(KeyValue pair) => Read(pair, Default.ResourceRows);

    private static ReadOnlyMemory<byte> Write<T>(T value, JsonTypeInfo<T> type) => JsonSerializer.SerializeToUtf8Bytes(value, type);

    /// <exception cref="VniException"><see cref="ErrorCodes.Internal"/>: the value is not such a record.</exception>
    private static T Read<T>(KeyValue pair, JsonTypeInfo<T> type)
    {
        try
        {
            if (JsonSerializer.Deserialize(pair.Value.Span, type) is { } value) return value;
        }
        catch (JsonException e)
        {
            throw Unreadable(pair.Key, e);
        }

        throw Unreadable(pair.Key, null);
    }

    private static VniException Unreadable(string key, JsonException? inner) =>
        new(ErrorCodes.Internal, $"registry value {key} cannot be read ({inner?.Message ?? "it is null"}); restore the registry from a backup or delete the key", inner);
}
