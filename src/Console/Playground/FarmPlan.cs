using Vni.Actors;
using Vni.Actors.Security;

namespace Vni.Cli.Playground;

/// <summary>
/// A whole farm on paper: names, addresses, files and programs follow from its shape alone, so that whoever knows the shape can find,
/// repair and remove all of it.
/// <code>
///            [switch]-- registry 10.117.0.2 (etcd1 .2, etcd2 .3, etcd3 .4)
///             | | |
///   n1 10.117.0.11  n2 10.117.0.12 ...      client 10.117.0.200
/// </code>
/// The switch has no uplink: nothing that happens in the farm reaches the machine's own network.
/// </summary>
internal sealed class FarmPlan
{
    public const string Client = "client";
    public const string Registry = "registry";

    /// <summary>Where applications find theirs: beyond all addresses of members.</summary>
    public const string ApplicationRange = "10.117.1.0-10.117.250.255";

    /// <summary>The same for IPv6: the last two bytes are those of the IPv4 address.</summary>
    public const string ApplicationRange6 = "fd00:117::1:0/112";

    private const string Subnet6 = "fd00:117::/64";
    private const string ClientAddress6 = "fd00:117::200";
    private const string Subnet = "10.117.0.0/16";
    private const int PrefixLength = 16;
    private const int NodePort = 7117;
    private const int RegistryPort = 2379;
    private const int EtcdPeerPort = 2380;

    private FarmPlan(FarmShape shape, FarmPlaces places, FarmPrograms programs)
    {
        (Shape, Places) = (shape, places);
        var registry = RegistryMembers(programs).ToList();
        Seeds = [.. registry.Select(m => $"https://{m.Address}:{RegistryPort}")];
        Members = [.. registry, .. NodesOf(programs), ClientMember()];
    }

    public FarmShape Shape { get; }

    public FarmPlaces Places { get; }

    /// <summary>In the order in which they are started: registry, nodes, client.</summary>
    public IReadOnlyList<FarmMember> Members { get; }

    public IEnumerable<FarmMember> Nodes => Members.Where(m => m.Role == FarmRole.Node);

    /// <summary>The switch's namespace.</summary>
    public string Switch => NamespaceOf(Shape.Name, "switch");

    /// <summary>Every namespace, the switch's included.</summary>
    public IEnumerable<string> Namespaces => [Switch, .. Members.Select(m => m.Namespace)];

    /// <summary>Where nodes find the registry.</summary>
    public IReadOnlyList<string> Seeds { get; }

    public static FarmPlan Of(FarmShape shape, FarmPlaces places, FarmPrograms programs) => new(shape, places, programs);

    /// <summary>Every namespace that a farm of this name can have, whatever its shape.</summary>
    public static IReadOnlyList<string> PossibleNamespaces(string name)
    {
        var members = Enumerable.Range(1, FarmShape.MostNodes).Select(n => $"n{n}")
            .Concat(Enumerable.Range(1, FarmShape.EtcdMembers).Select(n => $"etcd{n}"));
        return [.. members.Append(Registry).Append(Client).Append("switch").Select(m => NamespaceOf(name, m))];
    }

    /// <summary>Where a node's endpoint is.</summary>
    public static string EndpointOf(FarmMember node) => $"{node.Address}:{NodePort}";

    /// <summary>The name that vnid has for node <paramref name="number"/>: it must differ from that of every other vnid on the machine.</summary>
    public static string IdentityOf(string farm, int number) => farm == FarmShape.DefaultName ? $"n{number}" : $"{farm}-n{number}";

    /// <summary>A member by one of its two names.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.NotFound"/>.</exception>
    public FarmMember Find(string name) => Members.FirstOrDefault(m => m.Name == name || m.Identity == name)
        ?? throw new VniException(ErrorCodes.NotFound, $"farm '{Shape.Name}' has no member {Actors.Identity.DnsLabel.Quote(name)}: it has {string.Join(", ", Members.Select(m => m.Name))}");

    /// <summary>A node by one of its two names.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.NotFound"/>.</exception>
    public FarmMember FindNode(string name) => Find(name) is { Role: FarmRole.Node } node
        ? node
        : throw new VniException(ErrorCodes.NotFound, $"'{name}' of farm '{Shape.Name}' is no node: its nodes are {string.Join(", ", Nodes.Select(n => n.Name))}");

    /// <summary>Members by name, where <c>registry</c> stands for all that serve it.</summary>
    public IReadOnlyList<FarmMember> FindAll(string name) =>
        name == Registry ? [.. Members.Where(m => m.Role == FarmRole.Registry)] : [Find(name)];

    /// <summary>The address of a member with the length of the subnet's prefix.</summary>
    public static string WithPrefix(FarmMember member) => $"{member.Address}/{PrefixLength}";

    private static string NamespaceOf(string farm, string member) => $"vnifarm-{farm}-{member}";

    private static string EtcdAddress(int number) => $"10.117.0.{1 + number}";

