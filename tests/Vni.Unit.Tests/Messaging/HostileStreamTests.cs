using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Vni.Actors.Messaging;
using Vni.Cluster.Messaging;
using Xunit;

namespace Vni.Unit.Tests.Messaging;

/// <summary>What no node sends.</summary>
public sealed class HostileStreamTests : IAsyncLifetime
{
    private readonly TestFarm _farm = new(tls: false);
    private readonly TaskCompletionSource<Exception?> _read = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TestPeer _node = null!;

    public async Task InitializeAsync()
    {
        _node = await _farm.StartAsync("n2");
        _node.Peers.OnStream(TestMessages.Pour, async (_, _, stream, cancellation) =>
        {
            try
            {
                await stream.CopyToAsync(Stream.Null, cancellation);
                _read.SetResult(null);
            }
            catch (Exception e)
            {
                _read.SetResult(e);
            }

            return new Total(1);
        });
    }

    public async Task DisposeAsync() => await _farm.DisposeAsync();

    [Fact]
    public async Task A_preface_of_something_else_is_answered_by_HTTP()
    {
        using var socket = await SendAsync("VNI-STREAM/2\r\n\r\n"u8.ToArray());
        Assert.StartsWith("HTTP/1.1 400", Encoding.ASCII.GetString(await RestAsync(socket)));
    }

    [Fact]
    public async Task Half_a_preface_and_then_nothing_is_closed()
    {
        using var socket = await SendAsync(StreamWire.Preface[..5].ToArray());
        socket.Shutdown(SocketShutdown.Send);
        await RestAsync(socket);
    }

    [Fact]
    public async Task A_connection_without_a_header_is_closed_without_an_answer()
    {
        using var socket = await SendAsync([.. StreamWire.Preface, 0, 0]);
        socket.Shutdown(SocketShutdown.Send);
        Assert.Empty(await RestAsync(socket));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(PeerWire.MaximumHeader + 1)]
    public async Task A_header_of_an_impossible_length_is_refused(int length)
    {
        var header = new byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(header, length);
        using var socket = await SendAsync([.. StreamWire.Preface, .. header]);
        await using var stream = new NetworkStream(socket);
        Assert.Contains("1048576", (await StreamWire.ReadReplyAsync(stream, default)).Error!.Message);
    }

    [Fact]
    public async Task A_header_that_is_no_envelope_is_refused()
    {
        using var socket = await SendAsync([.. StreamWire.Preface, 0, 0, 0, 2, .. "[]"u8]);
        await using var stream = new NetworkStream(socket);
        Assert.Contains("no envelope", (await StreamWire.ReadReplyAsync(stream, default)).Error!.Message);
    }

    [Fact]
    public async Task A_frame_of_an_impossible_length_breaks_the_stream_and_gets_no_answer()
    {
        using var socket = await SendAsync([.. StreamWire.Preface, .. Header(), 0x7f, 0xff, 0xff, 0xff, 1, 2, 3]);
        Assert.Empty(await RestAsync(socket));
        Assert.IsAssignableFrom<IOException>(await _read.Task);
    }

    [Fact]
    public async Task A_stream_without_its_end_gets_no_answer()
    {
        using var socket = await SendAsync([.. StreamWire.Preface, .. Header(), 0, 0, 0, 1, 7]);
        socket.Shutdown(SocketShutdown.Send);
        Assert.Empty(await RestAsync(socket));
        Assert.NotNull(await _read.Task);
    }

    private static byte[] Header() => PeerWire.Frame(new PeerDispatcher(
        "lab", "n1", TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger<PeerDispatcher>.Instance).Wrap("n2", TestMessages.Pour, new Sum(1, 2), CommandId.New()));

    private async Task<Socket> SendAsync(byte[] bytes)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPEndPoint.Parse(_farm["n2"]!));
        await socket.SendAsync(bytes);
        return socket;
    }

    /// <summary>All that comes until the other side closes or resets.</summary>
    private static async Task<byte[]> RestAsync(Socket socket)
    {
        using var all = new MemoryStream();
        var buffer = new byte[4096];
        try
        {
            while (await socket.ReceiveAsync(buffer) is var count and > 0) all.Write(buffer, 0, count);
        }
        catch (SocketException)
        {
            // Reset: what came before it counts.
        }

        return all.ToArray();
    }
}
