using System.Text;
using Vni.Actors.Identity;
using Vni.Cluster.Hosting;
using Vni.Cluster.Names;

namespace Vni.Node.Configuration;

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
        if (file is not null || File.Exists(DefaultFile)) ConfigurationFile.Read(Settings.Table, file ?? DefaultFile, values, problems);
        return Build([.. values, .. commandLine], problems);
    }

    /// <summary>The options that the values make, in order.</summary>
    /// <exception cref="ConfigurationException">With <paramref name="problems"/> and all problems of the values.</exception>
    internal static NodeOptions Build(IReadOnlyList<SettingValue> values, List<string> problems)
    {
        var where = new Dictionary<string, string>(StringComparer.Ordinal);
        var options = Settings.Table.Apply(new NodeOptions(), values, where, problems);
        CheckTogether(options, key => where.GetValueOrDefault(key, "default"), problems);
        return problems.Count == 0 ? options : throw new ConfigurationException(problems);
    }

    private static void CheckTogether(NodeOptions options, Func<string, string> where, List<string> problems)
    {
        if (!DnsLabel.IsValid(options.Node) && where("node") == "default")
            problems.Add($"default: node: the machine's hostname {DnsLabel.Quote(options.Node)} cannot be the node's name: {DnsLabel.Rule}; set 'node'");
        if (Encoding.UTF8.GetByteCount(options.Socket) > MaximumSocketPath)
            problems.Add($"{where("socket")}: socket: '{options.Socket}' is too long for a socket: use at most {MaximumSocketPath} bytes");
        if (options.Network.Gateway is { } gateway && !options.Network.Subnet.HasHost(gateway))
            problems.Add($"{where("network.gateway")}: network.gateway: {gateway} is no host's address in {options.Network.Subnet}: use one inside, or 'none'");
        CheckIpv6(options.Network, where, problems);
        if (NameServerSettings.ProblemOf(options.Dns, options.DnsEndPoints) is { } problem) problems.Add($"{where("dns.forward")}: {problem}");
        CheckFarm(options, where, problems);
    }

    private static void CheckIpv6(NodeNetworkOptions network, Func<string, string> where, List<string> problems)
    {
        if (network.Subnet6 is not { } subnet)
        {
            foreach (var key in new[] { "network.gateway6", "network.range6" })
            {
                if (where(key) != "default") problems.Add($"{where(key)}: {key}: there are no IPv6 addresses without network.subnet6: set that, too, or leave this out");
            }

            return;
        }

        if (network.Gateway6 is { } gateway && (!subnet.Contains(gateway) || gateway.Equals(subnet.BaseAddress)))
            problems.Add($"{where("network.gateway6")}: network.gateway6: {gateway} is no host's address in {subnet}: use one inside, or 'none'");
        else if (network.Range6 is var (first, last) && (!subnet.Contains(first) || !subnet.Contains(last)))
            problems.Add($"{where("network.range6")}: network.range6: {first}-{last} is not within {subnet}: use addresses inside");
        else if (!new AddressRange6(subnet.BaseAddress, subnet.PrefixLength, network.Gateway6, network.Range6).Covers(network.Subnet.PrefixLength))
            problems.Add($"{where(network.Range6 is null ? "network.subnet6" : "network.range6")}: {(network.Range6 is null ? "network.subnet6" : "network.range6")}: it has fewer addresses than {network.Subnet}, each of which needs a counterpart: use a larger one");
    }

    private static void CheckFarm(NodeOptions options, Func<string, string> where, List<string> problems)
    {
        var network = options.Network;
        if (network.Range is var (first, last) && (!network.Subnet.Contains(first) || !network.Subnet.Contains(last)))
            problems.Add($"{where("network.range")}: network.range: {first}-{last} is not within {network.Subnet}: use addresses inside");
        if (options.Tls.IsPartial) problems.Add($"{where("tls.certificate")}: tls: certificate, key and authority are needed together");
        if (options.Seeds.Select(seed => seed.Scheme).Distinct().Count() > 1)
            problems.Add($"{where("seeds")}: seeds: some are http and others https: the members of one registry are all the same");
        if (options.Seeds.Any(seed => seed.Scheme == Uri.UriSchemeHttps) && options.Tls.Files is null)
            problems.Add($"{where("seeds")}: seeds: https needs this node's certificate: set tls.certificate, tls.key and tls.authority");
        if (options.Listen is not null && options.Tls.Files is null && !options.Insecure)
        {
            problems.Add($"{where("listen")}: listen: without certificates whoever reaches {options.Listen} owns this machine: "
                + "set tls.certificate, tls.key and tls.authority, or 'insecure: true' where nobody else can reach it");
        }

        if (options.Listen is not null && options.Advertise is null)
            problems.Add($"{where("listen")}: listen: other nodes cannot connect to {options.Listen.Address}: set 'advertise' to the address or name of this machine");
        if (options.Listen is null && options.Advertise is not null)
            problems.Add($"{where("advertise")}: advertise: nothing listens at {options.Advertise}: set 'listen', too");
        if (options.Seeds.Count > 0 && options.Listen is null)
            problems.Add($"{where("seeds")}: seeds: a node of a farm must be reachable: set 'listen'");
    }
}
