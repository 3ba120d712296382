using System.Text.Json;
using System.Text.Json.Serialization;
using Vni.Actors.Applications;
using Vni.Actors.Interposition;
using Vni.Actors.Snapshots;

namespace Vni.Actors.Messages;

/// <summary>
/// JSON of everything that is stored or sent: camelCase names, unknown members refused where a user wrote the text and
/// skipped where a newer peer did, enumerations in lower case.
/// </summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, UseStringEnumConverter = true, RespectNullableAnnotations = true,
    Converters = [typeof(LowerCaseStatusConverter)])]
[JsonSerializable(typeof(ApplicationState))]
[JsonSerializable(typeof(ApplicationEvent))]
[JsonSerializable(typeof(IReadOnlyList<ApplicationEvent>))]
[JsonSerializable(typeof(ApplicationDeclaration))]
[JsonSerializable(typeof(SnapshotManifest))]
[JsonSerializable(typeof(SnapshotRecord))]
[JsonSerializable(typeof(ApplicationView))]
[JsonSerializable(typeof(IReadOnlyList<ApplicationView>))]
[JsonSerializable(typeof(SnapshotView))]
[JsonSerializable(typeof(IReadOnlyList<SnapshotView>))]
[JsonSerializable(typeof(ResourceView))]
[JsonSerializable(typeof(IReadOnlyList<ResourceView>))]
[JsonSerializable(typeof(RulesView))]
[JsonSerializable(typeof(RestoreView))]
[JsonSerializable(typeof(VersionView))]
[JsonSerializable(typeof(ErrorView))]
[JsonSerializable(typeof(SnapshotRequest))]
[JsonSerializable(typeof(DrainRequest))]
[JsonSerializable(typeof(RestoreRequest))]
[JsonSerializable(typeof(StopRequest))]
[JsonSerializable(typeof(JoinRequest))]
[JsonSerializable(typeof(JoinView))]
[JsonSerializable(typeof(NodeView))]
[JsonSerializable(typeof(IReadOnlyList<NodeView>))]
[JsonSerializable(typeof(ClusterView))]
[JsonSerializable(typeof(MigrateRequest))]
[JsonSerializable(typeof(MigrationView))]
[JsonSerializable(typeof(DrainProgress))]
[JsonSerializable(typeof(FarmEvent))]
[JsonSerializable(typeof(IReadOnlyList<ShardView>))]
[JsonSerializable(typeof(IReadOnlyList<RegistryPairView>))]
[JsonSerializable(typeof(IReadOnlyList<string>))]
[JsonSerializable(typeof(IReadOnlyList<NodeCheck>))]
[JsonSerializable(typeof(IReadOnlyList<LiveProcess>))]
[JsonSerializable(typeof(ApplicationCheckView))]
public sealed partial class VniJson : JsonSerializerContext;

internal sealed class LowerCaseStatusConverter() : JsonStringEnumConverter<ApplicationStatus>(JsonNamingPolicy.CamelCase);
