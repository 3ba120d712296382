using System.Net;
using System.Net.Sockets;
using Vni.Actors.Identity;
using Vni.Cluster.Hosting;
using Vni.Cluster.Names;
using Vni.Interposer;
using static Vni.Cluster.Hosting.SettingForms;

namespace Vni.Node.Configuration;

/// <summary>All settings by key. The file and the command line are two ways to the same table.</summary>
internal static class Settings
{
    internal static readonly IReadOnlyDictionary<string, Setting<NodeOptions>> All = new Dictionary<string, Setting<NodeOptions>>(StringComparer.Ordinal)
    {
        ["node"] = Setting<NodeOptions>.One((o, v) => o with { Node = Label(v) }),
        ["farm"] = Setting<NodeOptions>.One((o, v) => o with { Farm = Label(v) }),
        ["state"] = Setting<NodeOptions>.One((o, v) => o with { State = AbsolutePath(v) }),
        ["runtime"] = Setting<NodeOptions>.One((o, v) => o with { Runtime = AbsolutePath(v) }),
        ["socket"] = Setting<NodeOptions>.One((o, v) => o with { Socket = AbsolutePath(v) }),
        ["socketGroup"] = Setting<NodeOptions>.One((o, v) => o with { SocketGroup = Group(v) }),
        ["seeds"] = Setting<NodeOptions>.Many((o, v) => o with { Seeds = [.. o.Seeds, FarmForms.Seed(v)] }),
        ["listen"] = Setting<NodeOptions>.One((o, v) => o with { Listen = FarmForms.EndPoint(v) }),
        ["advertise"] = Setting<NodeOptions>.One((o, v) => o with { Advertise = FarmForms.HostAndPort(v) }),
        ["insecure"] = Setting<NodeOptions>.One((o, v) => o with { Insecure = FarmForms.Flag(v) }),
        ["tls.certificate"] = Setting<NodeOptions>.One((o, v) => o with { Tls = o.Tls with { Certificate = AbsolutePath(v) } }),
        ["tls.key"] = Setting<NodeOptions>.One((o, v) => o with { Tls = o.Tls with { Key = AbsolutePath(v) } }),
        ["tls.authority"] = Setting<NodeOptions>.One((o, v) => o with { Tls = o.Tls with { Authority = AbsolutePath(v) } }),
        ["lease"] = Setting<NodeOptions>.One((o, v) => o with { Lease = Seconds(v, 3, 300) }),
        ["labels"] = Setting<NodeOptions>.Many((o, v) => o with { Labels = FarmForms.WithLabel(o.Labels, v) }),
        ["network.bridge"] = Setting<NodeOptions>.One((o, v) => o with { Network = o.Network with { Bridge = Interface(v) } }),
        ["network.subnet"] = Setting<NodeOptions>.One((o, v) => o with { Network = o.Network with { Subnet = Subnet(v) } }),
        ["network.gateway"] = Setting<NodeOptions>.One((o, v) => o with { Network = o.Network with { Gateway = Gateway(v) } }),
        ["network.uplink"] = Setting<NodeOptions>.One((o, v) => o with { Network = o.Network with { Uplink = Interface(v) } }),
        ["network.range"] = Setting<NodeOptions>.One((o, v) => o with { Network = o.Network with { Range = FarmForms.Range(v) } }),
        ["network.subnet6"] = Setting<NodeOptions>.One((o, v) => o with { Network = o.Network with { Subnet6 = Ipv6Forms.Subnet(v) } }),
        ["network.gateway6"] = Setting<NodeOptions>.One((o, v) => o with { Network = o.Network with { Gateway6 = Ipv6Forms.Gateway(v) } }),
        ["network.range6"] = Setting<NodeOptions>.One((o, v) => o with { Network = o.Network with { Range6 = Ipv6Forms.Range(v) } }),
        ["dns.servers"] = Setting<NodeOptions>.Many((o, v) => o with { DnsServers = [.. o.DnsServers ?? [], NameServerSettings.Resolver(v, o.DnsServers)] }),
        ["harness"] = Setting<NodeOptions>.One((o, v) => o with { Harness = AbsolutePath(v) }),
        ["criu"] = Setting<NodeOptions>.One((o, v) => o with { Criu = AbsolutePath(v) }),
        ["masks.add"] = Setting<NodeOptions>.Many((o, v) => o with { Masks = o.Masks with { Add = [.. o.Masks.Add, Mask(v)] } }),
        ["masks.remove"] = Setting<NodeOptions>.Many((o, v) => o with { Masks = o.Masks with { Remove = [.. o.Masks.Remove, BuiltInMask(v)] } }),
        ["snapshots.keep"] = Setting<NodeOptions>.One((o, v) => o with { Snapshots = o.Snapshots with { Keep = Whole(v, 1, 1000) } }),
        ["snapshots.patience"] = Setting<NodeOptions>.One((o, v) => o with { Snapshots = o.Snapshots with { Patience = Seconds(v, 0, 3600) } }),
        ["snapshots.shared"] = Setting<NodeOptions>.One((o, v) => o with { Snapshots = o.Snapshots with { Shared = AbsolutePath(v) } }),
        ["log.level"] = Setting<NodeOptions>.One((o, v) => o with { Log = o.Log with { Level = Level(v) } }),
        ["log.format"] = Setting<NodeOptions>.One((o, v) => o with { Log = o.Log with { Format = Format(v) } }),
    }.WithNameServer(o => o.Dns, (o, dns) => o with { Dns = dns });

