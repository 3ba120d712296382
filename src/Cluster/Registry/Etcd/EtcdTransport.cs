using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Vni.Cluster.Registry.Etcd;

/// <summary>One request to one endpoint, over HTTP/1.1: every watch has a connection of its own, and none can hold up another.</summary>
internal sealed class EtcdTransport : IDisposable
{
    // An endpoint whose machine is gone is noticed by TCP within these seconds, also while nothing is asked (a watch).
    private const int KeepAliveSeconds = 5;
    private const int KeepAliveIntervalSeconds = 1;
    private const int KeepAliveProbes = 3;

    private readonly HttpClient _http;
    private readonly TimeProvider _time;
    private readonly TimeSpan _timeout;

    public EtcdTransport(EtcdRegistryOptions options)
    {
        _time = options.Time;
        _timeout = options.RequestTimeout;
        _http = new(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = false, // The registry is within the farm.
            UseCookies = false,
            ConnectTimeout = options.RequestTimeout,
            ConnectCallback = ConnectAsync,
            PooledConnectionIdleTimeout = TimeSpan.FromMinutes(1), // Less than servers wait: an idle connection is ended by us.
            PooledConnectionLifetime = TimeSpan.FromMinutes(10), // A name may get another address.
            SslOptions = options.Tls?.ForClient() ?? new(),
        })
        {
            Timeout = Timeout.InfiniteTimeSpan, // Per attempt, below.
            DefaultRequestVersion = HttpVersion.Version11,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        _http.DefaultRequestHeaders.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        // A member of etcd that is cut off from the others refuses what it could only answer from the past
        // (rpctypes.MetadataRequireLeaderKey, as its JSON gateway passes it on).
        _http.DefaultRequestHeaders.Add("Grpc-Metadata-hasleader", "true");
    }

    /// <summary>Asks and reads the answer.</summary>
    /// <exception cref="AttemptFailedException">No answer, or none that can be used.</exception>
    public async Task<TAnswer> AskAsync<TRequest, TAnswer>(Call<TRequest, TAnswer> call, Uri endpoint, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(_timeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        var body = new JsonBody(call.Body);
        try
        {
            using var response = await SendAsync(endpoint, call.Path, body, either.Token);
            await using var answer = await response.Content.ReadAsStreamAsync(either.Token);
            return await JsonSerializer.DeserializeAsync(answer, call.Answer, either.Token)
                ?? throw new AttemptFailedException("its answer is empty", applied: true);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested) // By the limit, or the handler's own for connecting.
        {
            throw new AttemptFailedException($"no answer within {_timeout.TotalSeconds:0.###} s", body.Sent, e);
        }
        catch (Exception e) when (Broken(e))
        {
            throw new AttemptFailedException(Describe(e), body.Sent, e);
        }
    }

    /// <summary>Opens a stream of answers; only its beginning is limited in time. The caller disposes it.</summary>
    /// <exception cref="AttemptFailedException">It could not be opened.</exception>
    public async Task<HttpResponseMessage> OpenAsync<TRequest, TAnswer>(Call<TRequest, TAnswer> call, Uri endpoint, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(_timeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            return await SendAsync(endpoint, call.Path, new JsonBody(call.Body), either.Token);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested) // By the limit, or the handler's own for connecting.
        {
            throw new AttemptFailedException($"no answer within {_timeout.TotalSeconds:0.###} s", applied: false, e);
        }
        catch (Exception e) when (Broken(e))
        {
            throw new AttemptFailedException(Describe(e), applied: false, e);
        }
    }

    /// <summary>Whether a connection failed, or carried what cannot be read.</summary>
    public static bool Broken(Exception e) => e is HttpRequestException or IOException or JsonException or SocketException;

    /// <summary>The innermost cause, which is the one that says something.</summary>
    public static string Describe(Exception e) => e switch
    {
        JsonException => "its answer cannot be read; look whether something else listens there",
        _ => (e.GetBaseException() is { Message.Length: > 0 } cause ? cause.Message : e.Message).TrimEnd('.'),
    };

    public void Dispose() => _http.Dispose();

    private async Task<HttpResponseMessage> SendAsync(Uri endpoint, string path, JsonBody body, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(endpoint, path)) { Content = body };
        var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        if (response.IsSuccessStatusCode) return response;
        using (response) throw await ServerError.ReadAsync(response, cancellationToken);
    }

    private static async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, KeepAliveSeconds);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, KeepAliveIntervalSeconds);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, KeepAliveProbes);
            await socket.ConnectAsync(context.DnsEndPoint, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}

/// <summary>A request and what answers it.</summary>
/// <param name="Path">One of <see cref="EtcdPaths"/>.</param>
/// <param name="Body">The request, as JSON.</param>
/// <param name="Answer">The answer's form.</param>
/// <param name="Repeatable">Whether it may be carried out twice.</param>
internal sealed record Call<TRequest, TAnswer>(string Path, byte[] Body, JsonTypeInfo<TAnswer> Answer, bool Repeatable)
{
    public Call(string path, TRequest request, JsonTypeInfo<TRequest> form, JsonTypeInfo<TAnswer> answer, bool repeatable)
        : this(path, JsonSerializer.SerializeToUtf8Bytes(request, form), answer, repeatable)
    {
    }
}
