using System.Net.WebSockets;
using System.Text;
using Microsoft.AspNetCore.Http;
using Vni.Actors;
using Vni.Client;
using Vni.Client.Exec;
using Xunit;

namespace Vni.Unit.Tests.Client;

public sealed class ExecSessionTests
{
    private static readonly ExecRequest s_cat = new() { Command = ["cat"] };

    [Fact]
    public async Task Input_output_error_and_exit_status_go_through()
    {
        await using var daemon = await FakeDaemon.StartAsync();
        using var client = new VniClient(daemon.SocketPath);
        OnExec(daemon, async socket =>
        {
            Assert.Equal("\0hello", await ReceiveAsync(socket));
            Assert.Equal("\0", await ReceiveAsync(socket));
            await SendAsync(socket, "\u0001out");
            await SendAsync(socket, "\u0002err");
            await SendAsync(socket, "\u0009unknown channel");
            await ControlAsync(socket, """{"later":true}""");
            await ControlAsync(socket, """{"exit":7}""");
        });

        await using var session = await client.ExecAsync("web", s_cat);
        await session.SendInputAsync("hello"u8.ToArray());
        await session.SendInputAsync(ReadOnlyMemory<byte>.Empty);
        await session.EndInputAsync();
        using var output = new MemoryStream();
        using var error = new MemoryStream();
        Assert.Equal(7, await session.ReceiveAsync(output, error));
        Assert.Equal("out", Encoding.UTF8.GetString(output.ToArray()));
        Assert.Equal("err", Encoding.UTF8.GetString(error.ToArray()));
    }

    [Fact]
    public async Task A_message_larger_than_any_buffer_arrives_whole()
    {
        var large = new string('x', 200_000);
        await using var daemon = await FakeDaemon.StartAsync();
        using var client = new VniClient(daemon.SocketPath);
        OnExec(daemon, async socket =>
        {
            await SendAsync(socket, "\u0001" + large);
            await ControlAsync(socket, """{"exit":0}""");
        });
        await using var session = await client.ExecAsync("web", s_cat);
        using var output = new MemoryStream();
        Assert.Equal(0, await session.ReceiveAsync(output, Stream.Null));
        Assert.Equal(large, Encoding.UTF8.GetString(output.ToArray()));
    }

    [Fact]
    public async Task Size_and_signals_are_control_messages()
    {
        await using var daemon = await FakeDaemon.StartAsync();
        using var client = new VniClient(daemon.SocketPath);
        var control = new List<string>();
        OnExec(daemon, async socket =>
        {
            control.Add(await ReceiveAsync(socket));
            control.Add(await ReceiveAsync(socket));
            await ControlAsync(socket, """{"exit":130}""");
        });
        await using var session = await client.ExecAsync("web", s_cat);
        await session.ResizeAsync(new TerminalSize(80, 24));
        await session.SignalAsync(2);
        Assert.Equal(130, await session.ReceiveAsync(Stream.Null, Stream.Null));
        Assert.Equal(["""{"resize":{"columns":80,"rows":24}}""", """{"signal":2}"""], control);
    }

    [Fact]
    public async Task The_request_carries_command_variables_user_and_terminal()
    {
        await using var daemon = await FakeDaemon.StartAsync();
        using var client = new VniClient(daemon.SocketPath);
        OnExec(daemon, socket => ControlAsync(socket, """{"exit":0}"""));
        var request = new ExecRequest
        {
            Command = ["sh", "-c", "a & b=1 # ü"],
            Env = new Dictionary<string, string> { ["K"] = "v=w" },
            User = "www-data:www-data",
            Workdir = "/srv",
            Terminal = new TerminalSize(100, 40),
        };
        await using var session = await client.ExecAsync("web", request);
        await session.ReceiveAsync(Stream.Null, Stream.Null);
        Assert.Equal(
            "GET /v1/applications/web/exec?arg=sh&arg=-c&arg=a%20%26%20b%3D1%20%23%20%C3%BC&env=K%3Dv%3Dw&user=www-data%3Awww-data&workdir=%2Fsrv&tty=1&cols=100&rows=40",
            Assert.Single(daemon.Requests));
    }

