using System.Collections.Concurrent;
using Vni.Actors.Identity;
using Vni.Actors.Messaging;
using Vni.Actors.Nodes;

namespace Vni.Actors.Farms;

/// <summary>
/// Brings a command to an application wherever its actor is [K1]. Where it was found last is remembered; a node that has it
/// no more says where it is. Nothing is broadcast, and the registry is asked by the node that is asked first, once.
/// </summary>
/// <param name="node">This node.</param>
/// <param name="messenger">To others.</param>
internal sealed class ShardRouter(string node, INodeMessenger messenger)
{
    /// <summary>An application that moves faster than its commands follow is given up on.</summary>
    private const int MaxHops = 8;

    /// <summary>Places remembered; more are forgotten, all at once.</summary>
    private const int MaxPlaces = 100_000;

    private readonly ConcurrentDictionary<Aid, string> _places = new();

    /// <summary>Asks the application's actor.</summary>
    /// <param name="aid">The application.</param>
    /// <param name="kind">How it is asked elsewhere.</param>
    /// <param name="body">What is asked.</param>
    /// <param name="here">How it is asked here.</param>
    /// <param name="timeout">How long to wait for another node's answer.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public async Task<TView> AskAsync<TBody, TView>(
        Aid aid, PeerKind<ToApplication<TBody>, Routed<TView>> kind, TBody body, Func<Task<TView>> here, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var id = CommandId.New();
        var place = _places.GetValueOrDefault(aid) ?? node;
        for (var hop = 1; ; hop++)
        {
            try
            {
                if (place == node)
                {
                    var answer = await here();
                    _places.TryRemove(aid, out _);
                    return answer;
                }

                var reply = await messenger.AskAsync(place, kind, new ToApplication<TBody>(aid, body), id, timeout, cancellationToken);
                if (reply.Elsewhere is null)
                {
                    Remember(aid, place);
                    return reply.Value!;
                }

                place = Next(aid, place, reply.Elsewhere, hop);
            }
            catch (ElsewhereException e)
            {
                place = Next(aid, place, e.Node, hop);
            }
            catch (PeerUnreachableException) when (_places.TryRemove(aid, out _) && hop < MaxHops)
            {
                place = node; // What was remembered may be of old: the registry knows.
            }
        }
    }

    private string Next(Aid aid, string from, string to, int hop)
    {
        if (hop >= MaxHops || from == to)
            throw new VniException(ErrorCodes.Conflict, $"application {aid} could not be found: node {from} says that it is on {to}, and so on {hop} times; try again in a moment");
        Remember(aid, to);
        return to;
    }

    private void Remember(Aid aid, string place)
    {
        if (_places.Count >= MaxPlaces) _places.Clear();
        _places[aid] = place;
    }
}
