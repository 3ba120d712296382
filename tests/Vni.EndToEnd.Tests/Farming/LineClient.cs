using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Vni.EndToEnd.Tests.Farming;

/// <summary>One TCP connection of a client that sends a line and awaits a line. It is never made anew.</summary>
internal sealed class LineClient : IAsyncDisposable
{
    /// <summary>A peer that is silent for so long is taken for gone: much longer than any snapshot, restore or restart.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);

    private readonly NetworkStream _stream;
    private readonly StreamReader _reader;
    private long _number;

    private LineClient(Socket socket)
    {
        _stream = new NetworkStream(socket, ownsSocket: true);
        _reader = new StreamReader(_stream, Encoding.ASCII);
    }

    /// <summary>Connects, as soon as the server listens.</summary>
    public static async Task<LineClient> ConnectAsync(NetworkNamespace from, string ip, int port = 7000) =>
        new(await Eventually.SucceedAsync($"connection to {ip}:{port}", () => from.ConnectAsync(ip, port)));

    /// <summary>Sends one line and returns the answer's.</summary>
    public async Task<string> AskAsync(string line)
    {
        using var limit = new CancellationTokenSource(Patience);
        await _stream.WriteAsync(Encoding.ASCII.GetBytes(line + "\r\n"), limit.Token);
        return await _reader.ReadLineAsync(limit.Token) ?? throw new IOException($"the connection was closed instead of an answer to '{line}'");
    }

    /// <summary>
    /// Asks for the next number of this connection, which must follow the last one. The answer may be the number
    /// alone, begin with it (<c>7 INCR</c>), or be a redis integer (<c>:7</c>).
    /// </summary>
    public async Task<long> CountAsync(string line = "INCR")
    {
        var answer = await AskAsync(line);
        var number = long.Parse(answer.TrimStart(':').Split(' ')[0], CultureInfo.InvariantCulture);
        Assert.Equal(_number + 1, number);
        return _number = number;
    }

    public async ValueTask DisposeAsync()
    {
        _reader.Dispose();
        await _stream.DisposeAsync();
    }
}
