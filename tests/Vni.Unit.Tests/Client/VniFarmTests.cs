using Vni.Actors;
using Vni.Actors.Messages;
using Vni.Actors.Security;
using Vni.Client;
using Vni.Unit.Tests.Messaging;
using Xunit;

namespace Vni.Unit.Tests.Client;

/// <summary>The library against the daemon's own server, over TLS.</summary>
public sealed class VniFarmTests : IAsyncLifetime
{
    private readonly TestFarm _farm = new(tls: true);
    private TestPeer _n1 = null!;
    private TestPeer _n2 = null!;

    public async Task InitializeAsync()
    {
        _n1 = await _farm.StartAsync("n1");
        _n2 = await _farm.StartAsync("n2");
    }

    public async Task DisposeAsync() => await _farm.DisposeAsync();

    [Fact]
    public async Task An_operator_commands_the_farm_by_its_applications()
    {
        using var farm = await ConnectAsync("n1");
        var web = farm.Applications["web"];
        Assert.Equal("running", (await web.GetAsync()).Status);
        Assert.Equal("n7", (await web.MigrateAsync("n7", TimeSpan.FromSeconds(5))).To);
        Assert.Equal(("web", new MigrateRequest("n7", 5)), Assert.Single(_n1.Farm.Calls));
        await web.StopAsync(new StopRequest(3));
        Assert.Equal("stop web 3", _n1.Applications.Calls[^1]);
        Assert.Equal("n1", Assert.Single(await farm.ListNodesAsync()).Node);
        Assert.Equal("lab", (await farm.GetClusterAsync()).Farm);
    }

    [Fact]
    public async Task What_happens_is_told_as_it_happens()
    {
        using var farm = await ConnectAsync("n1");
        await using var events = farm.WatchAsync().GetAsyncEnumerator();
        var next = events.MoveNextAsync();
        Assert.True(_n1.Farm.Events.Writer.TryWrite(new FarmEvent(default, "joined", "n3", null, "node n3 joined")));
        Assert.True(await next);
        Assert.Equal("n3", events.Current.Node);
    }

    [Fact]
    public async Task A_node_that_ends_is_left_for_the_next()
    {
        using var farm = await ConnectAsync("n1", "n2");
        await farm.ListNodesAsync();
        await StopAsync(_n1);
        await farm.ListNodesAsync();
        await farm.Applications["web"].StopAsync();
        Assert.Equal(["stop web 10"], _n2.Applications.Calls);
    }

    [Fact]
    public async Task A_dead_seed_is_passed_over()
    {
        await StopAsync(_n1);
        using var farm = await ConnectAsync("n1", "n2");
        Assert.EndsWith(_farm["n2"]!, farm.Client.SocketPath);
    }

    [Fact]
    public async Task Where_no_node_answers_that_is_said()
    {
        await StopAsync(_n1);
        await StopAsync(_n2);
        var failure = await Assert.ThrowsAsync<VniException>(() => ConnectAsync("n1", "n2"));
        Assert.Equal(ErrorCodes.DaemonUnavailable, failure.Code);
        Assert.Contains("none of 2 nodes answers", failure.Message);
    }

    [Fact]
    public async Task A_registrys_certificate_gives_no_commands()
    {
        var failure = await Assert.ThrowsAsync<VniException>(() => ConnectAsync(PeerRole.Registry, "n1"));
        Assert.Equal(ErrorCodes.Forbidden, failure.Code);
    }

    [Fact]
    public async Task A_server_of_another_authority_is_not_asked()
    {
        await using var other = new TestFarm(tls: true);
        await other.StartAsync("n1");
        _farm["n1"] = other["n1"];
        Assert.Equal(ErrorCodes.DaemonUnavailable, (await Assert.ThrowsAsync<VniException>(() => ConnectAsync("n1"))).Code);
    }

    [Fact]
    public async Task A_command_that_is_repeated_with_its_id_is_done_once()
    {
        using var tls = _farm.Certificate("alice", PeerRole.Operator);
        using var handler = new SocketsHttpHandler { SslOptions = tls!.ForClient() };
        using var http = new HttpClient(handler) { BaseAddress = new Uri($"https://{_farm["n1"]}") };
        var answers = new List<string>();
        for (var n = 0; n < 2; n++) answers.Add(await SendAsync("/v1/applications/web/start", "id-1"));
        Assert.Equal(answers[0], answers[1]);
        Assert.Contains("\"aid\":\"web\"", answers[0]);
        Assert.Equal(["start web"], _n1.Applications.Calls);
        await SendAsync("/v1/applications/web/start", "id-2");
        Assert.Equal(["start web", "start web"], _n1.Applications.Calls);
        Assert.Contains(ErrorCodes.Conflict, await SendAsync("/v1/applications/web/stop", "id-2"));
        Assert.Contains(ErrorCodes.InvalidArgument, await SendAsync("/v1/applications/web/stop", "not an id"));
        _n1.Applications.Failure = new VniException(ErrorCodes.Busy, "not now");
        Assert.Contains("not now", await SendAsync("/v1/applications/web/start", "id-3"));
        _n1.Applications.Failure = null;
        Assert.Contains("not now", await SendAsync("/v1/applications/web/start", "id-3"));

        async Task<string> SendAsync(string path, string id)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, path);
            request.Headers.Add("Vni-Command-Id", id);
            using var response = await http.SendAsync(request);
            return await response.Content.ReadAsStringAsync();
        }
    }

    private Task<VniFarm> ConnectAsync(params string[] nodes) => ConnectAsync(PeerRole.Operator, nodes);

    private Task<VniFarm> ConnectAsync(PeerRole role, params string[] nodes) =>
        VniFarm.ConnectAsync(new VniFarmOptions { Seeds = [.. nodes.Select(node => new Uri($"https://{_farm[node]}"))], Tls = _farm.Files("alice", role) });

    private static async Task StopAsync(TestPeer peer)
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await peer.Server.StopAsync(now.Token);
    }
}
