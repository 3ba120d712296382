using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.Logging;
using Vni.Actors.Identity;
using Vni.Actors.Messages;
using Vni.Actors.Registry;
using Vni.Actors.Security;

namespace Vni.Actors.Messaging;

/// <summary>
/// Answers what other nodes ask of this one, or refuses it. Nothing of a refused envelope has been done.
/// </summary>
/// <remarks>
/// What stands between a member and a command that is done twice: TLS keeps recorded messages from being sent again; ids are remembered for
/// <see cref="RecentCommands{T}.MaximumAge"/>; and an envelope counts only as long as its id is sure to be remembered, that is when
/// the sender's clock and ours differ by at most half of that. Clocks that differ more are an error of the machines that has to be
/// put right, and is named as such.
/// </remarks>
public sealed class PeerDispatcher : INodeReceiver
{
    /// <summary>Most that <see cref="PeerEnvelope.Sent"/> may differ from our clock, either way.</summary>
    public static readonly TimeSpan MaximumClockDifference = RecentCommands<PeerReply>.MaximumAge / 2;

    private readonly string _farm;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly CancellationToken _stopping;
    private readonly Dictionary<string, Question> _questions = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Func<PeerContext, JsonElement, Stream, CancellationToken, Task<PeerReply>>> _streams = new(StringComparer.Ordinal);
    private readonly RecentCommands<PeerReply> _recent;

    /// <param name="farm">The farm that this node belongs to.</param>
    /// <param name="node">This node.</param>
    /// <param name="time">Time.</param>
    /// <param name="log">Where defects of handlers are written.</param>
    /// <param name="stopping">Cancelled when the node stops: what is being answered then is given up.</param>
    public PeerDispatcher(string farm, string node, TimeProvider time, ILogger<PeerDispatcher> log, CancellationToken stopping = default)
    {
        (_farm, Node, _time, _log, _stopping) = (farm, node, time, log, stopping);
        _recent = new(time, reply => reply.Body is { } body ? Encoding.UTF8.GetByteCount(body.GetRawText()) : 0);
    }

    /// <summary>This node.</summary>
    public string Node { get; }

    /// <inheritdoc />
    public void On<TBody, TReply>(PeerKind<TBody, TReply> kind, Func<PeerContext, TBody, CancellationToken, Task<TReply>> answer) =>
        _questions.Add(kind.Name, new(kind.IsQuery, (context, body) =>
            ReplyAsync(context, kind, body, question => answer(context, question, _stopping), _stopping)));

    /// <inheritdoc />
    public void OnStream<TBody, TReply>(PeerKind<TBody, TReply> kind, Func<PeerContext, TBody, Stream, CancellationToken, Task<TReply>> read) =>
        _streams.Add(kind.Name, (context, header, content, cancellation) =>
            ReplyAsync(context, kind, header, known => read(context, known, content, cancellation), cancellation));

    /// <summary>Answers a question; a command that was answered before gets the same answer.</summary>
    /// <param name="envelope">The question.</param>
    /// <param name="caller">Who asks, as the certificate says; <c>null</c>: the farm has no certificates.</param>
    /// <exception cref="VniException">Refused: not for this node, not from whom it says, or not understood.</exception>
    /// <exception cref="OperationCanceledException">This node stops; whether it was done is not known.</exception>
    public Task<PeerReply> AnswerAsync(PeerEnvelope envelope, PeerIdentity? caller)
    {
        var context = Check(envelope, caller);
        if (!_questions.TryGetValue(envelope.Kind, out var question)) throw UnknownKind(envelope);
        return question.IsQuery
            ? question.Answer(context, envelope.Body)
            : _recent.DoAsync(context.From, context.Id, Digest(envelope), () => question.Answer(context, envelope.Body));
    }

    /// <summary>Reads a stream; one that was read before gets the same answer, unread.</summary>
    /// <param name="header">What came before the content.</param>
    /// <param name="caller">Who sends, as the certificate says; <c>null</c>: the farm has no certificates.</param>
    /// <param name="content">Throws where the stream is broken.</param>
    /// <param name="cancellationToken">Cancelled when the sender goes away.</param>
    /// <exception cref="VniException">Refused: not for this node, not from whom it says, or not understood.</exception>
    public Task<PeerReply> ReadAsync(PeerEnvelope header, PeerIdentity? caller, Stream content, CancellationToken cancellationToken)
    {
        var context = Check(header, caller);
        if (!_streams.TryGetValue(header.Kind, out var read)) throw UnknownKind(header);
        return _recent.DoAsync(context.From, context.Id, Digest(header), () => read(context, header.Body, content, cancellationToken));
    }

    /// <summary>An envelope from this node.</summary>
    public PeerEnvelope Wrap<TBody, TReply>(string to, PeerKind<TBody, TReply> kind, TBody body, string id) => new()
    {
        Format = PeerEnvelope.CurrentFormat,
        Id = id,
        Farm = _farm,
        From = Node,
        To = to,
        Kind = kind.Name,
        Sent = _time.GetUtcNow(),
        Body = JsonSerializer.SerializeToElement(body, kind.Body),
    };

