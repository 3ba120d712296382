using System.Net;
using Vni.Actors.Identity;
using Vni.Actors.Nodes;
using Vni.Cluster.Names;
using Vni.Interposer;
using Vni.Node.Configuration;

namespace Vni.Node.Hosting;

/// <summary>What each part of the product gets of the daemon's options.</summary>
internal static class ProductSettings
{
    /// <summary>For the Linux side.</summary>
    /// <param name="options">The options.</param>
    /// <param name="cache">Directory for CRIU's cache.</param>
    /// <param name="daemonDirectory">Where the daemon's program is.</param>
    /// <param name="searchPath">The daemon's <c>PATH</c>.</param>
    internal static InterposerOptions ForInterposer(NodeOptions options, CriuCache cache, string daemonDirectory, string? searchPath) => new()
    {
        Node = options.Node,
        StateDirectory = options.State,
        RuntimeDirectory = cache.Path,
        HarnessPath = ToolPaths.Harness(options, daemonDirectory),
        CriuPath = ToolPaths.Criu(options, searchPath),
        Patience = options.Snapshots.Patience,
        Network = new NetworkOptions
        {
            Bridge = options.Network.Bridge,
            Subnet = options.Network.Subnet.BaseAddress,
            PrefixLength = options.Network.Subnet.PrefixLength,
            Gateway = options.Network.Gateway,
            Subnet6 = options.Network.Subnet6,
            Gateway6 = options.Network.Gateway6,
            Uplink = options.Network.Uplink,
        },
        Names = NamesOf(options),

        // Our own things are hidden wherever they were put: an instance that reaches the socket owns the node.
        Masks = [.. Settings.BuiltInMasks.Except(options.Masks.Remove), .. options.Masks.Add, options.State, options.Runtime, options.Socket],
    };

    /// <summary>For new instances. Their resolvers know port 53 alone, and their loopback is not the node's.</summary>
    internal static InstanceNames NamesOf(NodeOptions options) => new()
    {
        Domain = options.Dns.Domain,
        Servers = options.DnsServers
            ?? [.. options.DnsEndPoints.Where(endPoint => endPoint.Port == NameServerOptions.Port && !IPAddress.IsLoopback(endPoint.Address)).Select(endPoint => endPoint.Address)],
        NodesToo = options.DnsServers is null && options.Dns.Forward.Count == 0,
    };

    /// <summary>For the domain.</summary>
    /// <param name="options">The options.</param>
    /// <param name="version">The daemon's version.</param>
    internal static NodeSettings ForDomain(NodeOptions options, string version) => new()
    {
        Node = options.Node,
        Addresses = new AddressRange(options.Network.Subnet.BaseAddress, options.Network.Subnet.PrefixLength, options.Network.Gateway, options.Network.Range),
        Addresses6 = options.Network.Subnet6 is { } subnet6
            ? new AddressRange6(subnet6.BaseAddress, subnet6.PrefixLength, options.Network.Gateway6, options.Network.Range6)
            : null,
        KeepSnapshots = options.Snapshots.Keep,
        SharedSnapshots = options.Snapshots.Shared,
        LeaseTimeToLive = options.Lease,
        Shared = options.Seeds.Count > 0,
        Version = version,
        Endpoint = options.Advertise,
        Cpus = Environment.ProcessorCount,
        Memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
        Labels = options.Labels,
    };
}
