using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging.Abstractions;
using Vni.Actors.Registry;
using Vni.Actors.Security;
using Vni.Cluster.Registry.Etcd;
using Vni.Cluster.Registry.Sqlite;
using Vni.Lighthouse.Configuration;
using Vni.Lighthouse.Serving;
using Vni.Unit.Tests.Fakes;

namespace Vni.Unit.Tests.Registry;

/// <summary>Lighthouse on a port of loopback, with a store in a directory of its own; it can be stopped and started again at the same port.</summary>
internal sealed class LighthouseInProcess : IAsyncDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vni-lighthouse-");
    private readonly FarmTls? _tls;
    private readonly LimitOptions _limits;
    private readonly int _kept;
    private SqliteRegistry? _store;
    private WebApplication? _server;
    private int _port;

    private LighthouseInProcess(FarmTls? tls, LimitOptions? limits, int kept) => (_tls, _limits, _kept) = (tls, limits ?? new(), kept);

    public ManualTimeProvider Time { get; } = new();

    public Uri Url => new($"{(_tls is null ? "http" : "https")}://127.0.0.1:{_port}");

    /// <summary>The store itself.</summary>
    public SqliteRegistry Store => _store!;

    public static async Task<LighthouseInProcess> StartAsync(FarmTls? tls = null, LimitOptions? limits = null, int kept = 10_000)
    {
        var lighthouse = new LighthouseInProcess(tls, limits, kept);
        await lighthouse.StartAgainAsync();
        return lighthouse;
    }

    public async Task StartAgainAsync()
    {
        _store = SqliteRegistry.Open(new() { Path = Path.Combine(_directory.FullName, "registry.db"), Time = Time, KeptRevisions = _kept, RenewLeasesAtOpening = true });
        var options = new LighthouseOptions { Listen = [new IPEndPoint(IPAddress.Loopback, _port)], Limits = _limits };
        _server = RegistryServer.Build(_store, options, _tls, NullLoggerFactory.Instance);
        await _server.StartAsync();
        _port = new Uri(_server.Urls.Single()).Port;
    }

    /// <summary>Moves the store's clock. A watch "from now on" that is just being made holds writes of its client back until it
    /// has begun; the clock is no client, and so it is told to wait.</summary>
    public async Task PassAsync(IRegistry registry, TimeSpan time)
    {
        await registry.TransactAsync(new([], [], []), default);
        Time.Advance(time);
    }

    public async Task StopAsync()
    {
        if (_server is null) return;
        await _server.StopAsync();
        await _server.DisposeAsync();
        await _store!.DisposeAsync();
        _server = null;
    }

    /// <summary>A client; what waits does so in real time, or it would wait for the store's clock.</summary>
    public EtcdRegistry Connect(FarmTls? tls = null, params Uri[] before) =>
        EtcdRegistry.Open(new() { Endpoints = [.. before, Url], Tls = tls, GiveUpAfter = TimeSpan.FromSeconds(20), RequestTimeout = TimeSpan.FromSeconds(10) });

    /// <summary>A port at which nobody listens.</summary>
    public static Uri Nobody()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return new($"http://127.0.0.1:{((IPEndPoint)socket.LocalEndPoint!).Port}");
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _directory.Delete(recursive: true);
    }
}
