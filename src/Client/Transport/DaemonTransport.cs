using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Vni.Actors;
using Vni.Actors.Messaging;

namespace Vni.Client.Transport;

/// <summary>
/// Requests to one daemon, or to the first of several that answers; who answered is asked first from then on. Every failure leaves as a
/// <see cref="VniException"/> with the daemon's code.
/// </summary>
/// <remarks>
/// What certainly was not delivered is sent to the next daemon, and so is a question whose answer was lost. A command whose answer
/// was lost is repeated once to the same daemon, which knows it by its id and does it once; another would not.
/// </remarks>
internal sealed class DaemonTransport : IDisposable
{
    private const string CommandHeader = "Vni-Command-Id";
    private readonly IReadOnlyList<DaemonEndpoint> _endpoints;
    private int _current;

    /// <exception cref="VniException">The path is empty or longer than <c>sun_path</c> holds, 107 bytes (unix(7)).</exception>
    public DaemonTransport(string socketPath)
        : this([DaemonEndpoint.OfSocket(socketPath)])
    {
    }

    /// <param name="endpoints">At least one; owned.</param>
    public DaemonTransport(IReadOnlyList<DaemonEndpoint> endpoints) => _endpoints = endpoints;

    /// <summary>Path or address of the daemon that is asked, for messages.</summary>
    public string SocketPath => _endpoints[Volatile.Read(ref _current)].Name;

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
        if (request.Method != HttpMethod.Get) request.Headers.Add(CommandHeader, CommandId.New());
        var first = Volatile.Read(ref _current);
        var index = first;
        var repeated = false;
        while (true)
        {
            var endpoint = _endpoints[index];
            try
            {
                var response = await endpoint.SendAsync(Copy(request), cancellationToken);
                Volatile.Write(ref _current, index);
                if (response.IsSuccessStatusCode || response.StatusCode is HttpStatusCode.SwitchingProtocols) return response;
                using (response) throw await DaemonFailures.ReadAsync(endpoint.Name, response, cancellationToken);
            }
            catch (Exception e) when (IsUndelivered(e, cancellationToken))
            {
                if (repeated) throw DaemonFailures.ConnectionLost(endpoint.Name, e); // What was sent before may have been done.
                index = (index + 1) % _endpoints.Count;
                if (index == first) throw DaemonFailures.Unreachable(endpoint, _endpoints.Count, e);
            }
            catch (HttpRequestException e)
            {
                if (IsQuestion(request) && (index + 1) % _endpoints.Count != first) index = (index + 1) % _endpoints.Count;
                else if (!IsQuestion(request) && request.Headers.Upgrade.Count == 0 && !repeated) repeated = true;
                else throw DaemonFailures.ConnectionLost(endpoint.Name, e);
            }
        }
    }

    /// <summary>The address of a path of the API; the host name only fills the Host header.</summary>
    public static Uri UriOf(string path) => new("http://vnid" + path);

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (var endpoint in _endpoints) endpoint.Dispose();
    }

    private static bool IsQuestion(HttpRequestMessage request) => request.Method == HttpMethod.Get && request.Headers.Upgrade.Count == 0;

    /// <summary>No connection came about: the name, the network, the certificate, or nobody took it in time.</summary>
    private static bool IsUndelivered(Exception e, CancellationToken cancellationToken) => e switch
    {
        HttpRequestException { InnerException: SocketException } or HttpRequestException
        {
            HttpRequestError: HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError or HttpRequestError.SecureConnectionError
        } => true,
        OperationCanceledException { InnerException: TimeoutException } => !cancellationToken.IsCancellationRequested,
        _ => false,
    };

    /// <summary>A message is sent once; what it carries can be sent again.</summary>
    private static HttpRequestMessage Copy(HttpRequestMessage request)
    {
        var copy = new HttpRequestMessage(request.Method, request.RequestUri) { Content = request.Content };
        foreach (var (name, values) in request.Headers) copy.Headers.TryAddWithoutValidation(name, values);
        return copy;
    }

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
}
