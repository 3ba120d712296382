using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging.Abstractions;
using Vni.Actors.Messages;
using Vni.Node.Api;
using Vni.Node.Hosting;

namespace Vni.Unit.Tests.Node;

/// <summary>The real server on a real unix socket in a directory of its own; the domain behind it is a fake.</summary>
public sealed class ApiFixture : IAsyncDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vnid-api-");
    private readonly WebApplication _server;

    private ApiFixture()
    {
        SocketPath = Path.Combine(_directory.FullName, "vnid.sock");
        Access = new FakeAccess(_directory.FullName);
        _server = ApiServer.Build(
            SocketPath, () => UnixListener.Open(SocketPath, group: null), tcp: null, Service, Farm, Access,
            new VersionView("1.2.3", "n1", ApiServer.Version), TimeProvider.System, NullLoggerFactory.Instance);
        Client = new HttpClient(Handler()) { BaseAddress = new Uri("http://vnid"), Timeout = TimeSpan.FromSeconds(30) };
    }

    internal string SocketPath { get; }

    internal FakeApplications Service { get; } = new();

    internal FakeFarm Farm { get; } = new();

    internal FakeAccess Access { get; }

    internal HttpClient Client { get; }

    internal WebApplication Server => _server;

    internal static async Task<ApiFixture> StartAsync()
    {
        var fixture = new ApiFixture();
        await fixture._server.StartAsync();
        return fixture;
    }

    internal SocketsHttpHandler Handler() => new()
    {
        ConnectCallback = async (_, cancellation) =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath), cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        },
    };

    internal string Log(string process) => Path.Combine(_directory.FullName, $"{process}.log");

    internal async Task<(int Status, JsonNode? Body)> SendAsync(HttpMethod method, string path, string? json = null)
    {
        using var request = new HttpRequestMessage(method, path);
        if (json is not null) request.Content = new StringContent(json, Encoding.UTF8, new MediaTypeHeaderValue("application/json"));
        // A large body is sent when the server has asked for it: one that refuses it may close before it has been read.
        if (json?.Length > 1 << 16) request.Headers.ExpectContinue = true;
        using var response = await Client.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        return ((int)response.StatusCode, text.Length == 0 ? null : JsonNode.Parse(text));
    }

    /// <summary>The lines of an answer that goes on.</summary>
    internal async Task<FollowedLines> OpenAsync(string path) => new(new StreamReader(await Client.GetStreamAsync(path)));

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _server.DisposeAsync();
        _directory.Delete(recursive: true);
    }
}

/// <summary>Lines that are awaited, but not for ever.</summary>
internal sealed class FollowedLines(StreamReader reader) : IDisposable
{
    private readonly CancellationTokenSource _patience = new(TimeSpan.FromSeconds(30));

    internal async Task<string?> ReadLineAsync() => await reader.ReadLineAsync(_patience.Token);

    public void Dispose()
    {
        reader.Dispose();
        _patience.Dispose();
    }
}
