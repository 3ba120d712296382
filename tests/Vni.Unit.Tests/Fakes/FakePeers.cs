using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Text.Json;
using Vni.Actors;
using Vni.Actors.Messaging;

namespace Vni.Unit.Tests.Fakes;

/// <summary>The wires between nodes of one process: every question passes a node's real dispatcher as an envelope.</summary>
internal sealed class FakePeers
{
    private readonly ConcurrentDictionary<string, Daemon> _nodes = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<(string From, string To), bool> _cut = new();

    /// <summary>Everything that was asked: who, whom, what.</summary>
    public ConcurrentQueue<(string From, string To, string Kind)> Asked { get; } = new();

    /// <summary>Questions of these kinds are lost on their way; nobody knows.</summary>
    public ConcurrentDictionary<string, bool> LostQuestions { get; } = new(StringComparer.Ordinal);

    /// <summary>Answers of these kinds are lost on their way back.</summary>
    public ConcurrentDictionary<string, bool> LostAnswers { get; } = new(StringComparer.Ordinal);

    /// <summary>One life of a daemon comes to the wires, in place of the node's former one.</summary>
    public INodeMessenger Connect(PeerDispatcher dispatcher, Faults faults, TimeProvider time)
    {
        var daemon = new Daemon(dispatcher, faults, time);
        _nodes[dispatcher.Node] = daemon;
        return new Messenger(this, daemon);
    }

    public void Cut(string one, string other) => (_cut[(one, other)], _cut[(other, one)]) = (true, true);

    public void Mend(string one, string other)
    {
        _cut.TryRemove((one, other), out _);
        _cut.TryRemove((other, one), out _);
    }

    private Daemon Find(string from, string to, string kind)
    {
        Asked.Enqueue((from, to, kind));
        if (!_nodes.TryGetValue(to, out var node) || node.Faults.Dead || _cut.ContainsKey((from, to))) throw new PeerUnreachableException(to, "the wire is cut");
        return LostQuestions.ContainsKey(kind) ? throw new PeerSilentException(to, "the question was lost") : node;
    }

    private TReply Read<TBody, TReply>(Daemon from, Daemon to, PeerKind<TBody, TReply> kind, PeerReply reply)
    {
        var node = to.Dispatcher.Node;
        if (to.Faults.Dead || _cut.ContainsKey((from.Dispatcher.Node, node)) || LostAnswers.ContainsKey(kind.Name)) throw new PeerSilentException(node, "the answer was lost");
        if (reply.Error is { } error) throw error.ToException();
        return reply.Body!.Value.Deserialize(kind.Reply)!;
    }

    private sealed record Daemon(PeerDispatcher Dispatcher, Faults Faults, TimeProvider Time);

    private sealed class Messenger(FakePeers peers, Daemon self) : INodeMessenger
    {
        public async Task<TReply> AskAsync<TBody, TReply>(string node, PeerKind<TBody, TReply> kind, TBody body, string id, TimeSpan timeout, CancellationToken cancellationToken)
        {
            await self.Faults.StepAsync($"ask:{kind.Name}");
            var target = peers.Find(self.Dispatcher.Node, node, kind.Name);
            try
            {
                var reply = await target.Dispatcher.AnswerAsync(self.Dispatcher.Wrap(node, kind, body, id), null).WaitAsync(timeout, self.Time, cancellationToken);
                await self.Faults.StepAsync($"answered:{kind.Name}");
                return peers.Read(self, target, kind, reply);
            }
            catch (Exception e) when (e is TimeoutException || target.Faults.Dead)
            {
                throw new PeerSilentException(node, "it gave no answer in time", e);
            }
        }

        public async Task<TReply> SendAsync<TBody, TReply>(
            string node, PeerKind<TBody, TReply> kind, TBody header, Func<Stream, CancellationToken, Task> write, CancellationToken cancellationToken)
        {
            await self.Faults.StepAsync($"send:{kind.Name}");
            var target = peers.Find(self.Dispatcher.Node, node, kind.Name);
            var pipe = new Pipe();
            var reading = target.Dispatcher.ReadAsync(self.Dispatcher.Wrap(node, kind, header, CommandId.New()), null, pipe.Reader.AsStream(), cancellationToken);
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

            var reply = await reading;
            await self.Faults.StepAsync($"sent:{kind.Name}");
            return peers.Read(self, target, kind, reply);
        }
    }
}
