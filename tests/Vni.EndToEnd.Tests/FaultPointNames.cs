using System.Text.RegularExpressions;
using Vni.EndToEnd.Tests.Farming;

namespace Vni.EndToEnd.Tests;

/// <summary>Where the daemon can be told to die: every <c>FaultPoints.Reach("name")</c> in the product's source.</summary>
internal static partial class FaultPointNames
{
    public static IReadOnlyList<string> All { get; } =
    [
        .. Directory.EnumerateFiles(Path.Combine(Repository.Root, "src"), "*.cs", SearchOption.AllDirectories)
            .SelectMany(file => Call().Matches(File.ReadAllText(file)).Select(m => m.Groups[1].Value))
            .Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal),
    ];

    [GeneratedRegex("FaultPoints\\.Reach\\(\"([a-z:-]+)\"\\)")]
    private static partial Regex Call();
}
