using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Vni.Actors.Identity;

/// <summary>One label of a domain name (RFC 1123, section 2.1): the form of application names and virtual hostnames.</summary>
public static class DnsLabel
{
    /// <summary>What is accepted, as the second half of a sentence.</summary>
    public const string Rule = "use 1 to 63 lower-case letters, digits and hyphens, with no hyphen at either end";

    /// <summary>Whether <paramref name="text"/> is a label in lower case.</summary>
    public static bool IsValid([NotNullWhen(true)] string? text)
    {
        if (text is not { Length: >= 1 and <= 63 } || text[0] == '-' || text[^1] == '-') return false;
        foreach (var c in text)
        {
            if (!(char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-')) return false;
        }

        return true;
    }

    /// <summary>Quotes any text for an error message: control characters escaped, cut after 80 characters.</summary>
    public static string Quote(string? text)
    {
        if (text is null) return "(none)";
        var quoted = new StringBuilder("'");
        foreach (var c in text.Length > 80 ? text[..80] : text)
        {
            if (char.IsControl(c) || char.IsSurrogate(c)) quoted.Append($"\\u{(int)c:x4}");
            else quoted.Append(c);
        }

        return quoted.Append(text.Length > 80 ? $"…' ({text.Length} characters)" : "'").ToString();
    }
}
