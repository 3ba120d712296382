using System.Text.Json;
using System.Text.Json.Serialization;
using Vni.Actors.Applications;
using Vni.Actors.HandOffs;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Actors.Messages;
using Vni.Actors.Messaging;
using Vni.Actors.Snapshots;

namespace Vni.Actors.Farms;

/// <summary>What nodes ask each other.</summary>
internal static class FarmKinds
{
    private static readonly FarmJson Json = FarmJson.Default;

    /// <summary>To applications, wherever they are: a node that is not the application's says which one is.</summary>
    public static readonly PeerKind<ToApplication<bool>, Routed<ApplicationView>> View = new("application.view", Json.ToApplicationBoolean, Json.RoutedApplicationView) { IsQuery = true };
    public static readonly PeerKind<ToApplication<bool>, Routed<ApplicationView>> Start = new("application.start", Json.ToApplicationBoolean, Json.RoutedApplicationView);
    public static readonly PeerKind<ToApplication<StopRequest>, Routed<ApplicationView>> Stop = new("application.stop", Json.ToApplicationStopRequest, Json.RoutedApplicationView);
    public static readonly PeerKind<ToApplication<JoinRequest>, Routed<JoinView>> Join = new("application.join", Json.ToApplicationJoinRequest, Json.RoutedJoinView);
    public static readonly PeerKind<ToApplication<bool>, Routed<bool>> Remove = new("application.remove", Json.ToApplicationBoolean, Json.RoutedBoolean);
    public static readonly PeerKind<ToApplication<SnapshotRequest>, Routed<SnapshotView>> Snapshot = new("application.snapshot", Json.ToApplicationSnapshotRequest, Json.RoutedSnapshotView);
    public static readonly PeerKind<ToApplication<RestoreRequest>, Routed<RestoreView>> Restore = new("application.restore", Json.ToApplicationRestoreRequest, Json.RoutedRestoreView);
    public static readonly PeerKind<ToApplication<MigrateRequest>, Routed<MigrationView>> Migrate = new("application.migrate", Json.ToApplicationMigrateRequest, Json.RoutedMigrationView);

    public static readonly PeerKind<ToApplication<ResourceQuestion>, Routed<IReadOnlyList<ResourceView>>> Resources = new("application.resources", Json.ToApplicationResourceQuestion, Json.RoutedIReadOnlyListResourceView) { IsQuery = true };

    public static readonly PeerKind<ToApplication<SnapshotRecord>, bool> Recover = new("application.recover", Json.ToApplicationSnapshotRecord, Json.Boolean);

    /// <summary>To nodes.</summary>
    public static readonly PeerKind<ApplicationDeclaration, ApplicationView> Run = new("node.run", Json.ApplicationDeclaration, Json.ApplicationView);
    public static readonly PeerKind<SystemResource, ResourceView> Translate = new("node.translate", Json.SystemResource, Json.ResourceView) { IsQuery = true };
    public static readonly PeerKind<bool, bool> Fence = new("node.fence", Json.Boolean, Json.Boolean);
    public static readonly PeerKind<bool, bool> Leaving = new("node.leaving", Json.Boolean, Json.Boolean);
    public static readonly PeerKind<bool, bool> Leave = new("node.leave", Json.Boolean, Json.Boolean);

    /// <summary>Of a hand-off, from its source to its target.</summary>
    public static readonly PeerKind<PrepareHandOff, IReadOnlyList<string>> Check = new("handoff.check", Json.PrepareHandOff, Json.IReadOnlyListString) { IsQuery = true };
    public static readonly PeerKind<PrepareHandOff, bool> Prepare = new("handoff.prepare", Json.PrepareHandOff, Json.Boolean);
    public static readonly PeerKind<HandOffHeader, bool> Layer = new("handoff.layer", Json.HandOffHeader, Json.Boolean);
    public static readonly PeerKind<HandOffHeader, bool> Hold = new("handoff.hold", Json.HandOffHeader, Json.Boolean);
    public static readonly PeerKind<HandOffHeader, bool> State = new("handoff.state", Json.HandOffHeader, Json.Boolean);
    public static readonly PeerKind<ResumeHandOff, HandOffResumed> Resume = new("handoff.resume", Json.ResumeHandOff, Json.HandOffResumed);
    public static readonly PeerKind<SettleHandOff, bool> Settle = new("handoff.settle", Json.SettleHandOff, Json.Boolean);
    public static readonly PeerKind<HandOffHeader, IReadOnlyList<byte[]>> Abandon = new("handoff.abandon", Json.HandOffHeader, Json.IReadOnlyListByteArray);

    /// <summary>Of snapshots.</summary>
    public static readonly PeerKind<SnapshotRecord, bool> ShipSnapshot = new("snapshot.ship", Json.SnapshotRecord, Json.Boolean);
    public static readonly PeerKind<FetchSnapshot, bool> FetchSnapshot = new("snapshot.fetch", Json.FetchSnapshot, Json.Boolean);
    public static readonly PeerKind<FetchSnapshot, bool> DeleteSnapshot = new("snapshot.delete", Json.FetchSnapshot, Json.Boolean);
}

