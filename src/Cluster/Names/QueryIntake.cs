using System.Net;
using Vni.Actors.Names;

namespace Vni.Cluster.Names;

/// <summary>What becomes of a packet before the zone is asked. Both transports put theirs through it.</summary>
internal sealed class QueryIntake(ZoneAnswers zone, Forwarder forwarder)
{
    private const int FormatError = 1, ServerFailure = 2, NoSuchName = 3, NotImplemented = 4, Refused = 5;

    /// <summary>Whether the packet is for the zone, or for somebody else's, or what is to be sent at once.</summary>
    /// <param name="packet">Holds the packet; it may be overwritten by its answer.</param>
    /// <param name="offset">Where it begins.</param>
    /// <param name="length">Bytes of it.</param>
    /// <param name="client">Who sent it.</param>
    /// <param name="envelope">What it is.</param>
    /// <param name="answerLength">Length of the answer in <paramref name="packet"/>, where that is what to do; 0: none is given.</param>
    internal QueryFate Look(byte[] packet, int offset, int length, IPAddress client, out QueryEnvelope envelope, out int answerLength)
    {
        envelope = QueryEnvelope.Read(packet.AsSpan(offset, length));
        answerLength = envelope.Verdict switch
        {
            QueryVerdict.Malformed => envelope.Refuse(packet.AsSpan(offset), FormatError),
            QueryVerdict.Unknown => envelope.Refuse(packet.AsSpan(offset), NotImplemented),
            _ => 0,
        };
        if (envelope.Verdict is not QueryVerdict.Good) return QueryFate.Settled;

        // A question that does not desire recursion is about what we know ourselves.
        var ours = zone.Covers(envelope.Labels);
        if (!ours && (packet[offset + 2] & 0x01) != 0 && forwarder.Serves(client)) return QueryFate.Others;

        // The library would repeat other bytes as question marks, and so answer another question.
        if (envelope.IsAscii) return QueryFate.Ours;
        answerLength = envelope.Refuse(packet.AsSpan(offset), ours ? NoSuchName : Refused);
        return QueryFate.Settled;
    }

    /// <summary>Somebody else's answer, or that there is none.</summary>
    internal async Task<ReadOnlyMemory<byte>> ForwardAsync(byte[] packet, int offset, int length, QueryEnvelope envelope, bool stream, CancellationToken cancellationToken)
    {
        var query = packet.AsMemory(offset, length);
        if (await forwarder.AskAsync(query, envelope, stream, cancellationToken) is { } answer) return answer;
        return packet.AsMemory(offset, envelope.Refuse(packet.AsSpan(offset), ServerFailure));
    }
}

/// <summary>What becomes of a packet.</summary>
internal enum QueryFate
{
    /// <summary>The zone answers.</summary>
    Ours,

    /// <summary>It is forwarded.</summary>
    Others,

    /// <summary>It has its answer, or gets none.</summary>
    Settled,
}
