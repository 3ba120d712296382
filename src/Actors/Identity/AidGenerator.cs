using System.Text;

namespace Vni.Actors.Identity;

/// <summary>Names for applications that were given none.</summary>
internal static class AidGenerator
{
    private const int SuffixLength = 4;

    /// <summary>The program's name made into a label, a hyphen and four random base-32 digits: <c>redis-server-7k2m</c>.</summary>
    /// <param name="program">First word of the command; a path or a name.</param>
    /// <param name="random">Where the digits come from.</param>
    public static Aid Next(string program, Random random)
    {
        var stem = StemOf(program);
        return Aid.Parse($"{(stem.Length == 0 ? "app" : stem)}-{Base32.Encode(random.NextInt64(), SuffixLength)}");
    }

    /// <summary>A program's name made into a label that leaves room for a hyphen and four characters; empty if nothing is left of it.</summary>
    public static string StemOf(string program)
    {
        var label = new StringBuilder();
        foreach (var c in program[(program.TrimEnd('/').LastIndexOf('/') + 1)..].ToLowerInvariant())
        {
            if (label.Length == 63 - 1 - SuffixLength) break;
            if (char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c)) label.Append(c);
            else if (label.Length > 0 && label[^1] != '-') label.Append('-');
        }

        return label.ToString().Trim('-');
    }
}
