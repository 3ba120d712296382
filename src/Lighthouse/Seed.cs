using System.Reflection;
using Microsoft.Extensions.Logging;
using Vni.Actors;
using Vni.Actors.Registry;
using Vni.Actors.Security;
using Vni.Cluster.Hosting;
using Vni.Cluster.Names;
using Vni.Cluster.Registry.Sqlite;
using Vni.Lighthouse.Configuration;
using Vni.Lighthouse.Serving;

namespace Vni.Lighthouse;

/// <summary>
/// Lighthouse's life. Start: certificates, store (which one process at a time may open), socket. Stop: watches end, requests
/// that run are answered. Killing it at any moment loses nothing that was acknowledged; leases begin anew at the next start,
/// because nobody could renew them meanwhile.
/// </summary>
internal static class Seed
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>Semantic version of the product.</summary>
    internal static string Version { get; } = typeof(Seed).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;

    /// <summary>Runs until <paramref name="stop"/>.</summary>
    /// <exception cref="VniException">A certificate cannot be used.</exception>
    /// <exception cref="RegistryUnavailableException">The store cannot be opened.</exception>
    /// <exception cref="IOException">The directory or an address cannot be used.</exception>
    internal static async Task RunAsync(LighthouseOptions options, TimeProvider clock, ILoggerFactory loggers, ILogger log, CancellationToken stop)
    {
        log.Starting(Version, options.State);
        using var tls = options.Tls.Files is { } files ? FarmTls.Load(files, clock) : null;
        if (tls is null && options.Insecure) log.Insecure();
        Directory.CreateDirectory(options.State, Private);
        var store = new SqliteRegistryOptions { Path = Path.Combine(options.State, "registry.db"), Time = clock, RenewLeasesAtOpening = true };
        await using var registry = SqliteRegistry.Open(store);
        await using var names = StartNames(options, registry, clock, loggers);
        await using var server = RegistryServer.Build(registry, options, tls, loggers);
        await server.StartAsync(stop);
        SystemdNotifier.Ready();
        log.Ready(string.Join(", ", server.Urls));

        await Task.Delay(Timeout.InfiniteTimeSpan, clock, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

        SystemdNotifier.Stopping();
        log.Stopping();
        await server.StopAsync(CancellationToken.None);
        log.Stopped();
    }

    private static NameServer? StartNames(LighthouseOptions options, IRegistry registry, TimeProvider clock, ILoggerFactory loggers)
    {
        if (options.Dns.Listen is not { Count: > 0 } endPoints) return null;
        var zone = options.Dns.Zone(endPoints, options.DnsSubnets.Count > 0 ? options.DnsSubnets : [LighthouseOptions.DefaultSubnet]);
        return NameServer.Start(endPoints, options.Dns, zone, registry, new RegistryKeys(options.DnsFarm), clock, loggers.CreateLogger<NameServer>());
    }
}
