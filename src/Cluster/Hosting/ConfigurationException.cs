namespace Vni.Cluster.Hosting;

/// <summary>All that is wrong with a configuration.</summary>
/// <param name="problems">One sentence each, with its position.</param>
internal sealed class ConfigurationException(IReadOnlyList<string> problems) : Exception(string.Join('\n', problems))
{
    /// <summary>One sentence each, with its position.</summary>
    internal IReadOnlyList<string> Problems { get; } = problems;

    /// <summary>Whether every problem is on the command line, and so one of usage.</summary>
    internal bool IsUsage => Problems.All(p => p.StartsWith("--", StringComparison.Ordinal));
}
