using System.Globalization;
using System.Net.Http.Json;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Vni.Actors;
using Vni.Actors.Identity;
using Vni.Actors.Messages;
using Vni.Client.Transport;

namespace Vni.Client;

public sealed partial class VniClient
{
    /// <summary>The farm at a glance.</summary>
    public Task<ClusterView> GetClusterAsync(CancellationToken cancellationToken = default) =>
        _transport.SendAsync(HttpMethod.Get, "/v1/cluster", VniJson.Default.ClusterView, cancellationToken);

    /// <summary>All nodes, in order of name.</summary>
    public Task<IReadOnlyList<NodeView>> ListNodesAsync(CancellationToken cancellationToken = default) =>
        _transport.SendAsync(HttpMethod.Get, "/v1/nodes", VniJson.Default.IReadOnlyListNodeView, cancellationToken);

    /// <summary>Moves an application to another node, or says what would block that. The daemon goes on if the caller gives up.</summary>
    public Task<MigrationView> MigrateAsync(string aid, MigrateRequest request, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(HttpMethod.Post, PathOf(aid, "/migrate"), request, VniJson.Default.MigrateRequest, VniJson.Default.MigrationView, cancellationToken);

    /// <summary>Moves every application away from a node, one line for each; cancelling leaves what is done as it is.</summary>
    public IAsyncEnumerable<DrainProgress> DrainAsync(string node, DrainRequest? request = null, CancellationToken cancellationToken = default) =>
        EmptyAsync(NodePathOf(node, "/drain"), request, cancellationToken);

    /// <summary>Drains a node; its daemon then leaves the farm and ends.</summary>
    public IAsyncEnumerable<DrainProgress> LeaveAsync(string node, DrainRequest? request = null, CancellationToken cancellationToken = default) =>
        EmptyAsync(NodePathOf(node, "/leave"), request, cancellationToken);

    /// <summary>Gives a node up before its lease expires; <paramref name="force"/>: the caller's word that it is off.</summary>
    public async Task DownAsync(string node, bool force, CancellationToken cancellationToken = default)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, DaemonTransport.UriOf(NodePathOf(node, force ? "/down?force=true" : "/down")));
        using var response = await _transport.SendAsync(request, cancellationToken);
    }

    /// <summary>What happens in the farm from now on, until the token is cancelled.</summary>
    public IAsyncEnumerable<FarmEvent> WatchAsync(CancellationToken cancellationToken = default) =>
        LinesAsync(new HttpRequestMessage(HttpMethod.Get, DaemonTransport.UriOf("/v1/cluster/watch")), VniJson.Default.FarmEvent, cancellationToken);

    /// <summary>Paths of the daemon's actors, parents before children.</summary>
    public Task<IReadOnlyList<string>> ListActorsAsync(CancellationToken cancellationToken = default) =>
        _transport.SendAsync(HttpMethod.Get, "/v1/actors", VniJson.Default.IReadOnlyListString, cancellationToken);

    /// <summary>Where the actors of all applications are.</summary>
    public Task<IReadOnlyList<ShardView>> ListShardsAsync(CancellationToken cancellationToken = default) =>
        _transport.SendAsync(HttpMethod.Get, "/v1/shards", VniJson.Default.IReadOnlyListShardView, cancellationToken);

    /// <summary>The registry's pairs under a prefix of the farm, at most <paramref name="limit"/> of them.</summary>
    public Task<IReadOnlyList<RegistryPairView>> ReadRegistryAsync(string prefix, int limit, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            HttpMethod.Get,
            $"/v1/registry?prefix={Uri.EscapeDataString(prefix)}&limit={limit.ToString(CultureInfo.InvariantCulture)}",
            VniJson.Default.IReadOnlyListRegistryPairView,
            cancellationToken);

    // As for applications: only a valid name becomes part of a path.
    private static string NodePathOf(string node, string rest) => DnsLabel.IsValid(node)
        ? $"/v1/nodes/{node}{rest}"
        : throw new VniException(ErrorCodes.InvalidArgument, $"node name {DnsLabel.Quote(node)} is not valid: {DnsLabel.Rule}");

    private IAsyncEnumerable<DrainProgress> EmptyAsync(string path, DrainRequest? request, CancellationToken cancellationToken) => LinesAsync(
        new HttpRequestMessage(HttpMethod.Post, DaemonTransport.UriOf(path)) { Content = JsonContent.Create(request ?? new DrainRequest(), VniJson.Default.DrainRequest) },
        VniJson.Default.DrainProgress,
        cancellationToken);

    private async IAsyncEnumerable<T> LinesAsync<T>(
        HttpRequestMessage request, JsonTypeInfo<T> type, [EnumeratorCancellation] CancellationToken cancellationToken)
        where T : class
    {
        using var response = await _transport.SendAsync(request, cancellationToken);
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        using var lines = new StreamReader(body, Encoding.UTF8);
        while (await ReadLineAsync(lines, type, cancellationToken) is { } found) yield return found;
    }

    private async Task<T?> ReadLineAsync<T>(StreamReader lines, JsonTypeInfo<T> type, CancellationToken cancellationToken)
        where T : class
    {
        try
        {
            while (await lines.ReadLineAsync(cancellationToken) is { } line)
            {
                if (line.Length > 0) return JsonSerializer.Deserialize(line, type);
            }

            return null;
        }
        catch (JsonException e)
        {
            throw DaemonFailures.Unreadable(SocketPath, e);
        }
        catch (IOException e)
        {
            throw DaemonFailures.ConnectionLost(SocketPath, e);
        }
    }
}
