using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Vni.Actors;
using Vni.Actors.Identity;
using Vni.Actors.Messages;

namespace Vni.Client.Transport;

/// <summary>HTTP/1.1 over the daemon's unix socket. Every failure leaves as a <see cref="VniException"/> with the daemon's code.</summary>
internal sealed class DaemonTransport : IDisposable
{
    private readonly HttpMessageInvoker _invoker;
    private readonly UnixDomainSocketEndPoint _endPoint;

    /// <exception cref="VniException">The path is empty or longer than <c>sun_path</c> holds, 107 bytes (unix(7)).</exception>
    public DaemonTransport(string socketPath)
    {
        SocketPath = socketPath;
        try
        {
            _endPoint = new UnixDomainSocketEndPoint(socketPath);
        }
        catch (ArgumentException)
        {
            throw new VniException(ErrorCodes.InvalidArgument, $"socket path {DnsLabel.Quote(socketPath)} cannot be used: give a path of 1 to 107 bytes");
        }

        _invoker = new HttpMessageInvoker(new SocketsHttpHandler
        {
            ConnectCallback = ConnectAsync,
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            ActivityHeadersPropagator = null,
        });
    }

    /// <summary>For messages.</summary>
    public string SocketPath { get; }

    /// <summary>Sends a request and reads the one document of its answer.</summary>
    public async Task<TAnswer> SendAsync<TAnswer>(HttpMethod method, string path, JsonTypeInfo<TAnswer> answer, CancellationToken cancellationToken) =>
        await ReadAsync(await SendAsync(new HttpRequestMessage(method, UriOf(path)), cancellationToken), answer, cancellationToken);

    /// <summary>Sends a request with a body and reads the one document of its answer.</summary>
    public async Task<TAnswer> SendAsync<TBody, TAnswer>(
        HttpMethod method, string path, TBody body, JsonTypeInfo<TBody> bodyType, JsonTypeInfo<TAnswer> answer, CancellationToken cancellationToken)
    {
        var content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(body, bodyType));
        content.Headers.ContentType = new("application/json");
        var request = new HttpRequestMessage(method, UriOf(path)) { Content = content };
        return await ReadAsync(await SendAsync(request, cancellationToken), answer, cancellationToken);
    }

    /// <summary>Sends a request; returns when the head of a successful answer is there. The caller disposes it.</summary>
    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        HttpResponseMessage response;
        try
        {
            response = await _invoker.SendAsync(request, cancellationToken);
        }
        catch (HttpRequestException e) when (e.InnerException is SocketException cause)
        {
            throw DaemonFailures.Unreachable(SocketPath, cause);
        }
        catch (HttpRequestException e)
        {
            throw DaemonFailures.ConnectionLost(SocketPath, e);
        }

        if (response.IsSuccessStatusCode || response.StatusCode is HttpStatusCode.SwitchingProtocols) return response;
        using (response) throw await DaemonFailures.ReadAsync(SocketPath, response, cancellationToken);
    }

    /// <summary>The address of a path of the API; the host name only fills the Host header.</summary>
    public static Uri UriOf(string path) => new("http://vnid" + path);

    /// <inheritdoc />
    public void Dispose() => _invoker.Dispose();

    private async Task<T> ReadAsync<T>(HttpResponseMessage response, JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        using (response)
        {
            try
            {
                await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
                return await JsonSerializer.DeserializeAsync(body, type, cancellationToken) ?? throw new JsonException("the document is null");
            }
            catch (JsonException e)
            {
                throw DaemonFailures.Unreadable(SocketPath, e);
            }
            catch (Exception e) when (e is IOException or HttpRequestException)
            {
                throw DaemonFailures.ConnectionLost(SocketPath, e);
            }
        }
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(_endPoint, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
