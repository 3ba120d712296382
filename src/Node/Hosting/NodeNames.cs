using Microsoft.Extensions.Logging;
using Vni.Actors;
using Vni.Actors.Registry;
using Vni.Cluster.Names;
using Vni.Node.Configuration;

namespace Vni.Node.Hosting;

/// <summary>The node's own name server.</summary>
internal static class NodeNames
{
    /// <summary>Starts it; <c>null</c>: none is wanted, or the address that it has by default cannot be listened on, which is no reason not to run applications.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.Conflict"/>: an address that was asked for cannot be listened on.</exception>
    internal static NameServer? Start(NodeOptions options, IRegistry registry, RegistryKeys keys, TimeProvider clock, ILoggerFactory loggers)
    {
        if (options.DnsEndPoints is not { Count: > 0 } endPoints) return null;
        var log = loggers.CreateLogger<NameServer>();
        try
        {
            return NameServer.Start(endPoints, options.Dns, options.Dns.Zone(endPoints, options.Network.Subnets), registry, keys, clock, log);
        }
        catch (VniException e) when (options.Dns.Listen is null)
        {
            log.NotAnswering(e.Message);
            return null;
        }
    }
}
