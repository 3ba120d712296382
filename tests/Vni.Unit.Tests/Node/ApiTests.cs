using System.Net;
using System.Reflection;
using System.Text;
using Vni.Actors;
using Vni.Actors.Applications;
using Vni.Actors.Messages;
using Vni.Actors.Resources;
using Vni.Node.Api;
using Xunit;

namespace Vni.Unit.Tests.Node;

public sealed class ApiTests : IAsyncLifetime
{
    private ApiFixture _api = null!;

    public async Task InitializeAsync() => _api = await ApiFixture.StartAsync();

    public async Task DisposeAsync() => await _api.DisposeAsync();

    [Fact]
    public async Task Version_and_health_and_checks_are_answered()
    {
        var (_, version) = await _api.SendAsync(HttpMethod.Get, "/v1/version");
        Assert.Equal("""{"version":"1.2.3","node":"n1","api":1}""", version!.ToJsonString());
        Assert.Equal("ok\n", await _api.Client.GetStringAsync("/healthz"));
        var (_, checks) = await _api.SendAsync(HttpMethod.Get, "/v1/check");
        Assert.Equal("""[{"name":"kernel","ok":true,"required":true,"found":"6.18","remedy":null}]""", checks!.ToJsonString());
    }

    [Fact]
    public async Task A_new_application_is_answered_with_201_and_its_place()
    {
        using var body = new StringContent("""{"name":"db","ip":"10.117.0.9","processes":[{"command":["redis-server"],"env":{"A":"b"}}],"limits":{"memory":1048576,"cpus":1.5}}""", Encoding.UTF8, "application/json");
        using var response = await _api.Client.PostAsync("/v1/applications", body);
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        Assert.Equal("/v1/applications/db", response.Headers.Location!.ToString());
        var declaration = Assert.IsType<ApplicationDeclaration>(Assert.Single(_api.Service.Calls));
        Assert.Equal("10.117.0.9", declaration.Ip);
        Assert.Equal("b", declaration.Processes[0].Env["A"]);
        Assert.Equal(1.5, declaration.Limits.Cpus);
    }

    [Fact]
    public async Task What_a_body_leaves_out_has_its_default()
    {
        await _api.SendAsync(HttpMethod.Post, "/v1/applications", """{"processes":[{"command":["sh"]}]}""");
        var declaration = Assert.IsType<ApplicationDeclaration>(Assert.Single(_api.Service.Calls));
        Assert.Equal("/", declaration.Root);
        Assert.Equal(new ResourceLimits(), declaration.Limits);
        Assert.Equal(("main", "root", "/"), (declaration.Processes[0].Name, declaration.Processes[0].User, declaration.Processes[0].Workdir));
        Assert.Empty(declaration.Processes[0].Env);
        await _api.SendAsync(HttpMethod.Post, "/v1/applications", "{}");
        Assert.Empty(((ApplicationDeclaration)_api.Service.Calls[1]).Processes);
        await _api.SendAsync(HttpMethod.Post, "/v1/applications/web/stop", "{}");
        Assert.Equal("stop web 10", _api.Service.Calls[2]);
    }

    [Fact]
    public async Task Resource_ids_are_asked_for_with_whatever_characters_they_have()
    {
        await _api.SendAsync(HttpMethod.Get, "/v1/applications/web/resources?type=process-group");
        var (status, resource) = await _api.SendAsync(HttpMethod.Get, "/v1/applications/web/translate?type=unix-socket&virtual=%2Frun%2Fa%26b.sock");
        Assert.Equal((200, "/run/a&b.sock"), (status, (string)resource!["virtual"]!));
        await _api.SendAsync(HttpMethod.Get, "/v1/translate?type=tcp&system=socket:[7]&node=n2");
        Assert.Equal<object>(
            [("resources", "web", (ResourceType?)ResourceType.ProcessGroup), ("translate", "web", ResourceType.UnixSocket, "/run/a&b.sock"), ("translate", "n2", ResourceType.Tcp, "socket:[7]")],
            _api.Service.Calls);
        foreach (var query in new[] { "applications/web/resources?type=nothing", "applications/web/translate?type=tcp", "translate?system=7", "translate?type=tcp&system=7&node=a.b" })
            Assert.Equal(400, (await _api.SendAsync(HttpMethod.Get, $"/v1/{query}")).Status);
    }

