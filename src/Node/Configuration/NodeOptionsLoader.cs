using System.Text;
using Vni.Actors.Identity;

namespace Vni.Node.Configuration;

/// <summary>All that is wrong with a configuration.</summary>
/// <param name="problems">One sentence each, with its position.</param>
internal sealed class ConfigurationException(IReadOnlyList<string> problems) : Exception(string.Join('\n', problems))
{
    /// <summary>One sentence each, with its position.</summary>
    internal IReadOnlyList<string> Problems { get; } = problems;

    /// <summary>Whether every problem is on the command line, and so one of usage.</summary>
    internal bool IsUsage => Problems.All(p => p.StartsWith("--", StringComparison.Ordinal));
}

/// <summary>Makes the options of file and command line, the latter winning, and checks them as a whole.</summary>
internal static class NodeOptionsLoader
{
    /// <summary>Where the configuration is looked for when no file is named.</summary>
    internal const string DefaultFile = "/etc/vniakka/vnid.yaml";

    /// <summary>Longest socket path: <c>sun_path</c> has 108 bytes (unix(7)), less a zero and the suffix of a socket in the making.</summary>
    private const int MaximumSocketPath = 100;

    /// <exception cref="ConfigurationException">With all problems.</exception>
    internal static NodeOptions Load(string? file, IReadOnlyList<SettingValue> commandLine)
    {
        var values = new List<SettingValue>();
        var problems = new List<string>();
        if (file is not null || File.Exists(DefaultFile)) ReadFile(file ?? DefaultFile, values, problems);
        return Build([.. values, .. commandLine], problems);
    }

    /// <summary>The options that the values make, in order.</summary>
    /// <exception cref="ConfigurationException">With <paramref name="problems"/> and all problems of the values.</exception>
    internal static NodeOptions Build(IReadOnlyList<SettingValue> values, List<string> problems)
    {
        var options = new NodeOptions();
        var where = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var value in values)
        {
            where[value.Key] = value.Where;
            try
            {
                options = Settings.All[value.Key].Apply(options, value.Text);
            }
            catch (FormatException e)
            {
                problems.Add($"{value.Where}: {value.Key}: {e.Message}");
            }
        }

        CheckTogether(options, key => where.GetValueOrDefault(key, "default"), problems);
        return problems.Count == 0 ? options : throw new ConfigurationException(problems);
    }

    private static void ReadFile(string file, List<SettingValue> values, List<string> problems)
    {
        try
        {
            using var reader = new StreamReader(file, new UTF8Encoding(false, throwOnInvalidBytes: true));
            ConfigurationFile.Read(file, reader, values, problems);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problems.Add($"{file}: cannot be read: {e.Message}");
        }
        catch (DecoderFallbackException)
        {
            problems.Add($"{file}: is not text in UTF-8");
        }
    }

    private static void CheckTogether(NodeOptions options, Func<string, string> where, List<string> problems)
    {
        if (!DnsLabel.IsValid(options.Node) && where("node") == "default")
            problems.Add($"default: node: the machine's hostname {DnsLabel.Quote(options.Node)} cannot be the node's name: {DnsLabel.Rule}; set 'node'");
        if (Encoding.UTF8.GetByteCount(options.Socket) > MaximumSocketPath)
            problems.Add($"{where("socket")}: socket: '{options.Socket}' is too long for a socket: use at most {MaximumSocketPath} bytes");
        if (options.Network.Gateway is { } gateway && !options.Network.Subnet.HasHost(gateway))
            problems.Add($"{where("network.gateway")}: network.gateway: {gateway} is no host's address in {options.Network.Subnet}: use one inside, or 'none'");
    }
}
