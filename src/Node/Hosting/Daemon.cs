using System.Reflection;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;
using Vni.Actors;
using Vni.Actors.Farms;
using Vni.Actors.Kernel;
using Vni.Actors.Messages;
using Vni.Actors.Messaging;
using Vni.Actors.Nodes;
using Vni.Actors.Registry;
using Vni.Cluster.Hosting;
using Vni.Cluster.Messaging;
using Vni.Interposer;
using Vni.Interposer.Linux;
using Vni.Node.Api;
using Vni.Node.Configuration;

namespace Vni.Node.Hosting;

/// <summary>
/// The daemon's life. Start: directories, locks, registry, kernel, recovery of what a former daemon left, and only then
/// the socket: whoever can connect finds everything in order. Stop: no new requests, operations that run are waited for,
/// applications run on. Being killed at any moment is the same to applications as a stop.
/// </summary>
internal static class Daemon
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode Passable = Private | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    /// <summary>Where the locks of node names are: the same for all daemons of a machine, whatever their configuration.</summary>
    private const string LockDirectory = "/run/lock";

    /// <summary>Semantic version of the product.</summary>
    internal static string Version { get; } = typeof(Daemon).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;

    /// <summary>Runs until <paramref name="stop"/>.</summary>
    /// <exception cref="VniException">It cannot start; one sentence.</exception>
    internal static async Task RunAsync(NodeOptions options, TimeProvider clock, ILoggerFactory loggers, ILogger log, CancellationToken stop)
    {
        var started = clock.GetTimestamp();
        log.Starting(Version, options.Node, options.Farm, options.State);
        if (!Environment.IsPrivilegedProcess) throw new VniException(ErrorCodes.NodeIncapable, "vnid must be run by root: it makes namespaces, mounts and network devices");
        DaemonProcess.RaiseDescriptorLimit();
        Directory.CreateDirectory(options.State, Private);
        Directory.CreateDirectory(options.Runtime, Passable);
        Directory.CreateDirectory(Path.GetDirectoryName(options.Socket)!, Passable);
        Directory.CreateDirectory(LockDirectory, Passable);
        UnixListener.RefuseIfTaken(options.Socket);
        using var state = LockFile.Take(Path.Combine(options.State, "vnid.lock"), $"another vnid uses the state directory '{options.State}'; stop it or set another directory");
        using var name = LockFile.Take(Path.Combine(LockDirectory, $"vnid-{options.Node}.lock"), $"another vnid on this machine is node '{options.Node}'; stop it or set another name");
        using var cache = CriuCache.Open(options.Runtime, options.Node);

        using var tls = NodeCertificate.Load(options, clock);
        await using var registry = RegistryFactory.Open(options, tls, clock);
        await using var interposer = new LinuxInterposer(
            ProductSettings.ForInterposer(options, cache, AppContext.BaseDirectory, Environment.GetEnvironmentVariable("PATH")), clock, loggers);
        await using var actors = new ActorSystem(clock, loggers.CreateLogger<ActorSystem>());
        var (settings, keys) = (ProductSettings.ForDomain(options, Version), new RegistryKeys(options.Farm));
        var members = new MemberDirectory(registry, keys, settings, clock, loggers.CreateLogger<MemberDirectory>());
        var peers = new PeerDispatcher(options.Farm, options.Node, clock, loggers.CreateLogger<PeerDispatcher>()); // What others have asked for is finished, as far as the drain time allows.
        var wires = new HttpMessengerOptions { Self = peers, Endpoint = members.EndpointOf, Tls = tls, Time = clock };
        using var messenger = new HttpMessenger(wires);
        using var forwarder = options.Listen is null ? null : new PeerForwarder(wires);
        var ports = new NodePorts(interposer, interposer, interposer, interposer, interposer, messenger, peers);
        await using var service = new ApplicationService(actors, registry, keys, ports, members, settings, clock, loggers.CreateLogger<ApplicationService>());
        var farm = new FarmService(
            actors, registry, (IRegistryStatus)registry, keys, options.Farm, [.. options.Seeds.Select(seed => seed.ToString())], service, members, messenger, settings, clock);
        await service.StartAsync(stop);
        await using var names = NodeNames.Start(options, registry, keys, clock, loggers); // The gateway's address is there by now.

        var group = Groups.Find(options.SocketGroup);
        if (group is null) log.NoGroup(options.SocketGroup, options.Socket);
        if (options.Listen is not null && tls is null) log.Insecure(options.Listen);
        await using var api = ApiServer.Build(
            options.Socket, () => UnixListener.Open(options.Socket, group), options.Listen is { } address ? new TcpEndpoint(address, tls, peers) : null,
            new DomainService(service), farm, interposer, new VersionView(Version, options.Node, ApiServer.Version), clock, loggers, forwarder);
        await api.StartAsync(stop);
        SystemdNotifier.Ready();
        log.Ready(Math.Round(clock.GetElapsedTime(started).TotalMilliseconds), options.Socket);

        await Task.WhenAny(service.Left, Task.Delay(Timeout.InfiniteTimeSpan, clock, stop));

        SystemdNotifier.Stopping();
        log.Stopping();
        if (File.Exists(options.Socket)) File.Delete(options.Socket); // Whoever connects from now on is told at once that there is no daemon.
        await Task.WhenAll(api.StopAsync(CancellationToken.None), service.DisposeAsync().AsTask()); // Both wait for operations, 30 s at most.
        log.Stopped();
    }
}