/// <param name="Aid">The application.</param>
/// <param name="Body">What is asked of it.</param>
internal sealed record ToApplication<T>(Aid Aid, T Body);

/// <summary>An answer of an application, or where it is.</summary>
/// <param name="Elsewhere">The node to ask instead; <c>null</c>: this is the answer.</param>
/// <param name="Value">The answer.</param>
internal sealed record Routed<T>(string? Elsewhere, T? Value);

/// <param name="HandOff">The hand-off.</param>
/// <param name="Instance">The instance.</param>
/// <param name="Facts">What it needs.</param>
internal sealed record PrepareHandOff(HandOffRecord HandOff, InstanceSpec Instance, InstanceFacts Facts);

/// <param name="Id">The hand-off.</param>
/// <param name="Aid">The application.</param>
internal sealed record HandOffHeader(string Id, Aid Aid);

/// <param name="Id">The hand-off.</param>
/// <param name="Aid">The application.</param>
/// <param name="State">As the registry has it: what the commit starts from.</param>
/// <param name="Revision">When it was written: what the commit compares.</param>
/// <param name="Owned">Whether the source's owner record is there.</param>
/// <param name="ManifestSha256">Digest of the manifest that ended the stream.</param>
internal sealed record ResumeHandOff(string Id, Aid Aid, ApplicationState State, long Revision, bool Owned, string ManifestSha256);

/// <param name="State">As the target recorded it.</param>
/// <param name="FramesHeld">Frames delivered.</param>
/// <param name="Phases">Of the restore.</param>
internal sealed record HandOffResumed(ApplicationState State, int FramesHeld, IReadOnlyList<Phase> Phases);

/// <param name="Id">The hand-off.</param>
/// <param name="Instance">The application, stopped or dormant.</param>
/// <param name="Park">Whether its address is to be held.</param>
/// <param name="State">As the registry has it: what the target's decision starts from.</param>
/// <param name="Revision">When it was written: what the decision compares.</param>
internal sealed record SettleHandOff(string Id, InstanceSpec Instance, bool Park, ApplicationState State, long Revision);

/// <param name="Snapshot">The snapshot.</param>
internal sealed record FetchSnapshot(SnapshotRecord Snapshot);

/// <param name="Type">Name of the type that is wanted; <c>null</c>: all.</param>
/// <param name="Virtual">The virtual id that is wanted, as it is now; <c>null</c>: all.</param>
internal sealed record ResourceQuestion(string? Type, string? Virtual);

/// <param name="Type">Name of the type.</param>
/// <param name="System">What the node calls it.</param>
internal sealed record SystemResource(string Type, string System);

/// <summary>JSON between nodes.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, UseStringEnumConverter = true, RespectNullableAnnotations = true,
    Converters = [typeof(LowerCaseStatusConverter)])]
[JsonSerializable(typeof(bool))]
[JsonSerializable(typeof(IReadOnlyList<string>))]
[JsonSerializable(typeof(IReadOnlyList<byte[]>))]
[JsonSerializable(typeof(ApplicationDeclaration))]
[JsonSerializable(typeof(ApplicationView))]
[JsonSerializable(typeof(ToApplication<bool>))]
[JsonSerializable(typeof(ToApplication<StopRequest>))]
[JsonSerializable(typeof(ToApplication<JoinRequest>))]
[JsonSerializable(typeof(ToApplication<SnapshotRequest>))]
[JsonSerializable(typeof(ToApplication<RestoreRequest>))]
[JsonSerializable(typeof(ToApplication<MigrateRequest>))]
[JsonSerializable(typeof(ToApplication<SnapshotRecord>))]
[JsonSerializable(typeof(ToApplication<ResourceQuestion>))]
[JsonSerializable(typeof(Routed<IReadOnlyList<ResourceView>>))]
[JsonSerializable(typeof(SystemResource))]
[JsonSerializable(typeof(ResourceView))]
[JsonSerializable(typeof(Routed<bool>))]
[JsonSerializable(typeof(Routed<ApplicationView>))]
[JsonSerializable(typeof(Routed<SnapshotView>))]
[JsonSerializable(typeof(Routed<JoinView>))]
[JsonSerializable(typeof(Routed<RestoreView>))]
[JsonSerializable(typeof(Routed<MigrationView>))]
[JsonSerializable(typeof(PrepareHandOff))]
[JsonSerializable(typeof(HandOffHeader))]
[JsonSerializable(typeof(ResumeHandOff))]
[JsonSerializable(typeof(HandOffResumed))]
[JsonSerializable(typeof(SettleHandOff))]
[JsonSerializable(typeof(FetchSnapshot))]
[JsonSerializable(typeof(SnapshotRecord))]
internal sealed partial class FarmJson : JsonSerializerContext;
