namespace Vni.Actors.Names;

/// <summary>What somebody wants to know.</summary>
/// <param name="Labels">The name's labels, the most specific first, in whatever case they were written; a label may hold any byte.</param>
/// <param name="Type">A number of <see cref="RecordTypes"/>, or any other (RFC 1035, section 3.2.2).</param>
/// <param name="Class">1: internet.</param>
public sealed record NameQuestion(IReadOnlyList<string> Labels, int Type, int Class = NameQuestion.Internet)
{
    /// <summary>The one class that is answered.</summary>
    public const int Internet = 1;
}

/// <summary>The types of questions and records that matter here (IANA, Domain Name System Parameters).</summary>
public static class RecordTypes
{
    /// <summary>IPv4 address.</summary>
    public const int A = 1;

    /// <summary>Name server of a zone.</summary>
    public const int Ns = 2;

    /// <summary>Start of a zone.</summary>
    public const int Soa = 6;

    /// <summary>Name of an address.</summary>
    public const int Ptr = 12;

    /// <summary>IPv6 address.</summary>
    public const int Aaaa = 28;

    /// <summary>The first of the types that ask for whole zones or mailboxes, which nobody gets: IXFR, AXFR, MAILB, MAILA.</summary>
    public const int FirstTransfer = 251;

    /// <summary>The last of them.</summary>
    public const int LastTransfer = 254;

    /// <summary>Everything about a name.</summary>
    public const int Any = 255;
}