    [Fact]
    public async Task Sentences_are_sent_as_they_are_written()
    {
        _api.Service.Failure = new VniException(ErrorCodes.Busy, "'web' is being größer <now>");
        using var response = await _api.Client.GetAsync("/v1/applications");
        Assert.Contains("'web' is being größer <now>", await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Stable_fields_are_there_also_when_they_are_null()
    {
        var (status, view) = await _api.SendAsync(HttpMethod.Get, "/v1/applications/web");
        Assert.Equal(200, status);
        foreach (var field in new[] { "aid", "status", "reason", "ip", "mac", "hostname", "node", "epoch", "pids", "snapshot", "processes", "exits", "declaration", "created", "changed" })
            Assert.True(view!.AsObject().ContainsKey(field), field);
    }

    [Fact]
    public async Task Operations_reach_the_domain_with_what_was_asked()
    {
        await _api.SendAsync(HttpMethod.Post, "/v1/applications/web/start");
        await _api.SendAsync(HttpMethod.Post, "/v1/applications/web/stop");
        await _api.SendAsync(HttpMethod.Post, "/v1/applications/web/stop", """{"graceSeconds":0.5}""");
        await _api.SendAsync(HttpMethod.Post, "/v1/applications/web/snapshot", """{"leaveRunning":true}""");
        await _api.SendAsync(HttpMethod.Post, "/v1/applications/web/restore", """{"snapshot":"web.1"}""");
        await _api.SendAsync(HttpMethod.Post, "/v1/applications/web/restore");
        await _api.SendAsync(HttpMethod.Get, "/v1/snapshots?aid=web");
        await _api.SendAsync(HttpMethod.Get, "/v1/snapshots");
        Assert.Equal(204, (await _api.SendAsync(HttpMethod.Delete, "/v1/applications/web?force=true")).Status);
        await _api.SendAsync(HttpMethod.Delete, "/v1/applications/web");
        Assert.Equal(
            ["start web", "stop web 10", "stop web 0.5", new SnapshotRequest(LeaveRunning: true), new RestoreRequest("web.1"), new RestoreRequest(),
                "snapshots web", "snapshots all", "remove web True", "remove web False"],
            _api.Service.Calls);
    }

    [Fact]
    public async Task A_check_of_an_application_gives_every_finding_in_detail()
    {
        var (status, view) = await _api.SendAsync(HttpMethod.Get, "/v1/applications/web/check");
        Assert.Equal(200, status);
        Assert.Equal(
            """{"aid":"web","node":"n1","findings":[{"pid":7,"hostPid":107,"process":"python3","kind":"io-uring","what":"has an io_uring instance open (fd 5)","remedy":"use another way","transient":false}]}""",
            view!.ToJsonString());
        Assert.Equal(404, (await _api.SendAsync(HttpMethod.Get, "/v1/applications/other/check")).Status);
    }

    [Theory]
    [InlineData("starting", "it is being started; try again when that has ended")]
    [InlineData("stopped", "start it first")]
    [InlineData("dormant", "restore it first")]
    public async Task What_does_not_run_is_not_checked_and_the_sentence_says_what_to_do(string status, string remedy)
    {
        _api.Service.Status = status;
        var (code, answer) = await _api.SendAsync(HttpMethod.Get, "/v1/applications/web/check");
        Assert.Equal(409, code);
        Assert.Contains(remedy, (string?)answer!["error"]!["message"]);
    }

    [Theory]
    [InlineData(ErrorCodes.InvalidArgument, 400)]
    [InlineData(ErrorCodes.AddressOutOfRange, 400)]
    [InlineData(ErrorCodes.CommandNotFound, 400)]
    [InlineData(ErrorCodes.CommandNotExecutable, 400)]
    [InlineData(ErrorCodes.RootNotFound, 400)]
    [InlineData(ErrorCodes.UserNotFound, 400)]
    [InlineData(ErrorCodes.WorkdirNotFound, 400)]
    [InlineData(ErrorCodes.Forbidden, 403)]
    [InlineData(ErrorCodes.NotFound, 404)]
    [InlineData(ErrorCodes.SnapshotNotFound, 404)]
    [InlineData(ErrorCodes.UnknownResource, 404)]
    [InlineData(ErrorCodes.ForeignResource, 404)]
    [InlineData(ErrorCodes.NameInUse, 409)]
    [InlineData(ErrorCodes.AddressInUse, 409)]
    [InlineData(ErrorCodes.HostnameInUse, 409)]
    [InlineData(ErrorCodes.RangeExhausted, 409)]
    [InlineData(ErrorCodes.WrongState, 409)]
    [InlineData(ErrorCodes.NotReady, 409)]
    [InlineData(ErrorCodes.Busy, 409)]
    [InlineData(ErrorCodes.Conflict, 409)]
    [InlineData(ErrorCodes.NotDumpable, 409)]
    [InlineData(ErrorCodes.Incompatible, 409)]
    [InlineData(ErrorCodes.SnapshotDamaged, 409)]
    [InlineData(ErrorCodes.DumpFailed, 500)]
    [InlineData(ErrorCodes.RestoreFailed, 500)]
    [InlineData(ErrorCodes.VerificationFailed, 500)]
    [InlineData(ErrorCodes.RegistryUnavailable, 503)]
    [InlineData(ErrorCodes.Internal, 500)]
    [InlineData(ErrorCodes.NodeIncapable, 503)]
    [InlineData(ErrorCodes.DaemonUnavailable, 503)]
    [InlineData(ErrorCodes.NoSpace, 507)]
    public async Task A_refusal_has_the_status_of_its_code(string code, int status)
    {
        _api.Service.Failure = new VniException(code, "no, because");
        var (answered, body) = await _api.SendAsync(HttpMethod.Post, "/v1/applications/web/start");
        Assert.Equal(status, answered);
        Assert.Equal($$$"""{"error":{"code":"{{{code}}}","message":"no, because"}}""", body!.ToJsonString());
    }

    [Fact]
    public void Every_code_has_a_status_in_the_table_above()
    {
        var codes = typeof(ErrorCodes).GetFields(BindingFlags.Public | BindingFlags.Static).Select(f => (string)f.GetRawConstantValue()!).Order();
        var tested = typeof(ApiTests).GetMethod(nameof(A_refusal_has_the_status_of_its_code))!.GetCustomAttributes<InlineDataAttribute>()
            .Select(a => (string)a.GetData(null!).Single()[0]).Order();
        Assert.Equal(codes, tested);
    }

    [Fact]
    public async Task A_defect_is_answered_without_its_details()
    {
        _api.Service.Failure = new InvalidOperationException("secret path");
        var (status, body) = await _api.SendAsync(HttpMethod.Get, "/v1/applications");
        Assert.Equal(500, status);
        Assert.Equal("internal", (string)body!["error"]!["code"]!);
        Assert.DoesNotContain("secret", body.ToJsonString());
    }

    [Fact]
    public async Task Everything_wrong_with_a_declaration_is_said_at_once()
    {
        var (status, body) = await _api.SendAsync(HttpMethod.Post, "/v1/applications",
            """{"nam":"x","ip":7,"limits":{"memory":"1G"},"processes":[{"command":"sh","env":{"A":1},"userr":"u"}],"root":null}""");
        Assert.Equal(400, status);
        Assert.Equal("invalid_argument", (string)body!["error"]!["code"]!);
        var message = (string)body["error"]!["message"]!;
        Assert.Contains("unknown member 'nam' (known here: name, ip,", message);
        Assert.Contains("'ip' must be text, not 7", message);
        Assert.Contains("'limits.memory' must be a whole number, not the text '1G'", message);
        Assert.Contains("'processes[0].command' must be a list, not the text 'sh'", message);
        Assert.Contains("'processes[0].env.A' must be text, not 1", message);
        Assert.Contains("unknown member 'processes[0].userr'", message);
        Assert.Contains("'root' must not be null", message);
        Assert.Empty(_api.Service.Calls);
    }

    [Theory]
    [InlineData("{\"name\":", "not JSON", "line 1, byte 9")]
    [InlineData("{\"name\":\"a\",\"name\":\"b\"}", "not JSON", "name")]
    [InlineData("[]", "the body must be an object", "a list")]
    [InlineData("null", "the body must be an object", "null")]
    [InlineData("", "there is none", "send JSON")]
    public async Task A_body_that_is_not_json_is_refused_with_its_place(string json, string what, string where)
    {
        var (status, body) = await _api.SendAsync(HttpMethod.Post, "/v1/applications", json);
        Assert.Equal(400, status);
        var message = (string)body!["error"]!["message"]!;
        Assert.Contains(what, message);
        Assert.Contains(where, message);
    }

    [Theory]
    [InlineData("DELETE", "/v1/applications/web?force=maybe", 400, "force")]
    [InlineData("GET", "/v1/applications/web/logs?tail=many", 400, "tail")]
    [InlineData("GET", "/v1/applications/web/logs?tail=-1", 400, "from 0")]
    [InlineData("GET", "/v1/applications/web/logs?process=other", 404, "it has main")]
    [InlineData("GET", "/v1/applications/Web", 400, "lower-case")]
    [InlineData("GET", "/v1/snapshots?aid=..", 400, "lower-case")]
    [InlineData("GET", "/v1/applications/other", 404, "no application 'other'")]
    [InlineData("GET", "/v1/applications/other/events", 404, "no application 'other'")]
    [InlineData("GET", "/v1/applications/other/logs", 404, "no application 'other'")]
    [InlineData("GET", "/v2/nothing", 404, "/openapi.json")]
    [InlineData("PUT", "/v1/applications", 405, "use GET, POST")]
    [InlineData("GET", "/v1/applications/web/exec?arg=sh", 400, "WebSocket")]
    public async Task Requests_that_make_no_sense_are_refused_in_words(string method, string path, int status, string expected)
    {
        var (answered, body) = await _api.SendAsync(new HttpMethod(method), path);
        Assert.Equal(status, answered);
        Assert.Contains(expected, (string)body!["error"]!["message"]!);
    }

    [Fact]
    public async Task A_body_of_another_type_is_refused()
    {
        using var body = new StringContent("{}", Encoding.UTF8, "text/plain");
        using var response = await _api.Client.PostAsync("/v1/applications", body);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, response.StatusCode);
        Assert.Contains("application/json", await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_body_above_the_limit_is_refused()
    {
        var (status, body) = await _api.SendAsync(HttpMethod.Post, "/v1/applications", $$"""{"name":"{{new string('x', 1 << 20)}}"}""");
        Assert.Equal(413, status);
        Assert.Contains("1048576", (string)body!["error"]!["message"]!);
        Assert.Empty(_api.Service.Calls);
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("3601")]
    public async Task A_grace_out_of_range_is_refused(string seconds)
    {
        var (status, body) = await _api.SendAsync(HttpMethod.Post, "/v1/applications/web/stop", $$"""{"graceSeconds":{{seconds}}}""");
        Assert.Equal(400, status);
        Assert.Contains("0 to 3600", (string)body!["error"]!["message"]!);
    }

    [Fact]
    public async Task Events_are_lines_and_come_as_they_happen()
    {
        Assert.Equal(
            """{"number":1,"time":"0001-01-01T00:00:00+00:00","kind":"created","message":"made"}""" + "\n",
            await _api.Client.GetStringAsync("/v1/applications/web/events"));

        using var lines = await _api.OpenAsync("/v1/applications/web/events?follow=true");
        Assert.Contains("\"created\"", await lines.ReadLineAsync());
        _api.Service.Events.Writer.TryWrite(new ApplicationEvent(2, default, EventKinds.Stopped, "on request"));
        Assert.Contains("\"stopped\"", await lines.ReadLineAsync());
        _api.Service.Events.Writer.Complete();
        Assert.Null(await lines.ReadLineAsync());
    }

    [Fact]
    public async Task A_stop_waits_for_an_operation_and_cuts_what_is_followed()
    {
        _api.Service.Begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var followed = await _api.OpenAsync("/v1/applications/web/events?follow=true");
        await followed.ReadLineAsync();
        var snapshot = _api.SendAsync(HttpMethod.Post, "/v1/applications/web/snapshot");
        await _api.Service.Begun.Task;

        var stop = _api.Server.StopAsync();
        await Assert.ThrowsAnyAsync<IOException>(async () => await followed.ReadLineAsync());
        Assert.False(snapshot.IsCompleted);
        _api.Service.Finish.SetResult();
        Assert.Equal(200, (await snapshot).Status);
        await stop;
    }

    [Fact]
    public async Task An_operation_goes_on_when_its_client_goes_away()
    {
        _api.Service.Begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using (var gone = new CancellationTokenSource())
        {
            var request = _api.Client.PostAsync("/v1/applications/web/snapshot", null, gone.Token);
            await _api.Service.Begun.Task;
            await gone.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => request);
        }

        _api.Service.Finish.SetResult();
        await _api.Server.StopAsync();
        Assert.Contains(_api.Service.Calls, c => c is SnapshotRequest);
    }

    [Fact]
    public async Task The_description_lists_every_route()
    {
        var (_, document) = await _api.SendAsync(HttpMethod.Get, "/openapi.json");
        Assert.StartsWith("3.1", (string)document!["openapi"]!);
        var described = document["paths"]!.AsObject()
            .SelectMany(p => p.Value!.AsObject().Select(o => $"{o.Key.ToUpperInvariant()} {p.Key}")).Order(StringComparer.Ordinal);
        var mapped = ((Microsoft.AspNetCore.Routing.IEndpointRouteBuilder)_api.Server).DataSources.SelectMany(d => d.Endpoints)
            .OfType<Microsoft.AspNetCore.Routing.RouteEndpoint>()
            .SelectMany(e => e.Metadata.OfType<Microsoft.AspNetCore.Routing.HttpMethodMetadata>().Single().HttpMethods.Select(m => $"{m} {e.RoutePattern.RawText!.TrimEnd('/')}"))
            .Where(r => r != "GET /openapi.json").Distinct().Order(StringComparer.Ordinal).ToList();
        Assert.Equal(30, mapped.Count);
        Assert.Equal(mapped, described);
        Assert.NotNull(document["paths"]!["/v1/applications"]!["post"]!["requestBody"]);
        Assert.NotNull(document["components"]!["schemas"]!["ApplicationDeclaration"]!["properties"]!["processes"]);
    }
}
