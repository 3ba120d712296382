using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Vni.Unit.Tests.Registry;

/// <summary>Takes connections and requests and does not answer; the first connection gets the beginning of an answer, if one is given.</summary>
internal sealed class DeafServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly List<Socket> _taken = [];
    private readonly Task _serving;

    public DeafServer(string? beginning = null)
    {
        _listener.Start();
        _serving = ServeAsync(beginning);
    }

    public Uri Url => new($"http://{_listener.LocalEndpoint}");

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _serving;
        foreach (var socket in _taken) socket.Dispose();
    }

    private async Task ServeAsync(string? beginning)
    {
        try
        {
            while (true)
            {
                var socket = await _listener.AcceptSocketAsync();
                _taken.Add(socket);
                if (beginning is null || _taken.Count > 1) continue;
                var answer = $"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n{beginning.Length:x}\r\n{beginning}\r\n";
                await socket.SendAsync(Encoding.ASCII.GetBytes(answer));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Stopped.
        }
    }
}
