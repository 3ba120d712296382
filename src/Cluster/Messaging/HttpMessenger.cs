using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Vni.Actors;
using Vni.Actors.Messages;
using Vni.Actors.Messaging;
using Vni.Actors.Security;

namespace Vni.Cluster.Messaging;

/// <summary>
/// Questions over HTTP/2, streams over connections of their own, with mutual TLS. A peer is whoever holds the certificate of a
/// node of that name, wherever it answers. Nothing is repeated: the caller, who knows the command's id, decides.
/// </summary>
public sealed class HttpMessenger : INodeMessenger, IDisposable
{
    private readonly HttpMessengerOptions _options;
    private readonly HttpMessageInvoker _asks;
    private readonly PeerStreams _streams;

    /// <param name="options">What it needs.</param>
    public HttpMessenger(HttpMessengerOptions options)
    {
        _options = options;
        var connections = new PeerConnections(options);

        // A connection that says nothing is given up soon, because every question that follows would be sent into the same hole.
        _asks = connections.Create(TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(4));
        _streams = new PeerStreams(options, connections);
    }

    private string Node => _options.Self.Node;

    /// <inheritdoc />
    public async Task<TReply> AskAsync<TBody, TReply>(
        string node, PeerKind<TBody, TReply> kind, TBody body, string id, TimeSpan timeout, CancellationToken cancellationToken)
    {
        if (!CommandId.IsValid(id)) throw new VniException(ErrorCodes.InvalidArgument, $"a command's id is not valid: {CommandId.Rule}");
        var envelope = _options.Self.Wrap(node, kind, body, id);
        using var patience = new CancellationTokenSource(timeout, _options.Time);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        if (node == Node) return await AskSelfAsync(envelope, kind, ended.Token, cancellationToken);

        using var content = new AskContent(JsonSerializer.SerializeToUtf8Bytes(envelope, PeerJson.Default.PeerEnvelope));
        try
        {
            using var response = await _asks.SendAsync(RequestTo(node, content), ended.Token);
            return await ReadAsync(response, kind.Reply, ended.Token);
        }
        catch (Exception e) when (IsOfConnection(e))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var why = patience.IsCancellationRequested ? $"no answer within {timeout.TotalSeconds:0.###} s" : Why(e);
            throw content.Withdraw() ? new PeerUnreachableException(node, why, e) : new PeerSilentException(node, why, e);
        }
    }

    /// <inheritdoc />
    public async Task<TReply> SendAsync<TBody, TReply>(
        string node, PeerKind<TBody, TReply> kind, TBody header, Func<Stream, CancellationToken, Task> write, CancellationToken cancellationToken)
    {
        if (node == Node) throw new InvalidOperationException($"node {node} would send itself a stream of kind '{kind.Name}'");
        var frame = PeerWire.Frame(_options.Self.Wrap(node, kind, header, CommandId.New()));
        var reply = await _streams.SendAsync(node, frame, write, cancellationToken);
        try
        {
            return Open(reply, kind.Reply);
        }
        catch (Exception e) when (IsOfConnection(e))
        {
            throw new PeerSilentException(node, Why(e), e);
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _asks.Dispose();
        _streams.Dispose();
    }

    private async Task<TReply> AskSelfAsync<TBody, TReply>(PeerEnvelope envelope, PeerKind<TBody, TReply> kind, CancellationToken ended, CancellationToken cancellationToken)
    {
        try
        {
            var reply = await _options.Self.AnswerAsync(envelope, new PeerIdentity(Node, PeerRole.Node)).WaitAsync(ended);
            return Open(reply, kind.Reply);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new PeerSilentException(Node, "it stops, or takes too long", e);
        }
    }

    private HttpRequestMessage RequestTo(string node, AskContent content)
    {
        var endpoint = _options.Endpoint(node) ?? throw new PeerUnreachableException(node, "it is no member of the farm, or does not listen");
        var port = endpoint[(endpoint.LastIndexOf(':') + 1)..];

        return new HttpRequestMessage(HttpMethod.Post, new Uri($"{(_options.Tls is null ? "http" : "https")}://{PeerConnections.HostOf(node)}:{port}{PeerWire.AsksPath}"))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = content,
        };
    }

    private static async Task<TReply> ReadAsync<TReply>(HttpResponseMessage response, JsonTypeInfo<TReply> type, CancellationToken cancellationToken)
    {
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        var json = await PeerWire.ReadToEndAsync(body, PeerWire.MaximumReply, cancellationToken);
        if (response.IsSuccessStatusCode) return Open(JsonSerializer.Deserialize(json.Span, PeerJson.Default.PeerReply), type);
        var error = JsonSerializer.Deserialize(json.Span, VniJson.Default.ErrorView)?.Error ?? throw new InvalidDataException($"status {(int)response.StatusCode}");
        throw error.ToException();
    }

    private static TReply Open<TReply>(PeerReply? reply, JsonTypeInfo<TReply> type)
    {
        if (reply?.Error is { } error) throw error.ToException();
        if (reply?.Format != PeerEnvelope.CurrentFormat) throw new InvalidDataException($"the answer's format is {reply?.Format}, and this version of vnid reads format {PeerEnvelope.CurrentFormat}");
        return reply.Body is { } body && body.Deserialize(type) is { } answer ? answer : throw new InvalidDataException("the answer has no body");
    }

    /// <summary>Whether it comes of the connection or of what came over it.</summary>
    internal static bool IsOfConnection(Exception e) =>
        e is HttpRequestException or IOException or OperationCanceledException or JsonException or InvalidDataException;

    /// <summary>The innermost sentence, which names the cause; the outer ones say that sending a request failed.</summary>
    internal static string Why(Exception e)
    {
        while (e.InnerException is { } inner) e = inner;
        return e.Message.TrimEnd('.');
    }
}
