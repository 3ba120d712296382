using System.Text.Json.Serialization.Metadata;

namespace Vni.Actors.Messaging;

/// <summary>A kind of question between nodes: its name in the envelope and the types of question and answer.</summary>
public sealed record PeerKind<TBody, TReply>(string Name, JsonTypeInfo<TBody> Body, JsonTypeInfo<TReply> Reply)
{
    /// <summary>Whether it changes nothing: then a repeated one is asked anew, and no answer is kept for it.</summary>
    public bool IsQuery { get; init; }
}

/// <summary>
/// Questions to other nodes. Delivered at most once; the id makes a repeated one harmless: the receiver answers it with the
/// answer of the first.
/// </summary>
public interface INodeMessenger
{
    /// <summary>Asks a node. A refusal is the <see cref="VniException"/> that the peer threw.</summary>
    /// <param name="node">The member to ask; this node too, which is asked without the network.</param>
    /// <param name="kind">What is asked.</param>
    /// <param name="body">The question.</param>
    /// <param name="id">Names the command, so that it can be repeated; at most 64 letters, digits and hyphens.</param>
    /// <param name="timeout">How long to wait for the answer.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <exception cref="PeerUnreachableException">It was not delivered, and will not be.</exception>
    /// <exception cref="PeerSilentException">Whether it was delivered is not known: no answer came.</exception>
    Task<TReply> AskAsync<TBody, TReply>(string node, PeerKind<TBody, TReply> kind, TBody body, string id, TimeSpan timeout, CancellationToken cancellationToken);

    /// <summary>Sends a stream and waits for the answer to it. Never repeated.</summary>
    /// <param name="node">The member that reads it; not this node.</param>
    /// <param name="kind">What is sent, with the type of its header and of the answer.</param>
    /// <param name="header">What the reader must know first.</param>
    /// <param name="write">Writes the content; what it throws ends the stream as broken, and is thrown here.</param>
    /// <param name="cancellationToken">Ends both.</param>
    /// <exception cref="PeerUnreachableException">The stream was not begun.</exception>
    /// <exception cref="PeerSilentException">It broke, or no answer came.</exception>
    Task<TReply> SendAsync<TBody, TReply>(string node, PeerKind<TBody, TReply> kind, TBody header, Func<Stream, CancellationToken, Task> write, CancellationToken cancellationToken);
}

/// <summary>The node could not be asked: no such member, no connection, or a certificate that is not its own.</summary>
public sealed class PeerUnreachableException(string node, string why, Exception? inner = null) : Exception($"node {node} cannot be reached: {why}", inner)
{
    /// <summary>The node.</summary>
    public string Node { get; } = node;
}

/// <summary>No answer came, in time or at all: what was asked may or may not have been done.</summary>
public sealed class PeerSilentException(string node, string why, Exception? inner = null) : Exception($"node {node} did not answer: {why}", inner)
{
    /// <summary>The node.</summary>
    public string Node { get; } = node;
}

/// <summary>Who asks, as its certificate says (or, where the farm has none, as it claims).</summary>
/// <param name="From">The asking node.</param>
/// <param name="Id">Names the command.</param>
public sealed record PeerContext(string From, string Id);

/// <summary>What this node answers. Handlers are registered before the node listens.</summary>
public interface INodeReceiver
{
    /// <summary>Answers questions of a kind. The token is cancelled when the node stops, not when the asker goes away.</summary>
    void On<TBody, TReply>(PeerKind<TBody, TReply> kind, Func<PeerContext, TBody, CancellationToken, Task<TReply>> answer);

    /// <summary>Reads streams of a kind. The token is cancelled when the sender goes away.</summary>
    void OnStream<TBody, TReply>(PeerKind<TBody, TReply> kind, Func<PeerContext, TBody, Stream, CancellationToken, Task<TReply>> read);
}
