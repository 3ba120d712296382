using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Vni.Actors.Registry;
using Vni.Actors.Security;
using Vni.Lighthouse.Configuration;

namespace Vni.Lighthouse.Serving;

/// <summary>Serves a store in etcd's v3 JSON API; <c>docs/registry.md</c> says which part of it.</summary>
internal static class RegistryServer
{
    // The largest transaction in base64, with what surrounds its keys and values.
    private const int MaximumBody = 4 * 1024 * 1024;
    private static readonly TimeSpan LongestStop = TimeSpan.FromSeconds(5);

    /// <summary>Builds the server; it does not listen before it is started.</summary>
    /// <param name="store">The store; the caller owns it.</param>
    /// <param name="options">Addresses and limits.</param>
    /// <param name="tls">Certificates; <c>null</c>: plain HTTP. The caller owns them.</param>
    /// <param name="loggers">Logs.</param>
    internal static WebApplication Build<TStore>(TStore store, LighthouseOptions options, FarmTls? tls, ILoggerFactory loggers)
        where TStore : IRegistry, IRegistryStatus
    {
        // Empty: no settings from the working directory or the environment can change what is listened to.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "lighthouse", ContentRootPath = AppContext.BaseDirectory });
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = MaximumBody;
            kestrel.Limits.MaxConcurrentConnections = options.Limits.Connections;
            kestrel.Limits.MaxRequestHeadersTotalSize = 16 * 1024;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
            foreach (var endpoint in options.Endpoints) kestrel.Listen(endpoint, listen => Configure(listen, tls));
        });
        builder.Services.Replace(ServiceDescriptor.Singleton(loggers));
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = LongestStop);
        var server = builder.Build();
        var routes = new RegistryRoutes(store, store, options.Limits, loggers.CreateLogger("Vni.Lighthouse"), server.Lifetime.ApplicationStopping);
        server.Run(routes.ServeAsync);
        return server;
    }

    private static void Configure(ListenOptions listen, FarmTls? tls)
    {
        listen.Protocols = HttpProtocols.Http1;
        if (tls is not null) listen.UseHttps(new TlsHandshakeCallbackOptions { OnConnection = _ => ValueTask.FromResult(tls.ForServer()) });
    }
}
