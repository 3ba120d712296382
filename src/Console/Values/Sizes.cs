using System.Globalization;

namespace Vni.Cli.Values;

/// <summary>Amounts of bytes as people write and read them; all multiples are powers of 1024.</summary>
internal static class Sizes
{
    /// <summary>What is accepted, as the second half of a sentence.</summary>
    public const string Rule = "use bytes or a multiple such as 512M, 1.5G or 64KiB (powers of 1024)";

    private const string Multiples = "KMGTPE";

    /// <summary>Parses <c>512M</c>, <c>1.5G</c>, <c>64KiB</c>, <c>1000</c>; a fraction of a byte is dropped.</summary>
    public static bool TryParse(string text, out long bytes)
    {
        bytes = 0;
        var number = text.AsSpan();
        if (number.EndsWith("iB", StringComparison.OrdinalIgnoreCase))
        {
            number = number[..^2];
            if (number.IsEmpty || PowerOf(number[^1]) == 0) return false;
        }

        var power = number.IsEmpty ? 0 : PowerOf(number[^1]);
        if (power > 0) number = number[..^1];
        else if (number.Length < text.Length) return false;

        if (!decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value)) return false;
        // 2^60 times the largest decimal would overflow; no amount of memory comes near.
        if (value > long.MaxValue) return false;
        for (; power > 0; power--) value *= 1024;
        if (value > long.MaxValue) return false;
        bytes = (long)value;
        return true;
    }

    /// <summary>At most one decimal, and a unit: <c>12.4 MiB</c>; whole bytes below 1024.</summary>
    public static string Format(long bytes)
    {
        if (bytes < 1024) return $"{bytes} B";
        var value = bytes / 1024.0;
        var multiple = 0;
        // 1023.95 would be shown as 1024.0.
        for (; value >= 1023.95 && multiple < Multiples.Length - 1; multiple++) value /= 1024;
        return string.Create(CultureInfo.InvariantCulture, $"{value:0.#} {Multiples[multiple]}iB");
    }

    private static int PowerOf(char unit) => Multiples.IndexOf(char.ToUpperInvariant(unit)) + 1;
}
