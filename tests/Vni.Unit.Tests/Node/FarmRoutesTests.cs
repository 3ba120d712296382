using Vni.Actors;
using Vni.Actors.Messages;
using Xunit;

namespace Vni.Unit.Tests.Node;

public sealed class FarmRoutesTests : IAsyncLifetime
{
    private ApiFixture _api = null!;

    public async Task InitializeAsync() => _api = await ApiFixture.StartAsync();

    public async Task DisposeAsync() => await _api.DisposeAsync();

    [Fact]
    public async Task The_farm_its_nodes_actors_and_registry_are_shown()
    {
        Assert.Equal("lab", (string)(await _api.SendAsync(HttpMethod.Get, "/v1/cluster")).Body!["farm"]!);
        Assert.Equal("up", (string)(await _api.SendAsync(HttpMethod.Get, "/v1/nodes")).Body![0]!["status"]!);
        Assert.Equal("""["/node","/node/web"]""", (await _api.SendAsync(HttpMethod.Get, "/v1/actors")).Body!.ToJsonString());
        Assert.Equal(3, (int)(await _api.SendAsync(HttpMethod.Get, "/v1/shards")).Body![0]!["epoch"]!);
        Assert.Equal("v", (string)(await _api.SendAsync(HttpMethod.Get, "/v1/registry?prefix=owners/&limit=5")).Body![0]!["value"]!);
        await _api.SendAsync(HttpMethod.Get, "/v1/registry");
        Assert.Equal(["cluster", "nodes", "shards", "registry owners/ 5", "registry  1000"], _api.Farm.Calls);
    }

    [Fact]
    public async Task A_migration_reaches_the_domain_with_what_was_asked()
    {
        var (status, view) = await _api.SendAsync(HttpMethod.Post, "/v1/applications/web/migrate", """{"node":"n2","timeoutSeconds":5,"dryRun":true}""");
        Assert.Equal((200, "n2"), (status, (string)view!["to"]!));
        await _api.SendAsync(HttpMethod.Post, "/v1/applications/web/migrate", """{"node":"n2"}""");
        Assert.Equal([("web", new MigrateRequest("n2", 5, true)), ("web", new MigrateRequest("n2"))], _api.Farm.Calls);
    }

    [Theory]
    [InlineData("/v1/applications/web/migrate", """{"node":"N 2"}""")]
    [InlineData("/v1/applications/web/migrate", """{"node":"n2","timeoutSeconds":0}""")]
    [InlineData("/v1/applications/web/migrate", """{"node":"n2","timeoutSeconds":3601}""")]
    [InlineData("/v1/applications/web/migrate", """{}""")]
    [InlineData("/v1/applications/web/migrate", null)]
    [InlineData("/v1/nodes/N2/drain", null)]
    [InlineData("/v1/nodes/N2/leave", null)]
    [InlineData("/v1/nodes/n2/down?force=yes", null)]
    public async Task What_is_not_well_formed_is_refused(string path, string? body)
    {
        var (status, answer) = await _api.SendAsync(HttpMethod.Post, path, body);
        Assert.Equal((400, ErrorCodes.InvalidArgument), (status, (string)answer!["error"]!["code"]!));
        Assert.Empty(_api.Farm.Calls);
    }

    [Fact]
    public async Task A_dead_node_is_given_up()
    {
        Assert.Equal(204, (await _api.SendAsync(HttpMethod.Post, "/v1/nodes/n2/down?force=true")).Status);
        Assert.Equal(["down n2 True"], _api.Farm.Calls);
    }

    [Fact]
    public async Task Draining_tells_each_application_and_goes_on_when_its_client_goes_away()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/nodes/n2/drain");
        _api.Farm.Draining.Writer.TryWrite(new DrainProgress(1, 3, "a", "n1", null));
        using (var response = await _api.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead))
        {
            using var lines = new FollowedLines(new StreamReader(await response.Content.ReadAsStreamAsync()));
            Assert.Equal("""{"done":1,"total":3,"aid":"a","to":"n1","error":null}""", await lines.ReadLineAsync());
        }

        _api.Farm.Draining.Writer.TryWrite(new DrainProgress(2, 3, "b", "n1", null));
        _api.Farm.Draining.Writer.TryWrite(new DrainProgress(3, 3, null, null, null));
        _api.Farm.Draining.Writer.Complete();
        await _api.Farm.Drained.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Theory]
    [InlineData("drain", null, "drain n2 False  False")]
    [InlineData("leave", """{"waitSeconds":2,"closeVisitors":true}""", "drain n2 True 2 True")]
    public async Task A_drain_hands_on_how_applications_are_made_quiet(string route, string? body, string call)
    {
        _api.Farm.Draining.Writer.Complete();
        await _api.SendAsync(HttpMethod.Post, $"/v1/nodes/n2/{route}", body);
        Assert.Equal([call], _api.Farm.Calls);
    }

    [Fact]
    public async Task A_node_that_cannot_be_drained_is_refused_before_the_answer_begins()
    {
        _api.Farm.Failure = new VniException(ErrorCodes.NotFound, "there is no node 'n9'");
        Assert.Equal(404, (await _api.SendAsync(HttpMethod.Post, "/v1/nodes/n9/leave")).Status);
    }

    [Fact]
    public async Task What_happens_in_the_farm_is_followed()
    {
        using var lines = await _api.OpenAsync("/v1/cluster/watch");
        _api.Farm.Events.Writer.TryWrite(new FarmEvent(default, "leader", "n1", null, "n1 leads"));
        Assert.Contains("\"kind\":\"leader\"", await lines.ReadLineAsync());
    }

    [Fact]
    public async Task Nodes_are_not_spoken_for_on_the_unix_socket()
    {
        var (status, answer) = await _api.SendAsync(HttpMethod.Post, "/v1/peer/asks", "{}");
        Assert.Equal((403, ErrorCodes.Forbidden), (status, (string)answer!["error"]!["code"]!));
    }
}