    private PeerContext Check(PeerEnvelope envelope, PeerIdentity? caller)
    {
        if (envelope.Format != PeerEnvelope.CurrentFormat)
        {
            throw Refused(ErrorCodes.Incompatible, envelope,
                $"its format is {envelope.Format}, and this version of vnid reads format {PeerEnvelope.CurrentFormat}: install the same version on both nodes");
        }

        if (caller is not null && caller.Role != PeerRole.Node)
            throw Refused(ErrorCodes.Forbidden, envelope, $"the certificate is that of '{caller.Name}', which is no node: only nodes speak to nodes");
        if (!DnsLabel.IsValid(envelope.From)) throw Refused(ErrorCodes.InvalidArgument, envelope, "it does not say which node it comes from");
        if (caller is not null && caller.Name != envelope.From)
            throw Refused(ErrorCodes.Forbidden, envelope, $"it came with the certificate of node '{caller.Name}'");
        if (envelope.Farm != _farm)
            throw Refused(ErrorCodes.Forbidden, envelope, $"it is for farm {DnsLabel.Quote(envelope.Farm)}, and node '{Node}' belongs to farm '{_farm}': set the same 'farm' on all nodes");
        if (envelope.To != Node)
            throw Refused(ErrorCodes.Conflict, envelope, $"it is for node {DnsLabel.Quote(envelope.To)}, and this is node '{Node}': two nodes announce the same address");
        if (!CommandId.IsValid(envelope.Id)) throw Refused(ErrorCodes.InvalidArgument, envelope, $"its id {DnsLabel.Quote(envelope.Id)} is not valid: {CommandId.Rule}");
        var difference = _time.GetUtcNow() - envelope.Sent;
        if (difference.Duration() > MaximumClockDifference)
        {
            throw Refused(ErrorCodes.Conflict, envelope,
                $"it was sent at {envelope.Sent.ToUniversalTime():yyyy-MM-dd HH:mm:ss} UTC by that node's clock, and here it is {_time.GetUtcNow():yyyy-MM-dd HH:mm:ss}: set both clocks, they may differ by {MaximumClockDifference.TotalMinutes} minutes");
        }

        return new(envelope.From, envelope.Id);
    }

    private async Task<PeerReply> ReplyAsync<TBody, TReply>(
        PeerContext context, PeerKind<TBody, TReply> kind, JsonElement body, Func<TBody, Task<TReply>> answer, CancellationToken stopping)
    {
        try
        {
            var given = await answer(Parse(body, kind.Body, kind.Name));
            return new() { Format = PeerEnvelope.CurrentFormat, Body = JsonSerializer.SerializeToElement(given, kind.Reply) };
        }
        catch (Exception e) when (!stopping.IsCancellationRequested || e is VniException)
        {
            return new() { Format = PeerEnvelope.CurrentFormat, Error = Explain(e, context, kind.Name) };
        }
    }

    private ErrorBody Explain(Exception e, PeerContext context, string kind)
    {
        switch (e)
        {
            case VniException known:
                return ErrorBody.Of(known);
            case PeerUnreachableException or PeerSilentException:
                return new(ErrorCodes.DaemonUnavailable, e.Message);
            case RegistryUnavailableException:
                return new(ErrorCodes.RegistryUnavailable, e.Message);
            default:
                _log.QuestionFailed(e, kind, context.From, context.Id);
                return new(ErrorCodes.Internal, $"node {Node} met a defect ({e.GetType().Name}); its log has the details");
        }
    }

    private static T Parse<T>(JsonElement body, JsonTypeInfo<T> type, string kind)
    {
        try
        {
            if (body.ValueKind != JsonValueKind.Undefined && body.Deserialize(type) is { } parsed) return parsed;
        }
        catch (JsonException e)
        {
            throw new VniException(ErrorCodes.InvalidArgument, $"the body of a message of kind '{kind}' is not valid: {e.Message.Split(" LineNumber:")[0].TrimEnd('.')}", e);
        }

        throw new VniException(ErrorCodes.InvalidArgument, $"a message of kind '{kind}' has no body");
    }

    /// <summary>What a command is, for telling it from another of the same id.</summary>
    private static string Digest(PeerEnvelope envelope)
    {
        var body = envelope.Body.ValueKind == JsonValueKind.Undefined ? "" : envelope.Body.GetRawText();
        return $"{envelope.Kind} {Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(body)))}";
    }

    private VniException UnknownKind(PeerEnvelope envelope) =>
        Refused(ErrorCodes.Incompatible, envelope, $"its kind {DnsLabel.Quote(envelope.Kind)} is not known to node '{Node}': install the same version of vnid on both nodes");

    private static VniException Refused(string code, PeerEnvelope envelope, string why) =>
        new(code, $"the message that says to come from node {DnsLabel.Quote(envelope.From)} is refused: {why}");

    private sealed record Question(bool IsQuery, Func<PeerContext, JsonElement, Task<PeerReply>> Answer);
}
