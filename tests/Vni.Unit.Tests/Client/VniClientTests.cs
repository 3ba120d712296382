using System.Net.Sockets;
using System.Text;
using Vni.Actors;
using Vni.Actors.Applications;
using Vni.Actors.Messages;
using Vni.Client;
using Xunit;

namespace Vni.Unit.Tests.Client;

public sealed class VniClientTests
{
    [Fact]
    public async Task Every_call_asks_the_path_and_sends_the_body_that_the_api_names()
    {
        await using var daemon = await FakeDaemon.StartAsync();
        using var client = new VniClient(daemon.SocketPath);
        var application = Examples.Application();
        daemon.On("GET /v1/version", new VersionView("0.1.0", "alder", 1), VniJson.Default.VersionView);
        daemon.On("GET /v1/check", [], VniJson.Default.IReadOnlyListNodeCheck);
        daemon.On("GET /v1/applications", [application], VniJson.Default.IReadOnlyListApplicationView);
        daemon.On("POST /v1/applications", application, VniJson.Default.ApplicationView, status: 201);
        daemon.On("GET /v1/applications/web", application, VniJson.Default.ApplicationView);
        daemon.On("DELETE /v1/applications/web", context => { context.Response.StatusCode = 204; return Task.CompletedTask; });
        daemon.On("POST /v1/applications/web/start", application, VniJson.Default.ApplicationView);
        daemon.On("POST /v1/applications/web/stop", application, VniJson.Default.ApplicationView);
        daemon.On("POST /v1/applications/web/snapshot", Examples.Snapshot(), VniJson.Default.SnapshotView);
        daemon.On("POST /v1/applications/web/restore", new RestoreView(application, "web.1", 3, []), VniJson.Default.RestoreView);
        daemon.On("GET /v1/snapshots", [Examples.Snapshot()], VniJson.Default.IReadOnlyListSnapshotView);

        Assert.Equal("alder", (await client.GetVersionAsync()).Node);
        Assert.Empty(await client.CheckAsync());
        Assert.Equal("web", Assert.Single(await client.ListApplicationsAsync()).Aid);
        Assert.Equal("10.117.0.5", (await client.RunAsync(new ApplicationDeclaration { Name = "web" })).Ip);
        Assert.Equal([2, 3], (await client.GetApplicationAsync("web")).Pids);
        await client.RemoveAsync("web", force: false);
        await client.RemoveAsync("web", force: true);
        await client.StartAsync("web");
        await client.StopAsync("web", new StopRequest(2.5));
        Assert.Equal(13_002_342, (await client.SnapshotAsync("web", new SnapshotRequest(LeaveRunning: true))).Size);
        Assert.Equal(3, (await client.RestoreAsync("web", new RestoreRequest("web.1"))).FramesHeld);
        await client.ListSnapshotsAsync();
        Assert.Single(await client.ListSnapshotsAsync("web"));

        Assert.Equal(
            [
                "GET /v1/version",
                "GET /v1/check",
                "GET /v1/applications",
                """POST /v1/applications {"name":"web","ip":null,"ip6":null,"hostname":null,"root":"/","node":null,"checkpoint":null,"limits":{"memory":null,"cpus":null},"rules":null,"properties":null,"processes":[]}""",
                "GET /v1/applications/web",
                "DELETE /v1/applications/web",
                "DELETE /v1/applications/web?force=true",
                "POST /v1/applications/web/start",
                """POST /v1/applications/web/stop {"graceSeconds":2.5}""",
                """POST /v1/applications/web/snapshot {"leaveRunning":true,"sync":false}""",
                """POST /v1/applications/web/restore {"snapshot":"web.1"}""",
                "GET /v1/snapshots",
                "GET /v1/snapshots?aid=web",
            ],
            daemon.Requests);
    }

    [Theory]
    [InlineData("..")]
    [InlineData("a/b")]
    [InlineData("web?force=true")]
    [InlineData("")]
    public async Task A_name_that_would_change_the_path_is_refused_before_anything_is_sent(string aid)
    {
        using var client = new VniClient("/nonexistent/vnid.sock");
        var refused = await Assert.ThrowsAsync<VniException>(() => client.GetApplicationAsync(aid));
        Assert.Equal(ErrorCodes.InvalidArgument, refused.Code);
    }

