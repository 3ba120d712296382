using Vni.Actors.Registry;
using Vni.Actors.Security;
using Vni.Cluster.Registry.Etcd;
using Vni.Cluster.Registry.Sqlite;
using Vni.Node.Configuration;

namespace Vni.Node.Hosting;

/// <summary>Opens the registry that the configuration names: the farm's, at its seeds, or without any this node's own.</summary>
internal static class RegistryFactory
{
    /// <param name="options">The configuration.</param>
    /// <param name="tls">This node's certificate; stays the caller's.</param>
    /// <param name="clock">Time.</param>
    internal static IRegistry Open(NodeOptions options, FarmTls? tls, TimeProvider clock) => options.Seeds.Count > 0
        ? EtcdRegistry.Open(new EtcdRegistryOptions { Endpoints = options.Seeds, Tls = tls, Time = clock })
        : SqliteRegistry.Open(new SqliteRegistryOptions { Path = Path.Combine(options.State, "registry.db"), Time = clock });
}
