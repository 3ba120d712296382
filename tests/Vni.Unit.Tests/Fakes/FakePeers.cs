using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Text.Json;
using Vni.Actors;
using Vni.Actors.Messaging;

namespace Vni.Unit.Tests.Fakes;

/// <summary>The wires between nodes of one process: every question passes a node's real dispatcher as an envelope.</summary>
internal sealed class FakePeers
{
    private readonly ConcurrentDictionary<string, PeerDispatcher> _nodes = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<(string From, string To), bool> _cut = new();

    /// <summary>Everything that was asked: who, whom, what.</summary>
    public ConcurrentQueue<(string From, string To, string Kind)> Asked { get; } = new();

    /// <summary>Answers of these kinds are lost on their way back.</summary>
    public ConcurrentDictionary<string, bool> LostAnswers { get; } = new(StringComparer.Ordinal);

    public INodeMessenger Connect(PeerDispatcher dispatcher)
    {
        _nodes[dispatcher.Node] = dispatcher;
        return new Messenger(this, dispatcher);
    }

    public void Disconnect(string node) => _nodes.TryRemove(node, out _);

    public void Cut(string one, string other) => (_cut[(one, other)], _cut[(other, one)]) = (true, true);

    public void Mend(string one, string other)
    {
        _cut.TryRemove((one, other), out _);
        _cut.TryRemove((other, one), out _);
    }

    private PeerDispatcher Find(string from, string to, string kind)
    {
        Asked.Enqueue((from, to, kind));
        return _nodes.TryGetValue(to, out var node) && !_cut.ContainsKey((from, to)) ? node : throw new PeerUnreachableException(to, "the wire is cut");
    }

    private TReply Read<TBody, TReply>(string from, string to, PeerKind<TBody, TReply> kind, PeerReply reply)
    {
        if (_cut.ContainsKey((from, to)) || LostAnswers.ContainsKey(kind.Name)) throw new PeerSilentException(to, "the answer was lost");
        if (reply.Error is { } error) throw new VniException(error.Code, error.Message);
        return reply.Body!.Value.Deserialize(kind.Reply)!;
    }

    private sealed class Messenger(FakePeers peers, PeerDispatcher self) : INodeMessenger
    {
        public async Task<TReply> AskAsync<TBody, TReply>(string node, PeerKind<TBody, TReply> kind, TBody body, string id, TimeSpan timeout, CancellationToken cancellationToken)
        {
            var target = peers.Find(self.Node, node, kind.Name);
            var reply = await target.AnswerAsync(self.Wrap(node, kind, body, id), null).WaitAsync(cancellationToken);
            return peers.Read(self.Node, node, kind, reply);
        }

        public async Task<TReply> SendAsync<TBody, TReply>(
            string node, PeerKind<TBody, TReply> kind, TBody header, Func<Stream, CancellationToken, Task> write, CancellationToken cancellationToken)
        {
            var target = peers.Find(self.Node, node, kind.Name);
            var pipe = new Pipe();
            var reading = target.ReadAsync(self.Wrap(node, kind, header, CommandId.New()), null, pipe.Reader.AsStream(), cancellationToken);
            try
            {
                await using var stream = pipe.Writer.AsStream(leaveOpen: true);
                await write(stream, cancellationToken);
                await pipe.Writer.CompleteAsync();
            }
            catch (Exception e)
            {
                await pipe.Writer.CompleteAsync(new IOException("the stream broke", e));
                await reading;
                throw;
            }

            return peers.Read(self.Node, node, kind, await reading);
        }
    }
}
