using System.Net;
using System.Net.Sockets;

namespace Vni.Unit.Tests.Names;

/// <summary>Somebody else's name server on loopback: says to each query what it is told to say, which may be several things or nothing.</summary>
internal sealed class Upstream : IAsyncDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _serving;

    public Upstream(Func<byte[], IEnumerable<byte[]>> answers)
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        EndPoint = (IPEndPoint)_listener.LocalEndPoint!;
        _listener.Listen();
        _socket.Bind(EndPoint);
        _serving = Task.WhenAll(DatagramsAsync(answers), ConnectionsAsync(answers));
    }

    public IPEndPoint EndPoint { get; }

    /// <summary>What has come in.</summary>
    public List<byte[]> Queries { get; } = [];

    /// <summary>The query made into an answer with one address.</summary>
    public static byte[] Answer(byte[] query, byte last = 1, int code = 0)
    {
        var end = 12;
        while (query[end] != 0) end += query[end] + 1;
        end += 5;
        byte[] answer = [.. query[..end], 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, last];
        (answer[2], answer[3], answer[7], answer[11]) = (0x81, (byte)(0x80 | code), 1, 0);
        return answer;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _serving.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _socket.Dispose();
        _listener.Dispose();
        _stop.Dispose();
    }

    private async Task DatagramsAsync(Func<byte[], IEnumerable<byte[]>> answers)
    {
        var buffer = new byte[4096];
        while (true)
        {
            var received = await _socket.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0), _stop.Token);
            foreach (var answer in Answers(answers, buffer[..received.ReceivedBytes])) await _socket.SendToAsync(answer, received.RemoteEndPoint);
        }
    }

    private async Task ConnectionsAsync(Func<byte[], IEnumerable<byte[]>> answers)
    {
        while (true)
        {
            using var socket = await _listener.AcceptAsync(_stop.Token);
            var buffer = new byte[4096];
            var length = await socket.ReceiveAsync(buffer, _stop.Token);
            foreach (var answer in Answers(answers, buffer[2..length])) await socket.SendAsync((byte[])[(byte)(answer.Length >> 8), (byte)answer.Length, .. answer]);
        }
    }

    private List<byte[]> Answers(Func<byte[], IEnumerable<byte[]>> answers, byte[] query)
    {
        lock (Queries) Queries.Add(query);
        return [.. answers(query)];
    }
}
