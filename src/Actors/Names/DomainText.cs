using System.Diagnostics.CodeAnalysis;
using Vni.Actors.Identity;

namespace Vni.Actors.Names;

/// <summary>Domains as configurations have them.</summary>
public static class DomainText
{
    /// <summary>What is accepted, as the second half of a sentence.</summary>
    public const string Rule = "write one or more labels joined by dots, such as vni.internal; each has 1 to 63 lower-case letters, digits and hyphens, with no hyphen at either end, and all together 180 characters at most";

    /// <summary>Leaves room for a hostname (63) and the dot before the domain within the 255 bytes of a name (RFC 1035, section 2.3.4).</summary>
    private const int Longest = 180;

    /// <summary>Whether <paramref name="text"/> is a domain in lower case.</summary>
    public static bool IsValid([NotNullWhen(true)] string? text) => text is { Length: >= 1 and <= Longest } && text.Split('.').All(DnsLabel.IsValid);

    /// <summary>The full name of a host: <c>shop.vni.internal</c>.</summary>
    public static string FullName(string hostname, string domain) => $"{hostname}.{domain}";
}
