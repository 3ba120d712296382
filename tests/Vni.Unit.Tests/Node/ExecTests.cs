using System.Net.WebSockets;
using System.Text;
using Vni.Actors;
using Xunit;

namespace Vni.Unit.Tests.Node;

public sealed class ExecTests : IAsyncLifetime
{
    private readonly CancellationToken _patience = new CancellationTokenSource(TimeSpan.FromSeconds(30)).Token;
    private ApiFixture _api = null!;

    public async Task InitializeAsync() => _api = await ApiFixture.StartAsync();

    public async Task DisposeAsync() => await _api.DisposeAsync();

    [Fact]
    public async Task Streams_and_exit_status_of_a_visitor_reach_its_client()
    {
        using var socket = await ConnectAsync("arg=sh&arg=-c&arg=echo%20%24A&env=A%3Db%3Dc&user=www-data&workdir=/tmp&tty=1&cols=100&rows=40");
        var request = await _api.Access.Requested.Task;
        Assert.Equal(["sh", "-c", "echo $A"], request.Command);
        Assert.Equal("b=c", request.Env["A"]);
        Assert.Equal(("www-data", "/tmp", true, 100, 40), (request.User, request.Workdir, request.Terminal, request.Columns, request.Rows));

        await socket.SendAsync("\0hello"u8.ToArray(), WebSocketMessageType.Binary, true, _patience);
        var input = await _api.Access.Visitor.In.Reader.ReadAtLeastAsync(5, _patience);
        Assert.Equal("hello", Encoding.ASCII.GetString(input.Buffer));
        _api.Access.Visitor.In.Reader.AdvanceTo(input.Buffer.End);
        await socket.SendAsync(new byte[] { 0 }, WebSocketMessageType.Binary, true, _patience);
        Assert.True((await _api.Access.Visitor.In.Reader.ReadAsync(_patience)).IsCompleted);

        await _api.Access.Visitor.Out.Writer.WriteAsync("out"u8.ToArray());
        Assert.Equal((1, "out"), await BinaryAsync(socket));
        await _api.Access.Visitor.Err.Writer.WriteAsync("err"u8.ToArray());
        Assert.Equal((2, "err"), await BinaryAsync(socket));

        await socket.SendAsync("""{"resize":{"columns":132,"rows":50}}"""u8.ToArray(), WebSocketMessageType.Text, true, _patience);
        Assert.Equal((132, 50), await _api.Access.Visitor.Resized.Task.WaitAsync(_patience));
        await socket.SendAsync("""{"signal":2}"""u8.ToArray(), WebSocketMessageType.Text, true, _patience);
        Assert.Equal(2, await _api.Access.Visitor.Signalled.Task.WaitAsync(_patience));

        // What was written before the end is sent before the exit status, which is last.
        await _api.Access.Visitor.Out.Writer.WriteAsync("late"u8.ToArray());
        _api.Access.Visitor.End.SetResult(3);
        Assert.Equal((1, "late"), await BinaryAsync(socket));
        Assert.Equal((WebSocketMessageType.Text, """{"exit":3}"""), await ReceiveAsync(socket));
        Assert.Equal(WebSocketMessageType.Close, (await ReceiveAsync(socket)).Type);
        await _api.Access.Visitor.Disposed.Task.WaitAsync(_patience);
    }

    [Fact]
    public async Task The_end_of_the_output_is_awaited_however_long_it_is()
    {
        using var socket = await ConnectAsync("arg=cat");
        var writer = Task.Run(async () =>
        {
            await _api.Access.Visitor.Out.Writer.WriteAsync(new byte[1_000_000]);
            await _api.Access.Visitor.Out.Writer.CompleteAsync();
            await _api.Access.Visitor.Err.Writer.CompleteAsync();
        });
        _api.Access.Visitor.End.SetResult(0);
        var total = 0;
        while (await ReceiveAsync(socket) is { Type: WebSocketMessageType.Binary } frame) total += frame.Text.Length - 1;
        Assert.Equal(1_000_000, total);
        await writer;
    }

    [Fact]
    public async Task A_client_that_is_gone_ends_its_visitor()
    {
        using var socket = await ConnectAsync("arg=sleep");
        await _api.Access.Requested.Task;
        socket.Abort();
        await _api.Access.Visitor.Disposed.Task.WaitAsync(_patience);
    }

