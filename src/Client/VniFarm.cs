using Vni.Actors;
using Vni.Actors.Applications;
using Vni.Actors.Messages;
using Vni.Actors.Security;
using Vni.Client.Transport;

namespace Vni.Client;

/// <summary>
/// A farm, for programs. Every call is carried through by the farm once it was accepted, whichever node was asked; cancelling it only ends the
/// waiting. Every failure is a <see cref="VniException"/> with the farm's code, or <see cref="ErrorCodes.DaemonUnavailable"/> when no
/// node answered. Calls may overlap.
/// </summary>
public sealed class VniFarm : IDisposable
{
    private readonly FarmTls? _tls;

    private VniFarm(VniClient client, FarmTls? tls)
    {
        (Client, _tls) = (client, tls);
        Applications = new VniApplications(client);
    }

    /// <summary>The applications of the farm, by name.</summary>
    public VniApplications Applications { get; }

    /// <summary>Everything that a node can be asked, for what this class leaves out (logs, programs run inside, checks).</summary>
    public VniClient Client { get; }

    /// <summary>Connects to the first node that answers.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.DaemonUnavailable"/>: none does; <see cref="ErrorCodes.InvalidArgument"/>: an
    /// address or a file is not usable.</exception>
    public static async Task<VniFarm> ConnectAsync(VniFarmOptions options, CancellationToken cancellationToken = default)
    {
        var tls = options.Tls is { } files ? FarmTls.Load(files) : null;
        var farm = new VniFarm(new VniClient(TransportOf(options, tls)), tls);
        try
        {
            await farm.Client.GetVersionAsync(cancellationToken);
            return farm;
        }
        catch
        {
            farm.Dispose();
            throw;
        }
    }

    /// <summary>The farm at a glance.</summary>
    public Task<ClusterView> GetClusterAsync(CancellationToken cancellationToken = default) => Client.GetClusterAsync(cancellationToken);

    /// <summary>All nodes, in order of name.</summary>
    public Task<IReadOnlyList<NodeView>> ListNodesAsync(CancellationToken cancellationToken = default) => Client.ListNodesAsync(cancellationToken);

    /// <summary>Moves every application away from a node; one line for each as it is done.</summary>
    public IAsyncEnumerable<DrainProgress> DrainAsync(string node, DrainRequest? request = null, CancellationToken cancellationToken = default) =>
        Client.DrainAsync(node, request, cancellationToken);

    /// <summary>What happens in the farm from now on, until the token is cancelled or the node that tells it ends.</summary>
    public IAsyncEnumerable<FarmEvent> WatchAsync(CancellationToken cancellationToken = default) => Client.WatchAsync(cancellationToken);

    /// <summary>Allocates an identity and starts the processes; returns the application.</summary>
    public async Task<VniApplication> RunAsync(ApplicationDeclaration declaration, CancellationToken cancellationToken = default) =>
        Applications[(await Client.RunAsync(declaration, cancellationToken)).Aid];

    /// <inheritdoc />
    public void Dispose()
    {
        Client.Dispose();
        _tls?.Dispose();
    }

    private static DaemonTransport TransportOf(VniFarmOptions options, FarmTls? tls)
    {
        try
        {
            return options.Seeds.Count == 0
                ? new DaemonTransport(options.Socket)
                : new DaemonTransport([.. options.Seeds.Select(seed => DaemonEndpoint.OfAddress(seed, tls))]);
        }
        catch
        {
            tls?.Dispose();
            throw;
        }
    }
}