    /// <summary>The same, as file and command line use it.</summary>
    internal static SettingTable<NodeOptions> Table { get; } = new(All);

    /// <summary>The paths that are hidden from every instance unless the configuration says otherwise.</summary>
    internal static IReadOnlyList<string> BuiltInMasks { get; } = new InterposerOptions
    {
        Node = "",
        StateDirectory = "",
        RuntimeDirectory = "",
        HarnessPath = "",
        CriuPath = "",
        Network = new NetworkOptions { Subnet = IPAddress.Any, PrefixLength = 8 },
    }.Masks;

    private static string Label(string text) => DnsLabel.IsValid(text) ? text : throw Bad(text, "a name", DnsLabel.Rule);

    private static string Group(string text) =>
        text.Length is >= 1 and <= 32 && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.') && text[0] is not '-'
            ? text
            : throw Bad(text, "the name of a group", "use 1 to 32 letters, digits, '_', '-' and '.'");

    private static string Interface(string text) =>
        text.Length is >= 1 and <= 15 && text is not "." and not ".." && text.All(c => c is > ' ' and <= '~' and not '/' and not ':')
            ? text
            : throw Bad(text, "the name of a network interface", "use 1 to 15 characters, no blank, '/' or ':'");

    private static IPNetwork Subnet(string text) =>
        IPNetwork.TryParse(text, out var network) && network.BaseAddress.AddressFamily is AddressFamily.InterNetwork && network.PrefixLength is >= 8 and <= 30
        && network.ToString() == text // Host bits are cut off silently otherwise.
            ? network
            : throw Bad(text, "an IPv4 subnet", "write ADDRESS/BITS with 8 to 30 bits and zeros in the host part, such as 10.117.0.0/16");

    private static IPAddress? Gateway(string text) => text is "none"
        ? null
        : text.Count(c => c == '.') == 3 && IPAddress.TryParse(text, out var address) && address.AddressFamily is AddressFamily.InterNetwork
            ? address
            : throw Bad(text, "an IPv4 address", "write four numbers joined by dots, or 'none'");

    private static string Mask(string text)
    {
        var path = AbsolutePath(text);
        return path.Length > 1 && !Path.GetDirectoryName(path)!.Contains('*')
            ? path
            : throw Bad(text, "a path that can be hidden", "it is not '/', and only its last segment may hold '*'");
    }

    private static string BuiltInMask(string text) => BuiltInMasks.Contains(text)
        ? text
        : throw Bad(text, "a path of the built-in list", $"that list is {string.Join(", ", BuiltInMasks)}");
}
