using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Vni.Actors.Messages;
using Vni.Actors.Messaging;
using Vni.Actors.Security;
using Vni.Cluster.Messaging;
using Vni.Node.Api;
using Vni.Node.Hosting;
using Vni.Unit.Tests.Node;

namespace Vni.Unit.Tests.Messaging;

/// <summary>Nodes on loopback with the daemon's own server, with or without certificates of one authority.</summary>
internal sealed class TestFarm : IAsyncDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vni-peers-");
    private readonly ConcurrentDictionary<string, string> _endpoints = new();
    private readonly Stack<IAsyncDisposable> _owned = new();

    internal TestFarm(bool tls)
    {
        HasTls = tls;
        if (tls) FarmAuthority.Create(Authority, TimeProvider.System);
    }

    internal bool HasTls { get; }

    private string Authority => Path.Combine(_directory.FullName, "authority");

    /// <summary>Where a node is to be found; <c>null</c>: nowhere.</summary>
    internal string? this[string node]
    {
        get => _endpoints.GetValueOrDefault(node);
        set => _endpoints[node] = value!;
    }

    internal FarmTls? Certificate(string name, PeerRole role = PeerRole.Node) =>
        HasTls ? FarmTls.Load(FarmAuthority.Issue(Authority, name, role, ["127.0.0.1"], TimeProvider.System)) : null;

    internal TlsFiles Files(string name, PeerRole role) => FarmAuthority.Issue(Authority, name, role, ["127.0.0.1"], TimeProvider.System);

    /// <summary>A node that answers, with the certificate of another name or role if that is given.</summary>
    internal async Task<TestPeer> StartAsync(string node, string? certificate = null)
    {
        var peers = new PeerDispatcher("lab", node, TimeProvider.System, NullLogger<PeerDispatcher>.Instance);
        var tls = Certificate(certificate ?? node);
        var socket = Path.Combine(_directory.FullName, $"{node}.sock");
        var applications = new FakeApplications();
        var farm = new FakeFarm();
        var server = ApiServer.Build(
            socket, () => UnixListener.Open(socket, group: null), new TcpEndpoint(new IPEndPoint(IPAddress.Loopback, 0), tls, peers),
            applications, farm, new FakeAccess(_directory.FullName), new VersionView("1.2.3", node, ApiServer.Version), TimeProvider.System, NullLoggerFactory.Instance);
        _owned.Push(server);
        await server.StartAsync();
        var address = server.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single(a => a.Contains("127.0.0.1"));
        _endpoints[node] = new Uri(address).Authority;
        return new TestPeer(server, peers, Messenger(peers, tls), applications, farm);
    }

    internal HttpMessenger Messenger(PeerDispatcher self, FarmTls? tls)
    {
        var messenger = new HttpMessenger(new HttpMessengerOptions { Self = self, Endpoint = node => this[node], Tls = tls });
        _owned.Push(new Owned(messenger));
        return messenger;
    }

    public async ValueTask DisposeAsync()
    {
        while (_owned.TryPop(out var owned)) await owned.DisposeAsync();
        _directory.Delete(recursive: true);
    }

    private sealed class Owned(IDisposable inner) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            inner.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}

internal sealed record TestPeer(WebApplication Server, PeerDispatcher Peers, HttpMessenger Messenger, FakeApplications Applications, FakeFarm Farm);
