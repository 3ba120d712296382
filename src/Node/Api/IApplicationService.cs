using Vni.Actors;
using Vni.Actors.Applications;
using Vni.Actors.Identity;
using Vni.Actors.Messages;
using Vni.Actors.Resources;

namespace Vni.Node.Api;

/// <summary>
/// What the API needs of the domain. Every method throws <see cref="VniException"/> for what is refused. Operations
/// return when they are over; a failed one has changed nothing.
/// </summary>
internal interface IApplicationService
{
    /// <summary>Allocates an identity and starts the processes.</summary>
    Task<ApplicationView> RunAsync(ApplicationDeclaration declaration, CancellationToken cancellationToken);

    /// <summary>All applications, by name.</summary>
    Task<IReadOnlyList<ApplicationView>> ListAsync(CancellationToken cancellationToken);

    /// <summary>One application.</summary>
    Task<ApplicationView> GetAsync(Aid aid, CancellationToken cancellationToken);

    /// <summary>Starts the processes of a stopped application from their beginning.</summary>
    Task<ApplicationView> StartAsync(Aid aid, CancellationToken cancellationToken);

    /// <summary>Ends the processes: SIGTERM, and SIGKILL after <paramref name="grace"/>.</summary>
    Task<ApplicationView> StopAsync(Aid aid, TimeSpan grace, CancellationToken cancellationToken);

    /// <summary>Starts another program in a running application.</summary>
    Task<JoinView> JoinAsync(Aid aid, JoinRequest request, CancellationToken cancellationToken);

    /// <summary>Removes everything of an application; <paramref name="force"/>: also of one that runs.</summary>
    Task RemoveAsync(Aid aid, bool force, CancellationToken cancellationToken);

    /// <summary>Takes a snapshot.</summary>
    Task<SnapshotView> SnapshotAsync(Aid aid, SnapshotRequest request, CancellationToken cancellationToken);

    /// <summary>Complete snapshots, of one application or of all, oldest first.</summary>
    Task<IReadOnlyList<SnapshotView>> ListSnapshotsAsync(Aid? aid, CancellationToken cancellationToken);

    /// <summary>Brings an application back from a snapshot.</summary>
    Task<RestoreView> RestoreAsync(Aid aid, RestoreRequest request, CancellationToken cancellationToken);

    /// <summary>The resource ids of an application, of one type or of all.</summary>
    Task<IReadOnlyList<ResourceView>> ListResourcesAsync(Aid aid, ResourceType? type, CancellationToken cancellationToken);

    /// <summary>What a virtual id stands for at this moment.</summary>
    Task<ResourceView> TranslateAsync(Aid aid, ResourceType type, string virtualId, CancellationToken cancellationToken);

    /// <summary>Which application's a resource of a node is; <paramref name="node"/> <c>null</c>: of this one.</summary>
    Task<ResourceView> TranslateSystemAsync(string? node, ResourceType type, string system, CancellationToken cancellationToken);

    /// <summary>What has happened to an application, and with <paramref name="follow"/> what happens until it is removed.</summary>
    IAsyncEnumerable<ApplicationEvent> EventsAsync(Aid aid, bool follow, CancellationToken cancellationToken);
}
