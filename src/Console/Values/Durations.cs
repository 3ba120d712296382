using System.Globalization;

namespace Vni.Cli.Values;

/// <summary>Lengths of time as people write them.</summary>
internal static class Durations
{
    /// <summary>What is accepted, as the second half of a sentence.</summary>
    public const string Rule = "use seconds, or a number with ms, s, m, h or d, such as 90s or 5m";

    // Ten thousand days, in seconds.
    private const decimal Most = 10_000 * 86400m;

    private static readonly (string Unit, double Seconds)[] s_units = [("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600), ("d", 86400)];

    /// <summary>Parses <c>90</c>, <c>90s</c>, <c>1.5h</c>; not longer than ten thousand days.</summary>
    public static bool TryParse(string text, out double seconds)
    {
        var (unit, factor) = s_units.FirstOrDefault(u => text.EndsWith(u.Unit, StringComparison.Ordinal), ("", 1));
        var good = decimal.TryParse(text.AsSpan(0, text.Length - unit.Length), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
            && number <= Most / (decimal)factor;
        seconds = good ? (double)(number * (decimal)factor) : 0;
        return good;
    }

    /// <summary>In the largest unit that leaves a whole number: <c>5m</c>, <c>90s</c>, <c>0.5s</c>.</summary>
    public static string Format(double seconds)
    {
        var (unit, factor) = s_units.Where(u => u.Seconds >= 1).Reverse().FirstOrDefault(u => seconds % u.Seconds == 0, ("s", 1));
        return string.Create(CultureInfo.InvariantCulture, $"{seconds / factor:0.###}{unit}");
    }
}
