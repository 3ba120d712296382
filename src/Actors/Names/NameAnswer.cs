using System.Net;

namespace Vni.Actors.Names;

/// <summary>What is said to a question (RFC 1035, section 4.1.1; RFC 2308).</summary>
public enum NameStatus
{
    /// <summary>The name exists; without answers it has nothing of the type that was asked for.</summary>
    Exists,

    /// <summary>There is no such name.</summary>
    Missing,

    /// <summary>The question is none that we answer, in one of our zones.</summary>
    Refused,

    /// <summary>The name is in no zone of ours.</summary>
    Outside,

    /// <summary>Ours, but the registry has not been read yet.</summary>
    Unready,
}

/// <param name="Status">What it amounts to.</param>
/// <param name="Answers">Empty unless the name exists and has what was asked for.</param>
/// <param name="Authority">With a negative answer the zone's start, which says how long it may be remembered; else <c>null</c>.</param>
/// <param name="Additional">Addresses of the name servers in <paramref name="Answers"/>.</param>
public sealed record NameAnswer(NameStatus Status, IReadOnlyList<NameRecord> Answers, NameRecord.ZoneStart? Authority = null, IReadOnlyList<NameRecord>? Additional = null)
{
    /// <summary>An answer without records.</summary>
    public static NameAnswer Empty(NameStatus status) => new(status, []);
}

/// <summary>A record of an answer.</summary>
/// <param name="Owner">Labels of the name that it belongs to.</param>
public abstract record NameRecord(IReadOnlyList<string> Owner)
{
    /// <summary>An address: A or AAAA, by its family.</summary>
    public sealed record Address(IReadOnlyList<string> Owner, IPAddress Ip) : NameRecord(Owner);

    /// <summary>The name of an address.</summary>
    public sealed record Pointer(IReadOnlyList<string> Owner, IReadOnlyList<string> Target) : NameRecord(Owner);

    /// <summary>A name server of the zone.</summary>
    public sealed record Server(IReadOnlyList<string> Owner, IReadOnlyList<string> Target) : NameRecord(Owner);

    /// <summary>The start of the zone.</summary>
    /// <param name="Serial">The registry's revision, modulo 2 to the 32nd: it grows with every change (RFC 1982).</param>
    public sealed record ZoneStart(IReadOnlyList<string> Owner, IReadOnlyList<string> PrimaryServer, IReadOnlyList<string> Mailbox, uint Serial) : NameRecord(Owner);

    /// <summary>What is said to a question for everything (HINFO <c>RFC8482</c>): that one has to ask for something.</summary>
    public sealed record Minimal(IReadOnlyList<string> Owner) : NameRecord(Owner);
}
