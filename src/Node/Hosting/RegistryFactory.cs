using Vni.Actors.Registry;
using Vni.Actors.Security;
using Vni.Cluster.Registry.Etcd;
using Vni.Cluster.Registry.Sqlite;
using Vni.Node.Configuration;

namespace Vni.Node.Hosting;

/// <summary>Opens the registry that the configuration names: the farm's, at its seeds, or without any this node's own.</summary>
internal static class RegistryFactory
{
    /// <summary>Longest that one address of the registry is waited for.</summary>
    private static readonly TimeSpan LongestAttempt = TimeSpan.FromSeconds(2);

    /// <param name="options">The configuration.</param>
    /// <param name="tls">This node's certificate; stays the caller's.</param>
    /// <param name="clock">Time.</param>
    internal static IRegistry Open(NodeOptions options, FarmTls? tls, TimeProvider clock) => options.Seeds.Count > 0
        ? EtcdRegistry.Open(new EtcdRegistryOptions { Endpoints = options.Seeds, Tls = tls, Time = clock, RequestTimeout = Attempt(options.Lease) })
        : SqliteRegistry.Open(new SqliteRegistryOptions { Path = Path.Combine(options.State, "registry.db"), Time = clock });

    /// <summary>An address that is silent must leave time to ask the others before the lease is in danger.</summary>
    private static TimeSpan Attempt(TimeSpan lease) => lease / 5 < LongestAttempt ? lease / 5 : LongestAttempt;
}
