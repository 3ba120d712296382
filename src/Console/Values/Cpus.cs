using System.Globalization;

namespace Vni.Cli.Values;

/// <summary>Processors' worth of time.</summary>
internal static class Cpus
{
    /// <summary>What is accepted, as the second half of a sentence.</summary>
    public const string Rule = "use a number of processors from 0.01 on, such as 2 or 1.5";

    /// <summary>Parses a plain decimal number of at least 0.01.</summary>
    public static bool TryParse(string text, out double cpus) =>
        double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out cpus) && cpus >= 0.01 && double.IsFinite(cpus);

    /// <summary>Without needless digits: <c>2</c>, <c>1.5</c>.</summary>
    public static string Format(double cpus) => cpus.ToString("0.##", CultureInfo.InvariantCulture);
}
