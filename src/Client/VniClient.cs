using Vni.Actors.Applications;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Actors.Messages;
using Vni.Client.Transport;

namespace Vni.Client;

/// <summary>
/// The daemon's API, version 1 (<c>docs/api.md</c>), over its unix socket, or over TLS at one or several nodes (<see cref="VniFarm"/>). Calls may overlap; each is cancelled by its
/// token alone, without a time limit of its own. Every failure is a <see cref="Vni.Actors.VniException"/> with the daemon's code, or
/// <see cref="Vni.Actors.ErrorCodes.DaemonUnavailable"/> when no answer came.
/// </summary>
public sealed partial class VniClient : IDisposable
{
    private readonly DaemonTransport _transport;

    /// <param name="socketPath">Path of the socket, 1 to 107 bytes; see <see cref="VniEndpoint"/>.</param>
    public VniClient(string socketPath)
        : this(new DaemonTransport(socketPath))
    {
    }

    internal VniClient(DaemonTransport transport) => _transport = transport;

    /// <summary>Path or address of the daemon that is asked.</summary>
    public string SocketPath => _transport.SocketPath;

    /// <summary>Version and name of the daemon.</summary>
    public Task<VersionView> GetVersionAsync(CancellationToken cancellationToken = default) =>
        _transport.SendAsync(HttpMethod.Get, "/v1/version", VniJson.Default.VersionView, cancellationToken);

    /// <summary>What the daemon's machine can and cannot do.</summary>
    public Task<IReadOnlyList<NodeCheck>> CheckAsync(CancellationToken cancellationToken = default) =>
        _transport.SendAsync(HttpMethod.Get, "/v1/check", VniJson.Default.IReadOnlyListNodeCheck, cancellationToken);

    /// <summary>Everything that would keep a running application from being saved at this moment; it is not disturbed.</summary>
    public Task<ApplicationCheckView> CheckAsync(string aid, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(HttpMethod.Get, PathOf(aid, "/check"), VniJson.Default.ApplicationCheckView, cancellationToken);

    /// <summary>All applications, in order of name.</summary>
    public Task<IReadOnlyList<ApplicationView>> ListApplicationsAsync(CancellationToken cancellationToken = default) =>
        _transport.SendAsync(HttpMethod.Get, "/v1/applications", VniJson.Default.IReadOnlyListApplicationView, cancellationToken);

    /// <summary>One application.</summary>
    public Task<ApplicationView> GetApplicationAsync(string aid, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(HttpMethod.Get, PathOf(aid), VniJson.Default.ApplicationView, cancellationToken);

    /// <summary>Allocates an identity and starts the chain; returns when each process has executed its program.</summary>
    public Task<ApplicationView> RunAsync(ApplicationDeclaration declaration, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            HttpMethod.Post, "/v1/applications", declaration, VniJson.Default.ApplicationDeclaration, VniJson.Default.ApplicationView, cancellationToken);

    /// <summary>Starts a stopped application again, from its beginning, with its files and identity.</summary>
    public Task<ApplicationView> StartAsync(string aid, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(HttpMethod.Post, PathOf(aid, "/start"), VniJson.Default.ApplicationView, cancellationToken);

    /// <summary>Ends the processes of an application; its files and identity stay.</summary>
    public Task<ApplicationView> StopAsync(string aid, StopRequest request, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            HttpMethod.Post, PathOf(aid, "/stop"), request, VniJson.Default.StopRequest, VniJson.Default.ApplicationView, cancellationToken);

    /// <summary>Starts another program in a running application, as a full member of it; returns when it has been executed.</summary>
    public Task<JoinView> JoinAsync(string aid, JoinRequest request, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            HttpMethod.Post, PathOf(aid, "/join"), request, VniJson.Default.JoinRequest, VniJson.Default.JoinView, cancellationToken);

    /// <summary>Removes an application with its files, snapshots and identity; <paramref name="force"/>: even while it runs.</summary>
    public async Task RemoveAsync(string aid, bool force, CancellationToken cancellationToken = default)
    {
        var request = new HttpRequestMessage(HttpMethod.Delete, DaemonTransport.UriOf(PathOf(aid, force ? "?force=true" : "")));
        using var response = await _transport.SendAsync(request, cancellationToken);
    }

    /// <summary>Takes a snapshot; returns when it is complete.</summary>
    public Task<SnapshotView> SnapshotAsync(string aid, SnapshotRequest request, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            HttpMethod.Post, PathOf(aid, "/snapshot"), request, VniJson.Default.SnapshotRequest, VniJson.Default.SnapshotView, cancellationToken);

    /// <summary>Brings an application back from a snapshot; returns when its processes run.</summary>
    public Task<RestoreView> RestoreAsync(string aid, RestoreRequest request, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            HttpMethod.Post, PathOf(aid, "/restore"), request, VniJson.Default.RestoreRequest, VniJson.Default.RestoreView, cancellationToken);

    /// <summary>Snapshots of one application, or of all when <paramref name="aid"/> is <c>null</c>.</summary>
    public Task<IReadOnlyList<SnapshotView>> ListSnapshotsAsync(string? aid = null, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            HttpMethod.Get,
            aid is null ? "/v1/snapshots" : $"/v1/snapshots?aid={Aid.Parse(aid)}",
            VniJson.Default.IReadOnlyListSnapshotView,
            cancellationToken);

    /// <summary>The resource ids of an application, of one type (<c>process</c>, <c>tcp</c>, ...) or of all; at most a second old.</summary>
    public Task<IReadOnlyList<ResourceView>> ListResourcesAsync(string aid, string? type = null, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            HttpMethod.Get, PathOf(aid, type is null ? "/resources" : $"/resources?type={Uri.EscapeDataString(type)}"), VniJson.Default.IReadOnlyListResourceView, cancellationToken);

    /// <summary>What a virtual id of an application stands for on its node at this moment.</summary>
    public Task<ResourceView> TranslateAsync(string aid, string type, string virtualId, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            HttpMethod.Get,
            PathOf(aid, $"/translate?type={Uri.EscapeDataString(type)}&virtual={Uri.EscapeDataString(virtualId)}"),
            VniJson.Default.ResourceView,
            cancellationToken);

    /// <summary>Which application a resource of a node belongs to, and what that calls it.</summary>
    /// <param name="type">The type.</param>
    /// <param name="system">What the node calls it: a pid, <c>socket:[INODE]</c>, ...</param>
    /// <param name="node">The node; <c>null</c>: the one that is asked.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public Task<ResourceView> TranslateSystemAsync(string type, string system, string? node = null, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            HttpMethod.Get,
            $"/v1/translate?type={Uri.EscapeDataString(type)}&system={Uri.EscapeDataString(system)}{(node is null ? "" : $"&node={Uri.EscapeDataString(node)}")}",
            VniJson.Default.ResourceView,
            cancellationToken);

    /// <inheritdoc />
    public void Dispose() => _transport.Dispose();

    // Only a valid name becomes part of a path: '..' or a slash would name another resource.
    private static string PathOf(string aid, string rest = "") => $"/v1/applications/{Aid.Parse(aid)}{rest}";
}