    [Fact]
    public async Task A_client_that_closes_ends_its_visitor()
    {
        using var socket = await ConnectAsync("arg=sleep");
        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, _patience);
        await _api.Access.Visitor.Disposed.Task.WaitAsync(_patience);
    }

    [Theory]
    [InlineData("""{"signal":0}""")]
    [InlineData("""{"signal":65}""")]
    [InlineData("""{"resize":{"columns":0,"rows":1}}""")]
    [InlineData("""{"colour":1}""")]
    [InlineData("{")]
    [InlineData("null")]
    public async Task A_client_that_breaks_the_protocol_is_told_and_its_visitor_ended(string control)
    {
        using var socket = await ConnectAsync("arg=sleep");
        await socket.SendAsync(Encoding.UTF8.GetBytes(control), WebSocketMessageType.Text, true, _patience);
        Assert.Equal(WebSocketMessageType.Close, (await ReceiveAsync(socket)).Type);
        Assert.Equal(WebSocketCloseStatus.InvalidPayloadData, socket.CloseStatus);
        await _api.Access.Visitor.Disposed.Task.WaitAsync(_patience);
    }

    [Theory]
    [InlineData("env=A%3Db", 400)]
    [InlineData("arg=sh&env=Ab", 400)]
    [InlineData("arg=sh&workdir=tmp", 400)]
    [InlineData("arg=sh&tty=maybe", 400)]
    [InlineData("arg=sh&cols=0", 400)]
    [InlineData("arg=s%00h", 400)]
    public async Task A_bad_request_for_a_visitor_is_refused_before_the_socket_opens(string query, int status) =>
        Assert.Equal(status, await RefusedAsync($"/v1/applications/web/exec?{query}"));

    [Fact]
    public async Task A_visitor_that_cannot_start_is_refused_before_the_socket_opens()
    {
        Assert.Equal(404, await RefusedAsync("/v1/applications/other/exec?arg=sh"));
        _api.Access.Failure = new VniException(ErrorCodes.WrongState, "it is stopped");
        Assert.Equal(409, await RefusedAsync("/v1/applications/web/exec?arg=sh"));
        _api.Access.Failure = null;
        _api.Service.Status = "starting";
        Assert.Equal(409, await RefusedAsync("/v1/applications/web/exec?arg=sh"));
    }

    [Fact]
    public async Task A_stop_of_the_daemon_ends_visitors()
    {
        using var socket = await ConnectAsync("arg=sleep");
        await _api.Access.Requested.Task;
        await _api.Server.StopAsync(_patience);
        await _api.Access.Visitor.Disposed.Task.WaitAsync(_patience);
    }

    private async Task<ClientWebSocket> ConnectAsync(string query, string path = "/v1/applications/web/exec")
    {
        var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol("vni.exec.v1");
        socket.Options.CollectHttpResponseDetails = true;
        using var invoker = new HttpMessageInvoker(_api.Handler());
        await socket.ConnectAsync(new Uri($"ws://vnid{path}?{query}"), invoker, _patience);
        return socket;
    }

    private async Task<int> RefusedAsync(string pathAndQuery)
    {
        using var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol("vni.exec.v1");
        socket.Options.CollectHttpResponseDetails = true;
        using var invoker = new HttpMessageInvoker(_api.Handler());
        await Assert.ThrowsAsync<WebSocketException>(() => socket.ConnectAsync(new Uri($"ws://vnid{pathAndQuery}"), invoker, _patience));
        return (int)socket.HttpStatusCode;
    }

    private async Task<(int Channel, string Text)> BinaryAsync(ClientWebSocket socket)
    {
        var (type, text) = await ReceiveAsync(socket);
        Assert.Equal(WebSocketMessageType.Binary, type);
        return (text[0], text[1..]);
    }

    private async Task<(WebSocketMessageType Type, string Text)> ReceiveAsync(ClientWebSocket socket)
    {
        var buffer = new byte[64 * 1024];
        var count = 0;
        while (true)
        {
            var received = await socket.ReceiveAsync(buffer.AsMemory(count), _patience);
            count += received.Count;
            if (received.EndOfMessage) return (received.MessageType, Encoding.Latin1.GetString(buffer, 0, count));
        }
    }
}
