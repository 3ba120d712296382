using System.Net;
using Vni.Actors.Identity;
using Vni.Cluster.Hosting;
using Vni.Cluster.Names;
using static Vni.Cluster.Hosting.SettingForms;
using Entry = Vni.Cluster.Hosting.Setting<Vni.Lighthouse.Configuration.LighthouseOptions>;

namespace Vni.Lighthouse.Configuration;

/// <summary>All settings by key, and how file and command line make options of them.</summary>
internal static class LighthouseSettings
{
    /// <summary>Where the configuration is looked for when no file is named.</summary>
    internal const string DefaultFile = "/etc/vniakka/lighthouse.yaml";

    internal static readonly IReadOnlyDictionary<string, Entry> All = new Dictionary<string, Entry>(StringComparer.Ordinal)
    {
        ["state"] = Entry.One((o, v) => o with { State = AbsolutePath(v) }),
        ["listen"] = Entry.Many((o, v) => o with { Listen = [.. o.Listen, Endpoint(v)] }),
        ["tls.certificate"] = Entry.One((o, v) => o with { Tls = o.Tls with { Certificate = AbsolutePath(v) } }),
        ["tls.key"] = Entry.One((o, v) => o with { Tls = o.Tls with { Key = AbsolutePath(v) } }),
        ["tls.authority"] = Entry.One((o, v) => o with { Tls = o.Tls with { Authority = AbsolutePath(v) } }),
        ["insecure"] = Entry.One((o, v) => o with { Insecure = YesOrNo(v) }),
        ["limits.watches"] = Entry.One((o, v) => o with { Limits = o.Limits with { Watches = Whole(v, 1, 100_000) } }),
        ["limits.connections"] = Entry.One((o, v) => o with { Limits = o.Limits with { Connections = Whole(v, 16, 200_000) } }),
        ["dns.farm"] = Entry.One((o, v) => o with { DnsFarm = DnsLabel.IsValid(v) ? v : throw Bad(v, "the name of a farm", DnsLabel.Rule) }),
        ["dns.subnets"] = Entry.Many((o, v) => o with { DnsSubnets = [.. o.DnsSubnets, NameServerSettings.Network(v)] }),
        ["log.level"] = Entry.One((o, v) => o with { Log = o.Log with { Level = Level(v) } }),
        ["log.format"] = Entry.One((o, v) => o with { Log = o.Log with { Format = Format(v) } }),
    }.WithNameServer(o => o.Dns, (o, dns) => o with { Dns = dns });

    private static readonly SettingTable<LighthouseOptions> Table = new(All);

    /// <summary>The options of file and command line, the latter winning.</summary>
    /// <exception cref="ConfigurationException">With all problems.</exception>
    internal static LighthouseOptions Load(string? file, IReadOnlyList<SettingValue> commandLine)
    {
        var values = new List<SettingValue>();
        var problems = new List<string>();
        if (file is not null || File.Exists(DefaultFile)) ConfigurationFile.Read(Table, file ?? DefaultFile, values, problems);
        values.RemoveAll(value => commandLine.Any(given => given.Key == value.Key)); // A list, too, is replaced and not added to.
        var where = new Dictionary<string, string>(StringComparer.Ordinal);
        var options = Table.Apply(new LighthouseOptions(), [.. values, .. commandLine], where, problems);
        CheckTogether(options, key => where.GetValueOrDefault(key, "default"), problems);
        return problems.Count == 0 ? options : throw new ConfigurationException(problems);
    }

    private static void CheckTogether(LighthouseOptions options, Func<string, string> where, List<string> problems)
    {
        if (options.Tls.IsPartial)
        {
            var given = All.Keys.First(key => key.StartsWith("tls.", StringComparison.Ordinal) && where(key) != "default");
            problems.Add($"{where(given)}: tls: certificate, key and authority are needed together: set all three, or none");
        }

        if (NameServerSettings.ProblemOf(options.Dns, options.Dns.Listen ?? []) is { } problem) problems.Add($"{where("dns.forward")}: {problem}");
        if (options.Tls.Files is null && !options.Tls.IsPartial && !options.Insecure && options.Endpoints.FirstOrDefault(endpoint => !IPAddress.IsLoopback(endpoint.Address)) is { } open)
            problems.Add($"{where("listen")}: listen: {open} can be reached from other machines, and without certificates whoever reaches it owns the farm: set tls, or 'insecure: true' where nobody else is on the network");
    }

    private static IPEndPoint Endpoint(string text) => IPEndPoint.TryParse(text, out var endpoint) && endpoint.Port > 0
        ? endpoint
        : throw Bad(text, "an address to listen on", "write ADDRESS:PORT, such as 127.0.0.1:2379 or [::1]:2379");

    private static bool YesOrNo(string text) => text switch
    {
        "true" => true,
        "false" => false,
        _ => throw Bad(text, "a yes or no", "use true or false"),
    };
}
