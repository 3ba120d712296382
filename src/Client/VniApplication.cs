using Vni.Actors.Applications;
using Vni.Actors.Messages;

namespace Vni.Client;

/// <summary>An application by its name, wherever in the farm it is. Holds nothing and can be kept.</summary>
public sealed class VniApplication
{
    private readonly VniClient _client;

    internal VniApplication(VniClient client, string aid) => (_client, Aid) = (client, aid);

    /// <summary>Its name.</summary>
    public string Aid { get; }

    /// <summary>As it is now.</summary>
    public Task<ApplicationView> GetAsync(CancellationToken cancellationToken = default) => _client.GetApplicationAsync(Aid, cancellationToken);

    /// <summary>Allocates its identity and starts its processes.</summary>
    /// <param name="declaration">What it is; its name is replaced by this one.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public Task<ApplicationView> RunAsync(ApplicationDeclaration declaration, CancellationToken cancellationToken = default) =>
        _client.RunAsync(declaration with { Name = Aid }, cancellationToken);

    /// <summary>Moves it to another node; its clients do not notice.</summary>
    /// <param name="node">Where to.</param>
    /// <param name="timeout">After which it is rolled back; default 60 s.</param>
    /// <param name="cancellationToken">Ends the waiting, not the migration.</param>
    public Task<MigrationView> MigrateAsync(string node, TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        _client.MigrateAsync(Aid, timeout is { } time ? new MigrateRequest(node, time.TotalSeconds) : new MigrateRequest(node), cancellationToken);

    /// <summary>Everything that would keep it from being saved at this moment; it is not disturbed.</summary>
    public async Task<IReadOnlyList<Vni.Actors.Interposition.Finding>> CheckAsync(CancellationToken cancellationToken = default) =>
        (await _client.CheckAsync(Aid, cancellationToken)).Findings;

    /// <summary>What would keep it from moving to a node, one sentence each; empty: nothing.</summary>
    public async Task<IReadOnlyList<string>> CheckMigrationAsync(string node, CancellationToken cancellationToken = default) =>
        (await _client.MigrateAsync(Aid, new MigrateRequest(node, DryRun: true), cancellationToken)).Blockers;

    /// <summary>Takes a snapshot; the application is dormant afterwards, unless it is left running.</summary>
    public Task<SnapshotView> SnapshotAsync(SnapshotRequest? request = null, CancellationToken cancellationToken = default) =>
        _client.SnapshotAsync(Aid, request ?? new SnapshotRequest(), cancellationToken);

    /// <summary>Its complete snapshots, oldest first.</summary>
    public Task<IReadOnlyList<SnapshotView>> ListSnapshotsAsync(CancellationToken cancellationToken = default) => _client.ListSnapshotsAsync(Aid, cancellationToken);

    /// <summary>Brings it back from a snapshot, by default the newest; returns when its processes run.</summary>
    public Task<RestoreView> RestoreAsync(RestoreRequest? request = null, CancellationToken cancellationToken = default) =>
        _client.RestoreAsync(Aid, request ?? new RestoreRequest(), cancellationToken);

    /// <summary>Starts it again from its beginning, after it was stopped.</summary>
    public Task<ApplicationView> StartAsync(CancellationToken cancellationToken = default) => _client.StartAsync(Aid, cancellationToken);

    /// <summary>Ends its processes: SIGTERM, and SIGKILL after a time of grace.</summary>
    public Task<ApplicationView> StopAsync(StopRequest? request = null, CancellationToken cancellationToken = default) =>
        _client.StopAsync(Aid, request ?? new StopRequest(), cancellationToken);

    /// <summary>Starts another program in it, as a full member; returns when it has been executed.</summary>
    public Task<JoinView> JoinAsync(JoinRequest request, CancellationToken cancellationToken = default) => _client.JoinAsync(Aid, request, cancellationToken);

    /// <summary>Removes it with its identity, files and snapshots; <paramref name="force"/>: also while it runs.</summary>
    public Task RemoveAsync(bool force = false, CancellationToken cancellationToken = default) => _client.RemoveAsync(Aid, force, cancellationToken);

    /// <summary>Its resource ids, virtual and on its node; of one type or of all.</summary>
    public Task<IReadOnlyList<ResourceView>> ListResourcesAsync(string? type = null, CancellationToken cancellationToken = default) => _client.ListResourcesAsync(Aid, type, cancellationToken);

    /// <summary>What one of its virtual ids stands for on its node at this moment.</summary>
    public Task<ResourceView> TranslateAsync(string type, string virtualId, CancellationToken cancellationToken = default) => _client.TranslateAsync(Aid, type, virtualId, cancellationToken);

    /// <summary>What has happened to it, and what happens from now on until it is removed or the token is cancelled.</summary>
    public IAsyncEnumerable<ApplicationEvent> WatchEventsAsync(CancellationToken cancellationToken = default) => _client.EventsAsync(Aid, follow: true, cancellationToken);
}