    [Fact]
    public async Task A_refusal_before_the_program_starts_keeps_its_reason()
    {
        await using var daemon = await FakeDaemon.StartAsync();
        using var client = new VniClient(daemon.SocketPath);
        daemon.Refuse("GET /v1/applications/web/exec", 400, ErrorCodes.CommandNotFound, "there is no program cat");
        var refused = await Assert.ThrowsAsync<VniException>(() => client.ExecAsync("web", s_cat));
        Assert.Equal((ErrorCodes.CommandNotFound, "there is no program cat"), (refused.Code, refused.Message));
    }

    [Fact]
    public async Task A_server_that_does_not_speak_the_protocol_is_recognised()
    {
        await using var daemon = await FakeDaemon.StartAsync();
        using var client = new VniClient(daemon.SocketPath);
        daemon.OnText("GET /v1/applications/web/exec", "no socket");
        var refused = await Assert.ThrowsAsync<VniException>(() => client.ExecAsync("web", s_cat));
        Assert.Equal(ErrorCodes.DaemonUnavailable, refused.Code);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_session_that_ends_without_exit_status_fails(bool politely)
    {
        await using var daemon = await FakeDaemon.StartAsync();
        using var client = new VniClient(daemon.SocketPath);
        OnExec(daemon, async socket =>
        {
            // The connection must be up before it can break.
            await ReceiveAsync(socket);
            if (politely) await socket.CloseOutputAsync(WebSocketCloseStatus.EndpointUnavailable, null, CancellationToken.None);
            else socket.Abort();
        });
        await using var session = await client.ExecAsync("web", s_cat);
        await session.SendInputAsync("x"u8.ToArray());
        var failed = await Assert.ThrowsAsync<VniException>(() => session.ReceiveAsync(Stream.Null, Stream.Null));
        Assert.Equal(ErrorCodes.DaemonUnavailable, failed.Code);
    }

    [Fact]
    public async Task Many_senders_at_once_do_not_mix_their_messages()
    {
        await using var daemon = await FakeDaemon.StartAsync();
        using var client = new VniClient(daemon.SocketPath);
        var received = new List<string>();
        OnExec(daemon, async socket =>
        {
            for (var i = 0; i < 100; i++) received.Add(await ReceiveAsync(socket));
            await ControlAsync(socket, """{"exit":0}""");
        });
        await using var session = await client.ExecAsync("web", s_cat);
        await Task.WhenAll(Enumerable.Range(0, 100).Select(i => Task.Run(() => session.SendInputAsync(Encoding.UTF8.GetBytes($"{i}")))));
        await session.ReceiveAsync(Stream.Null, Stream.Null);
        Assert.Equal(Enumerable.Range(0, 100).Select(i => $"\0{i}").Order(), received.Order());
    }

    /// <summary>Plays the daemon's side of a session.</summary>
    internal static void OnExec(FakeDaemon daemon, Func<WebSocket, Task> play) => daemon.On("GET /v1/applications/web/exec", async context =>
    {
        using var socket = await context.WebSockets.AcceptWebSocketAsync("vni.exec.v1");
        await play(socket);
        if (socket.State == WebSocketState.Open) await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
    });

    internal static async Task<string> ReceiveAsync(WebSocket socket)
    {
        var buffer = new byte[64 * 1024];
        var result = await socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None);
        Assert.True(result.EndOfMessage);
        return Encoding.UTF8.GetString(buffer, 0, result.Count);
    }

    internal static Task SendAsync(WebSocket socket, string message) =>
        socket.SendAsync(Encoding.UTF8.GetBytes(message), WebSocketMessageType.Binary, true, CancellationToken.None);

    internal static Task ControlAsync(WebSocket socket, string message) =>
        socket.SendAsync(Encoding.UTF8.GetBytes(message), WebSocketMessageType.Text, true, CancellationToken.None);
}