    private IEnumerable<FarmMember> RegistryMembers(FarmPrograms programs)
    {
        if (!Shape.Etcd)
        {
            var lighthouse = Member(Registry, FarmRole.Registry, EtcdAddress(1), $"{Shape.Name}-{Registry}") with { Port = RegistryPort, State = $"{Places.Disk}/{Registry}" };
            var file = $"{lighthouse.Directory}/lighthouse.yaml";
            yield return lighthouse with
            {
                ConfigurationFile = file,
                Configuration = $"""
                    # Lighthouse of farm '{Shape.Name}'; written by 'vni farm up'.
                    state: {lighthouse.State}
                    listen: [0.0.0.0:{RegistryPort}]
                    tls:
                    {Tls(lighthouse)}
                    dns:
                      farm: {Shape.Name}
                      listen: [{lighthouse.Address}]
                      subnets: [{Subnet}{(Shape.Ipv6 ? $", '{Subnet6}'" : "")}]
                    """ + "\n",
                Daemon = [programs.Lighthouse, "--config", file],
            };
            yield break;
        }

        var cluster = string.Join(',', Enumerable.Range(1, FarmShape.EtcdMembers).Select(n => $"etcd{n}=https://{EtcdAddress(n)}:{EtcdPeerPort}"));
        for (var n = 1; n <= FarmShape.EtcdMembers; n++)
        {
            var (member, name) = (Member($"etcd{n}", FarmRole.Registry, EtcdAddress(n), $"{Shape.Name}-etcd{n}"), $"etcd{n}");
            var (client, peer, files) = ($"https://{member.Address}:{RegistryPort}", $"https://{member.Address}:{EtcdPeerPort}", FilesOf(member));
            yield return member with
            {
                Port = RegistryPort,
                State = $"{Places.Disk}/{name}",
                Daemon =
                [
                    programs.Etcd, "--name", name, "--data-dir", $"{Places.Disk}/{name}", "--initial-cluster", cluster,
                    "--initial-cluster-token", $"vnifarm-{Shape.Name}", "--log-level", "warn", "--logger", "zap",
                    "--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
                    "--client-cert-auth", "--cert-file", files.Certificate, "--key-file", files.Key, "--trusted-ca-file", files.Authority,
                    "--peer-client-cert-auth", "--peer-cert-file", files.Certificate, "--peer-key-file", files.Key, "--peer-trusted-ca-file", files.Authority,
                ],
            };
        }
    }

    private IEnumerable<FarmMember> NodesOf(FarmPrograms programs)
    {
        for (var n = 1; n <= Shape.Nodes; n++)
        {
            var node = Member($"n{n}", FarmRole.Node, NodeAddress(n), IdentityOf(Shape.Name, n)) with
            {
                Port = NodePort,
                Runtime = $"{Places.Memory}/n{n}",
                State = $"{Places.Disk}/n{n}",
            };
            var file = $"{node.Directory}/vnid.yaml";
            yield return node with { ConfigurationFile = file, Configuration = NodeYaml(node), Daemon = [programs.Daemon, "--config", file] };
        }
    }

    private FarmMember ClientMember() => Member(Client, FarmRole.Client, "10.117.0.200", $"{Shape.Name}-{Client}") with { Address6 = Shape.Ipv6 ? ClientAddress6 : null };

    private FarmMember Member(string name, FarmRole role, string address, string identity) => new()
    {
        Name = name,
        Role = role,
        Namespace = NamespaceOf(Shape.Name, name),
        Address = address,
        Identity = identity,
        Directory = $"{Places.Directory}/{name}",
    };

    private string NodeYaml(FarmMember node) => $"""
        # Node {node.Identity} of farm '{Shape.Name}'; written by 'vni farm up'.
        node: {node.Identity}
        farm: {Shape.Name}
        state: {node.State}
        runtime: {node.Runtime}
        socket: {node.Socket}
        seeds: [{string.Join(", ", Seeds)}]
        listen: 0.0.0.0:{NodePort}
        advertise: {EndpointOf(node)}
        lease: 3s
        tls:
        {Tls(node)}
        network:
          bridge: vni0
          subnet: {Subnet}
          uplink: eth0
          range: {ApplicationRange}{(Shape.Ipv6 ? $"\n  subnet6: {Subnet6}\n  range6: {ApplicationRange6}" : "")}
        masks:
          add: [{Path.GetDirectoryName(Places.Disk)}]
        dns:
          listen: [{(Shape.Etcd ? node.Address : "none")}]
          servers: [{string.Join(", ", NameServers)}]
        """ + "\n";

    /// <summary>Lighthouse answers names; beside etcd all nodes do, and applications ask as many as programs look at.</summary>
    private IEnumerable<string> NameServers => Shape.Etcd ? Enumerable.Range(1, Math.Min(Shape.Nodes, 3)).Select(NodeAddress) : [EtcdAddress(1)];

    private static string NodeAddress(int number) => $"10.117.0.{10 + number}";

    private string Tls(FarmMember member)
    {
        var files = FilesOf(member);
        return $"  certificate: {files.Certificate}\n  key: {files.Key}\n  authority: {files.Authority}";
    }

    private TlsFiles FilesOf(FarmMember member) =>
        new($"{Places.Certificates}/{member.Identity}.crt", $"{Places.Certificates}/{member.Identity}.key", $"{Places.Certificates}/ca.crt");
}
