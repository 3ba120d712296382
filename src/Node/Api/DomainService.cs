using Vni.Actors.Applications;
using Vni.Actors.Identity;
using Vni.Actors.Messages;
using Vni.Actors.Nodes;
using Vni.Actors.Resources;

namespace Vni.Node.Api;

/// <summary>The domain, as the API sees it.</summary>
internal sealed class DomainService(ApplicationService domain) : IApplicationService
{
    public Task<ApplicationView> RunAsync(ApplicationDeclaration declaration, CancellationToken cancellationToken) => domain.RunAsync(declaration, cancellationToken);

    public Task<IReadOnlyList<ApplicationView>> ListAsync(CancellationToken cancellationToken) => domain.ListAsync(cancellationToken);

    public Task<ApplicationView> GetAsync(Aid aid, CancellationToken cancellationToken) => domain.GetAsync(aid, cancellationToken);

    public Task<ApplicationView> StartAsync(Aid aid, CancellationToken cancellationToken) => domain.StartAsync(aid, cancellationToken);

    public Task<ApplicationView> StopAsync(Aid aid, TimeSpan grace, CancellationToken cancellationToken) => domain.StopAsync(aid, grace, cancellationToken);

    public Task<JoinView> JoinAsync(Aid aid, JoinRequest request, CancellationToken cancellationToken) => domain.JoinAsync(aid, request, cancellationToken);

    public Task RemoveAsync(Aid aid, bool force, CancellationToken cancellationToken) => domain.RemoveAsync(aid, force, cancellationToken);

    public Task<SnapshotView> SnapshotAsync(Aid aid, SnapshotRequest request, CancellationToken cancellationToken) => domain.SnapshotAsync(aid, request, cancellationToken);

    public Task<IReadOnlyList<SnapshotView>> ListSnapshotsAsync(Aid? aid, CancellationToken cancellationToken) => domain.ListSnapshotsAsync(aid, cancellationToken);

    public Task<RestoreView> RestoreAsync(Aid aid, RestoreRequest request, CancellationToken cancellationToken) => domain.RestoreAsync(aid, request, cancellationToken);

    public IAsyncEnumerable<ApplicationEvent> EventsAsync(Aid aid, bool follow, CancellationToken cancellationToken) => domain.EventsAsync(aid, follow, cancellationToken);

    public Task<IReadOnlyList<ResourceView>> ListResourcesAsync(Aid aid, ResourceType? type, CancellationToken cancellationToken) => domain.ListResourcesAsync(aid, type, cancellationToken);

    public Task<ResourceView> TranslateAsync(Aid aid, ResourceType type, string virtualId, CancellationToken cancellationToken) => domain.TranslateAsync(aid, type, virtualId, cancellationToken);

    public Task<ResourceView> TranslateSystemAsync(string? node, ResourceType type, string system, CancellationToken cancellationToken) => domain.TranslateSystemAsync(node, type, system, cancellationToken);
}