    [Theory]
    [InlineData(400, ErrorCodes.InvalidArgument)]
    [InlineData(404, ErrorCodes.NotFound)]
    [InlineData(409, ErrorCodes.AddressInUse)]
    [InlineData(500, ErrorCodes.DumpFailed)]
    [InlineData(503, ErrorCodes.Busy)]
    public async Task A_refusal_keeps_the_daemons_code_and_sentence(int status, string code)
    {
        await using var daemon = await FakeDaemon.StartAsync();
        using var client = new VniClient(daemon.SocketPath);
        daemon.Refuse("GET /v1/applications/web", status, code, "because it is so");
        var refused = await Assert.ThrowsAsync<VniException>(() => client.GetApplicationAsync("web"));
        Assert.Equal((code, "because it is so"), (refused.Code, refused.Message));
    }

    [Fact]
    public async Task Streams_are_refused_like_everything_else()
    {
        await using var daemon = await FakeDaemon.StartAsync();
        using var client = new VniClient(daemon.SocketPath);
        daemon.Refuse("GET /v1/applications/web/logs", 404, ErrorCodes.NotFound, "no application web");
        daemon.Refuse("GET /v1/applications/web/events", 404, ErrorCodes.NotFound, "no application web");
        await Assert.ThrowsAsync<VniException>(() => client.CopyLogsAsync("web", new LogsRequest(), Stream.Null));
        await Assert.ThrowsAsync<VniException>(async () =>
        {
            await foreach (var _ in client.EventsAsync("web", follow: false)) { }
        });
    }

    [Fact]
    public async Task A_missing_socket_says_how_to_start_the_daemon()
    {
        using var client = new VniClient("/nonexistent/vnid.sock");
        var refused = await Assert.ThrowsAsync<VniException>(() => client.GetVersionAsync());
        Assert.Equal(ErrorCodes.DaemonUnavailable, refused.Code);
        Assert.Equal(
            "vnid does not answer at /nonexistent/vnid.sock (no such file): start it with 'sudo vnid' or 'systemctl start vnid', or name its socket with --socket",
            refused.Message);
    }

