using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Vni.Actors.Farms;
using Vni.Actors.Interposition;
using Vni.Actors.Messages;
using Vni.Cluster.Messaging;
using Vni.Node.Exec;
using Vni.Node.Logs;

namespace Vni.Node.Api;

/// <summary>The HTTP API, version 1, on a socket that is made by the caller; <c>docs/api.md</c>.</summary>
internal static class ApiServer
{
    /// <summary>Version of the API, as in its paths.</summary>
    internal const int Version = 1;

    /// <summary>Builds the server; it does not listen before it is started.</summary>
    /// <param name="path">The socket's path, for messages.</param>
    /// <param name="listen">Makes the listening socket, once; the server owns it.</param>
    /// <param name="tcp">Where it listens for other machines besides; <c>null</c>: nowhere.</param>
    /// <param name="service">The domain's applications.</param>
    /// <param name="farm">The domain's farm.</param>
    /// <param name="access">Looking into instances.</param>
    /// <param name="version">The answer to <c>/v1/version</c>.</param>
    /// <param name="clock">Time.</param>
    /// <param name="loggers">Logs.</param>
    /// <param name="forwarder">To the other nodes of the farm; <c>null</c>: there are none.</param>
    internal static WebApplication Build(
        string path, Func<Socket> listen, TcpEndpoint? tcp, IApplicationService service, IFarmService farm, IInstanceAccess access, VersionView version,
        TimeProvider clock, ILoggerFactory loggers, PeerForwarder? forwarder = null)
    {
        // Empty: no settings from the working directory or the environment can change what root listens to.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "vnid", ContentRootPath = AppContext.BaseDirectory });
        builder.WebHost.UseKestrelCore()
            .UseSockets(sockets => sockets.CreateBoundListenSocket = endpoint =>
                endpoint is UnixDomainSocketEndPoint ? listen() : SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint))
            .ConfigureKestrel(kestrel =>
            {
                kestrel.AddServerHeader = false;
                kestrel.Limits.MaxRequestBodySize = RequestBody.MaximumSize;
                kestrel.Limits.Http2.MaxStreamsPerConnection = MaximumStreams;
                kestrel.ListenUnixSocket(path);
                tcp?.Listen(kestrel, clock);
            });
        builder.Services.AddRoutingCore();
        builder.Services.Replace(ServiceDescriptor.Singleton(loggers));
        builder.Services.Replace(ServiceDescriptor.Singleton<IMemoryPoolFactory<byte>>(new LargeBlocks()));
        builder.Services.AddSingleton(clock).AddSingleton(service).AddSingleton(farm).AddSingleton(access).AddSingleton(version);
        builder.Services.Configure<JsonOptions>(json => ApiJson.Apply(json.SerializerOptions));
        builder.Services.AddOpenApi(OpenApiDocumentName, openApi => openApi.AddDocumentTransformer((document, _, _) =>
        {
            document.Info.Title = "vnid";
            document.Info.Description = "The VniAkka node daemon: applications with their own network identity, snapshots and restores. Served on a unix socket.";
            document.Info.Version = $"v{Version}";
            document.Servers?.Clear(); // A unix socket has no address to name.
            return Task.CompletedTask;
        }));

        var server = builder.Build();
        server.UseMiddleware<Errors>();
        server.UseMiddleware<Caller>();
        server.UseMiddleware<CommandOnce>();
        if (forwarder is not null) server.UseMiddleware<Elsewhere>(forwarder);
        server.UseWebSockets();
        server.UseRouting();
        NodeRoutes.Map(server);
        ApplicationRoutes.Map(server);
        EventRoutes.Map(server);
        LogRoutes.Map(server);
        ExecRoute.Map(server);
        FarmRoutes.Map(server);
        ResourceRoutes.Map(server);
        if (tcp is not null) PeerRoutes.Map(server, tcp.Peers);
        server.MapOpenApi("/openapi.json");
        return server;
    }

    /// <summary>Questions of one node that may wait for their answers at a time.</summary>
    private const int MaximumStreams = 1000;

    private const string OpenApiDocumentName = "v1";
}
