using System.Net;
using System.Net.Sockets;
using System.Text;
using Vni.EndToEnd.Tests.Farming;

namespace Vni.EndToEnd.Tests.Farms;

/// <summary>
/// Numbered requests over one connection, or one pair of UDP ports, that is never made anew: request n is sent whether or not the one before
/// it has been answered, and the answers must come in order, each once.
/// </summary>
internal sealed class ClientsOrderedLoad : IAsyncDisposable
{
    private readonly Socket _socket;
    private readonly CancellationTokenSource _end = new();
    private readonly Func<ReadOnlyMemory<byte>, ValueTask> _send;
    private readonly Func<CancellationToken, ValueTask<string>> _receive;
    private readonly Func<long, string> _request;
    private readonly Func<long, string> _answer;
    private readonly SemaphoreSlim _window;
    private readonly TimeSpan? _period;
    private readonly Task _sending;
    private readonly Task _receiving;
    private volatile bool _stopping;
    private long _sent;
    private long _answered;

    private ClientsOrderedLoad(
        Socket socket, Func<ReadOnlyMemory<byte>, ValueTask> send, Func<CancellationToken, ValueTask<string>> receive, Func<long, string> request, Func<long, string> answer, int window, TimeSpan? period)
    {
        (_socket, _send, _receive, _request, _answer, _window, _period) = (socket, send, receive, request, answer, new SemaphoreSlim(window), period);
        _sending = Task.Run(SendAsync);
        _receiving = Task.Run(ReceiveAsync);
    }

    /// <summary>Requests that were sent, and answers that have come.</summary>
    public (long Sent, long Answered) Counts => (Interlocked.Read(ref _sent), Interlocked.Read(ref _answered));

    /// <summary>Lines over TCP.</summary>
    /// <param name="from">Whose connection it is.</param>
    /// <param name="ip">The server.</param>
    /// <param name="port">Its port.</param>
    /// <param name="request">The line of request n (from 1), without its end.</param>
    /// <param name="answer">The line that must answer it.</param>
    /// <param name="window">Requests that may be unanswered; then sending waits.</param>
    /// <param name="period">Time between requests; <c>null</c>: as fast as it goes.</param>
    public static async Task<ClientsOrderedLoad> ConnectAsync(
        NetworkNamespace from, string ip, int port, Func<long, string> request, Func<long, string> answer, int window, TimeSpan? period = null)
    {
        var socket = await Eventually.SucceedAsync($"connection to {ip}:{port}", () => from.ConnectAsync(ip, port));
        var stream = new NetworkStream(socket);
        var reader = new StreamReader(stream, Encoding.ASCII);
        return new(
            socket, line => stream.WriteAsync(line), async end => await reader.ReadLineAsync(end) ?? throw new IOException("the server closed the connection"), n => request(n) + "\r\n", answer, window, period);
    }

    /// <summary>Datagrams over UDP, one a <paramref name="period"/>; the parameters as for TCP.</summary>
    public static async Task<ClientsOrderedLoad> DatagramsAsync(NetworkNamespace from, string ip, int port, Func<long, string> request, Func<long, string> answer, TimeSpan period)
    {
        var address = IPAddress.Parse(ip);
        var socket = await from.RunAsync(() => new Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp));
        await socket.ConnectAsync(new IPEndPoint(address, port));
        var buffer = new byte[2048];
        return new(
            socket, async datagram => await socket.SendAsync(datagram), async end => Encoding.ASCII.GetString(buffer.AsSpan(0, await socket.ReceiveAsync(buffer, end))), request, answer, int.MaxValue, period);
    }

    /// <summary>Returns when some more requests than were sent before the call have been answered; throws what went wrong.</summary>
    public async Task AdvanceAsync(int requests = 50)
    {
        var goal = Counts.Sent + requests;
        await Eventually.TrueAsync($"answer {goal}", () => _sending.IsFaulted || _receiving.IsFaulted || Counts.Answered >= goal, TimeSpan.FromMinutes(1));
        if (_sending.IsFaulted) await _sending;
        if (_receiving.IsFaulted) await _receiving;
    }

    /// <summary>Sends no more and waits for the last answer; how many there were.</summary>
    public async Task<long> FinishAsync()
    {
        _stopping = true;
        await _sending;
        await Eventually.GetAsync("the last answer", () => Task.FromResult(Counts), c => _receiving.IsFaulted || c.Answered == c.Sent);
        if (_receiving.IsFaulted) await _receiving;
        return Counts.Answered;
    }

    public async ValueTask DisposeAsync()
    {
        _stopping = true;
        await _end.CancelAsync();
        _socket.Dispose();
        await Task.WhenAll(_sending, _receiving).ContinueWith(_ => { }, TaskScheduler.Default);
        _end.Dispose();
        _window.Dispose();
    }

    private async Task SendAsync()
    {
        using var pace = _period is { } period ? new PeriodicTimer(period, TimeProvider.System) : null;
        while (!_stopping)
        {
            await _window.WaitAsync(_end.Token);
            if (pace is not null) await pace.WaitForNextTickAsync(_end.Token);
            // Counted before: the answer may be there before the call returns.
            await _send(Encoding.ASCII.GetBytes(_request(Interlocked.Increment(ref _sent))));
        }
    }

    private async Task ReceiveAsync()
    {
        while (true)
        {
            var answer = await _receive(_end.Token);
            Assert.Equal(_answer(Counts.Answered + 1), answer);
            Interlocked.Increment(ref _answered);
            _window.Release();
        }
    }
}