    [Fact]
    public async Task A_socket_that_a_dead_daemon_left_is_told_from_a_missing_one()
    {
        var directory = Directory.CreateTempSubdirectory("vni-dead-");
        try
        {
            var path = Path.Combine(directory.FullName, "vnid.sock");
            using (var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
            {
                listener.Bind(new UnixDomainSocketEndPoint(path));
                using var client = new VniClient(path);
                var refused = await Assert.ThrowsAsync<VniException>(() => client.GetVersionAsync());
                Assert.Contains("nobody listens on it", refused.Message);
            }
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData(SocketError.AccessDenied, "join group vni")]
    [InlineData(SocketError.AddressNotAvailable, "no such file")]
    [InlineData(SocketError.TimedOut, "start it with")]
    public void Each_way_to_fail_to_connect_has_its_remedy(SocketError error, string remedy)
    {
        var sentence = Vni.Client.Transport.DaemonFailures.Unreachable("/run/x.sock", new SocketException((int)error)).Message;
        Assert.Contains(remedy, sentence);
        Assert.Contains("/run/x.sock", sentence);
    }

    [Fact]
    public void A_path_that_no_socket_can_have_is_refused()
    {
        var refused = Assert.Throws<VniException>(() => new VniClient("/" + new string('x', 200)));
        Assert.Equal(ErrorCodes.InvalidArgument, refused.Code);
    }

    [Theory]
    [InlineData("<html>")]
    [InlineData("null")]
    [InlineData("""{"version":null}""")]
    public async Task An_answer_that_is_not_vnids_is_recognised(string answer)
    {
        await using var daemon = await FakeDaemon.StartAsync();
        using var client = new VniClient(daemon.SocketPath);
        daemon.OnText("GET /v1/version", answer);
        var refused = await Assert.ThrowsAsync<VniException>(() => client.GetVersionAsync());
        Assert.Equal(ErrorCodes.DaemonUnavailable, refused.Code);
    }

    [Fact]
    public async Task An_error_without_a_reason_is_recognised()
    {
        await using var daemon = await FakeDaemon.StartAsync();
        using var client = new VniClient(daemon.SocketPath);
        var refused = await Assert.ThrowsAsync<VniException>(() => client.GetVersionAsync());
        Assert.Contains("status 599", refused.Message);
    }

    [Fact]
    public async Task A_daemon_that_dies_while_it_answers_is_told_as_such()
    {
        await using var daemon = await FakeDaemon.StartAsync();
        using var client = new VniClient(daemon.SocketPath);
        daemon.On("GET /v1/version", context => { context.Abort(); return Task.CompletedTask; });
        daemon.On("GET /v1/applications/web/logs", async context =>
        {
            await context.Response.Body.WriteAsync("half"u8.ToArray());
            await context.Response.Body.FlushAsync();
            context.Abort();
        });
        var refused = await Assert.ThrowsAsync<VniException>(() => client.GetVersionAsync());
        Assert.Contains("ended the connection", refused.Message);
        refused = await Assert.ThrowsAsync<VniException>(() => client.CopyLogsAsync("web", new LogsRequest(), Stream.Null));
        Assert.Equal(ErrorCodes.DaemonUnavailable, refused.Code);
    }

    [Fact]
    public async Task A_waiting_call_ends_when_it_is_cancelled()
    {
        await using var daemon = await FakeDaemon.StartAsync();
        using var client = new VniClient(daemon.SocketPath);
        using var cancel = new CancellationTokenSource();
        var gone = new TaskCompletionSource();
        daemon.On("POST /v1/applications/web/start", async context =>
        {
            context.RequestAborted.Register(gone.SetResult);
            await cancel.CancelAsync();
            await gone.Task;
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.StartAsync("web", cancel.Token));
        await gone.Task;
    }

    [Fact]
    public async Task Followed_events_arrive_while_the_stream_is_open()
    {
        await using var daemon = await FakeDaemon.StartAsync();
        using var client = new VniClient(daemon.SocketPath);
        var seen = new TaskCompletionSource();
        daemon.On("GET /v1/applications/web/events", async context =>
        {
            await context.Response.Body.WriteAsync("""{"number":1,"time":"2025-11-22T12:00:00Z","kind":"created","message":"made"}"""u8.ToArray());
            await context.Response.Body.WriteAsync("\n\n"u8.ToArray());
            await context.Response.Body.FlushAsync();
            await seen.Task;
            await context.Response.Body.WriteAsync("""{"number":2,"time":"2025-11-22T12:00:01Z","kind":"started","message":"runs"}"""u8.ToArray());
        });
        var kinds = new List<string>();
        await foreach (var e in client.EventsAsync("web", follow: true))
        {
            kinds.Add(e.Kind);
            seen.TrySetResult();
        }

        Assert.Equal(["created", "started"], kinds);
        Assert.Equal("GET /v1/applications/web/events?follow=true", Assert.Single(daemon.Requests));
    }

    [Fact]
    public async Task Logs_are_copied_byte_by_byte_with_what_was_asked_for()
    {
        await using var daemon = await FakeDaemon.StartAsync();
        using var client = new VniClient(daemon.SocketPath);
        daemon.On("GET /v1/applications/web/logs", context => context.Response.Body.WriteAsync(new byte[] { 0, 0xff, 10 }).AsTask());
        using var copy = new MemoryStream();
        await client.CopyLogsAsync("web", new LogsRequest { Process = "a&b", Follow = true, Tail = 0 }, copy);
        Assert.Equal(new byte[] { 0, 0xff, 10 }, copy.ToArray());
        Assert.Equal("GET /v1/applications/web/logs?process=a%26b&follow=true&tail=0", Assert.Single(daemon.Requests));
    }

    [Fact]
    public void The_socket_is_the_given_one_else_the_environments_else_the_default()
    {
        Assert.Equal("/a", VniEndpoint.Resolve("/a", _ => "/b"));
        Assert.Equal("/b", VniEndpoint.Resolve(null, name => name == "VNI_SOCKET" ? "/b" : null));
        Assert.Equal("/run/vniakka/vnid.sock", VniEndpoint.Resolve(null, _ => ""));
    }
}
