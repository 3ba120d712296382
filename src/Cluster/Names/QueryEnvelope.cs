using System.Buffers.Binary;

namespace Vni.Cluster.Names;

/// <summary>What is to be said to a packet before anybody has looked at its question (RFC 1035, section 4.1.1).</summary>
internal enum QueryVerdict
{
    /// <summary>One question, well formed.</summary>
    Good,

    /// <summary>No query at all, such as an answer: to be left without one, or two servers could go on for ever.</summary>
    Ignore,

    /// <summary>A query that breaks the rules: FORMERR.</summary>
    Malformed,

    /// <summary>A query of a kind that we do not have, such as an update: NOTIMP.</summary>
    Unknown,
}

/// <summary>
/// A strict first look at a packet from anybody. Behind it there are only packets with one question whose name is written
/// out in at most 255 bytes, and with at most one record, EDNS's (RFC 6891, section 6.1), that ends exactly where the packet does: no
/// pointers to follow, and no counts to believe.
/// </summary>
/// <param name="Verdict">What it is.</param>
/// <param name="Labels">The name, if it is good.</param>
/// <param name="QuestionEnd">Where the question ends.</param>
/// <param name="PayloadSize">The longest answer that the sender takes by UDP.</param>
/// <param name="HasOptions">Whether it speaks EDNS: its record begins at <see cref="QuestionEnd"/>.</param>
internal readonly record struct QueryEnvelope(QueryVerdict Verdict, string[] Labels, int QuestionEnd, int PayloadSize, bool HasOptions)
{
    /// <summary>Bytes before the question.</summary>
    internal const int HeaderLength = 12;

    /// <summary>The longest query that is read. A name has 255 bytes, and options such as cookies and padding need little.</summary>
    internal const int LongestQuery = 1232;

    /// <summary>What every answer by UDP may have (RFC 1035, section 4.2.1).</summary>
    internal const int LeastPayload = 512;

    /// <summary>More is never sent by UDP: it passes every network unfragmented (DNS flag day 2020), and bounds what a forged sender is sent.</summary>
    internal const int MostPayload = 1232;

    private const int LongestName = 255;
    private const int OptionRecordType = 41;

    /// <summary>Offset of EDNS's payload size in its record: after an empty name and the type.</summary>
    internal const int PayloadOffset = 3;

    private const int OptionRecordLength = 11;

    /// <summary>Whether the name is of the bytes that hostnames are of. Others are allowed (RFC 2181, section 11), and none of ours has them.</summary>
    internal bool IsAscii => Array.TrueForAll(Labels, label => label.All(char.IsAscii));

    /// <summary>Looks at a packet.</summary>
    internal static QueryEnvelope Read(ReadOnlySpan<byte> packet)
    {
        if (packet.Length < HeaderLength || (packet[2] & 0x80) != 0) return Bad(QueryVerdict.Ignore);
        if ((packet[2] & 0x78) != 0) return Bad(QueryVerdict.Unknown);
        if (packet.Length > LongestQuery || Count(packet, 4) != 1 || Count(packet, 6) != 0 || Count(packet, 8) != 0 || Count(packet, 10) > 1) return Bad(QueryVerdict.Malformed);
        var labels = new List<string>(8);
        var at = HeaderLength;
        while (true)
        {
            if (at >= packet.Length) return Bad(QueryVerdict.Malformed);
            int length = packet[at++];
            if (length == 0) break;
            if (length > 63 || at + length >= packet.Length || at + length - HeaderLength >= LongestName) return Bad(QueryVerdict.Malformed);
            labels.Add(string.Create(length, packet.Slice(at, length), static (text, bytes) =>
            {
                for (var i = 0; i < bytes.Length; i++) text[i] = (char)bytes[i];
            }));
            at += length;
        }

        at += 4;
        if (at > packet.Length) return Bad(QueryVerdict.Malformed);
        if (Count(packet, 10) == 0) return at == packet.Length ? new(QueryVerdict.Good, [.. labels], at, LeastPayload, HasOptions: false) : Bad(QueryVerdict.Malformed);
        var record = packet[at..];
        if (record.Length < OptionRecordLength || record[0] != 0 || Count(record, 1) != OptionRecordType || record.Length != OptionRecordLength + Count(record, 9) || !AreOptions(record[OptionRecordLength..]))
            return Bad(QueryVerdict.Malformed);
        return new(QueryVerdict.Good, [.. labels], at, Math.Clamp(Count(record, PayloadOffset), LeastPayload, MostPayload), HasOptions: true);
    }

    /// <summary>Makes of the query at the beginning of the buffer the shortest answer, which has a code and, if that could be read, the question.</summary>
    /// <returns>Its length.</returns>
    internal int Refuse(Span<byte> packet, int code)
    {
        packet[2] = (byte)(0x80 | (packet[2] & 0x79));
        packet[3] = (byte)code;
        packet[4..HeaderLength].Clear();
        if (Verdict is not QueryVerdict.Good) return HeaderLength;
        packet[5] = 1;
        return QuestionEnd;
    }

    private static bool AreOptions(ReadOnlySpan<byte> options)
    {
        while (options.Length >= 4 && options.Length >= 4 + Count(options, 2)) options = options[(4 + Count(options, 2))..];
        return options.IsEmpty;
    }

    private static int Count(ReadOnlySpan<byte> packet, int at) => BinaryPrimitives.ReadUInt16BigEndian(packet[at..]);

    private static QueryEnvelope Bad(QueryVerdict verdict) => new(verdict, [], 0, 0, HasOptions: false);
}
