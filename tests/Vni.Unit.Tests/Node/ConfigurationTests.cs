using System.Net;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;
using Vni.Cluster.Hosting;
using Vni.Node.Configuration;
using Xunit;

namespace Vni.Unit.Tests.Node;

public sealed class ConfigurationTests
{
    [Fact]
    public void Every_default_is_as_documented()
    {
        var options = new NodeOptions();
        Assert.Equal(Environment.MachineName.Split('.')[0].ToLowerInvariant(), options.Node);
        Assert.Equal("default", options.Farm);
        Assert.Equal("/var/lib/vniakka", options.State);
        Assert.Equal("/run/vniakka", options.Runtime);
        Assert.Equal("/run/vniakka/vnid.sock", options.Socket);
        Assert.Equal("vni", options.SocketGroup);
        Assert.Equal("vni0", options.Network.Bridge);
        Assert.Equal(IPNetwork.Parse("10.117.0.0/16"), options.Network.Subnet);
        Assert.Equal(IPAddress.Parse("10.117.0.1"), options.Network.Gateway);
        Assert.Null(options.Harness);
        Assert.Null(options.Criu);
        Assert.Empty(options.Masks.Add);
        Assert.Empty(options.Masks.Remove);
        Assert.Equal(3, options.Snapshots.Keep);
        Assert.Equal(TimeSpan.FromSeconds(5), options.Snapshots.Patience);
        Assert.Empty(options.Seeds);
        Assert.Null(options.Listen);
        Assert.Null(options.Advertise);
        Assert.Equal(new NodeTlsOptions(), options.Tls);
        Assert.False(options.Insecure);
        Assert.Equal(TimeSpan.FromSeconds(10), options.Lease);
        Assert.Empty(options.Labels);
        Assert.Null(options.Network.Uplink);
        Assert.Null(options.Network.Range);
        Assert.Null(options.Snapshots.Shared);
        Assert.Equal("10.117.0.1:53", Assert.Single(options.DnsEndPoints).ToString());
        Assert.Null(options.DnsServers);
        Assert.Equal(("vni.internal", TimeSpan.FromSeconds(5)), (options.Dns.Domain, options.Dns.TimeToLive));
        Assert.Empty(options.Dns.Forward);
        Assert.Empty(options.Dns.Clients);
        Assert.Equal(LogLevel.Information, options.Log.Level);
        Assert.Equal(LogFormat.Text, options.Log.Format);
    }

    [Fact]
    public void The_example_configuration_says_the_defaults()
    {
        var example = File.ReadAllText(Path.Combine(Repository(), "config/vnid.yaml"));
        var read = Read(Regex.Replace(example, "^#(?=(  )*[a-zA-Z]+:)", "", RegexOptions.Multiline | RegexOptions.ExplicitCapture));
        var defaults = new NodeOptions
        {
            Harness = read.Harness, Criu = read.Criu, Node = read.Node, Listen = read.Listen, Advertise = read.Advertise, Tls = read.Tls, Snapshots = new SnapshotOptions { Shared = read.Snapshots.Shared },
        };
        Assert.Equal(defaults with { Masks = read.Masks, Socket = "/run/vniakka/vnid.sock", Network = read.Network, Seeds = read.Seeds, Labels = read.Labels, Dns = read.Dns, DnsServers = read.DnsServers }, read);
        Assert.Empty(read.Seeds);
        Assert.Empty(read.Labels);
        Assert.Equal(defaults.Network.Subnet, read.Network.Subnet);
        Assert.Equal(defaults.Network.Gateway, read.Network.Gateway);
        Assert.Equal(defaults.Network.Bridge, read.Network.Bridge);
    }

    [Fact]
    public void Every_key_is_read()
    {
        var options = Read("""
            node: n7
            farm: lab
            state: /srv/vni
            runtime: /run/vni
            socket: /run/vni/s.sock
            socketGroup: ops
            network:
              bridge: br0
              subnet: 10.9.0.0/24
              gateway: none
              uplink: eth1
              range: 10.9.0.64/26
            dns: { listen: ["10.9.0.2", "[fd00::2]:5353"], domain: lab.example, ttl: 1m, forward: ["9.9.9.9"], clients: [192.0.2.0/24], servers: [10.9.0.2, 10.9.0.3] }
            harness: /opt/appshot
            criu: /opt/criu
            masks:
              add: [/srv/secret, "/etc/*.key"]
              remove: [/mnt]
            seeds: ["https://seed1:2379", "https://192.0.2.2:2379"]
            listen: 0.0.0.0:7117
            advertise: n7.example:7117
            insecure: false
            tls: { certificate: /c.crt, key: /c.key, authority: /ca.crt }
            lease: 1m
            labels: [rack=r1, "note=a = b"]
            snapshots: { keep: 9, patience: 20s, shared: /srv/shared }
            log: { level: debug, format: json }
            """);
        Assert.Equal("n7", options.Node);
        Assert.Equal("lab", options.Farm);
        Assert.Equal("/srv/vni", options.State);
        Assert.Equal("/run/vni", options.Runtime);
        Assert.Equal("/run/vni/s.sock", options.Socket);
        Assert.Equal("ops", options.SocketGroup);
        Assert.Equal("br0", options.Network.Bridge);
        Assert.Equal("10.9.0.0/24", options.Network.Subnet.ToString());
        Assert.Null(options.Network.Gateway);
        Assert.Equal(["10.9.0.2:53", "[fd00::2]:5353"], options.DnsEndPoints.Select(e => e.ToString()));
        Assert.Equal(("lab.example", TimeSpan.FromMinutes(1)), (options.Dns.Domain, options.Dns.TimeToLive));
        Assert.Equal("9.9.9.9:53", Assert.Single(options.Dns.Forward).ToString());
        Assert.Equal("192.0.2.0/24", Assert.Single(options.Dns.Clients).ToString());
        Assert.Equal(["10.9.0.2", "10.9.0.3"], options.DnsServers!.Select(e => e.ToString()));
        Assert.Equal("/opt/appshot", options.Harness);
        Assert.Equal("/opt/criu", options.Criu);
        Assert.Equal(["/srv/secret", "/etc/*.key"], options.Masks.Add);
        Assert.Equal(["/mnt"], options.Masks.Remove);
        Assert.Equal(9, options.Snapshots.Keep);
        Assert.Equal(TimeSpan.FromSeconds(20), options.Snapshots.Patience);
        Assert.Equal(["https://seed1:2379/", "https://192.0.2.2:2379/"], options.Seeds.Select(seed => seed.ToString()));
        Assert.Equal("0.0.0.0:7117", options.Listen!.ToString());
        Assert.Equal("n7.example:7117", options.Advertise);
        Assert.Equal(new("/c.crt", "/c.key", "/ca.crt"), options.Tls.Files);
        Assert.Equal(TimeSpan.FromMinutes(1), options.Lease);
        Assert.Equal(("r1", "a = b"), (options.Labels["rack"], options.Labels["note"]));
        Assert.Equal("eth1", options.Network.Uplink);
        Assert.Equal((IPAddress.Parse("10.9.0.64"), IPAddress.Parse("10.9.0.127")), options.Network.Range);
        Assert.Equal("/srv/shared", options.Snapshots.Shared);
        Assert.Equal(LogLevel.Debug, options.Log.Level);
        Assert.Equal(LogFormat.Json, options.Log.Format);
    }

    [Fact]
    public void Every_setting_has_a_key_in_the_table_and_a_line_in_the_documentation()
    {
        var documentation = File.ReadAllText(Path.Combine(Repository(), "docs/configuration.md"));
        Assert.All(Settings.All.Keys, key => Assert.Contains($"`{key}`", documentation));
    }

    [Fact]
    public void The_documentation_names_every_point_at_which_the_daemon_can_be_crashed()
    {
        var documentation = File.ReadAllText(Path.Combine(Repository(), "docs/configuration.md"));
        var points = Directory.EnumerateFiles(Path.Combine(Repository(), "src"), "*.cs", SearchOption.AllDirectories)
            .SelectMany(file => Regex.Matches(File.ReadAllText(file), "FaultPoints\\.Reach\\(\"(?<point>[^\"]+)\"\\)", RegexOptions.ExplicitCapture))
            .Select(m => m.Groups["point"].Value).ToHashSet();
        Assert.NotEmpty(points);
        Assert.All(points, point => Assert.Contains($"`{point}`", documentation));
    }

    [Fact]
    public void The_gateway_follows_the_subnet_unless_it_is_given()
    {
        Assert.Equal("10.9.0.1", Read("network: { subnet: 10.9.0.0/24 }").Network.Gateway!.ToString());
        Assert.Equal("10.9.0.7", Read("network: { subnet: 10.9.0.0/24, gateway: 10.9.0.7 }").Network.Gateway!.ToString());
    }

    [Fact]
    public void Names_are_answered_at_the_gateway_unless_it_is_said_where()
    {
        Assert.Equal("10.9.0.7:53", Assert.Single(Read("network: { subnet: 10.9.0.0/24, gateway: 10.9.0.7 }").DnsEndPoints).ToString());
        Assert.Empty(Read("network: { gateway: none }").DnsEndPoints);
        Assert.Empty(Read("dns: { listen: [none] }").DnsEndPoints);
    }

    [Fact]
    public void New_instances_ask_this_node_first_and_the_nodes_servers_if_it_does_not_know_everything()
    {
        var own = Vni.Node.Hosting.ProductSettings.NamesOf(Read("network: { subnet: 10.9.0.0/24 }"));
        Assert.Equal(("10.9.0.1", true, "vni.internal"), (Assert.Single(own.Servers).ToString(), own.NodesToo, own.Domain));
        Assert.False(Vni.Node.Hosting.ProductSettings.NamesOf(Read("dns: { forward: [9.9.9.9] }")).NodesToo);
        var others = Vni.Node.Hosting.ProductSettings.NamesOf(Read("dns: { servers: [10.117.0.2] }"));
        Assert.Equal(("10.117.0.2", false), (Assert.Single(others.Servers).ToString(), others.NodesToo));
        Assert.Empty(Vni.Node.Hosting.ProductSettings.NamesOf(Read("dns: { listen: ['10.117.0.1:5353', 127.0.0.1] }")).Servers);
    }

    [Fact]
    public void With_an_uplink_nodes_have_no_address_on_the_bridge_unless_it_is_given()
    {
        Assert.Null(Read("network: { uplink: eth0 }").Network.Gateway);
        Assert.Equal("10.117.0.9", Read("network: { uplink: eth0, gateway: 10.117.0.9 }").Network.Gateway!.ToString());
    }

    [Fact]
    public void Ipv6_is_off_until_there_is_a_subnet_and_then_like_ipv4()
    {
        var none = Read("{}").Network;
        Assert.Equal((null, null, null), (none.Subnet6, none.Gateway6, none.Range6));
        var plain = Read("network: { subnet6: 'fd00:117::/64' }").Network;
        Assert.Equal(("fd00:117::/64", "fd00:117::1"), (plain.Subnet6.ToString(), plain.Gateway6!.ToString()));
        Assert.Null(Read("network: { subnet6: 'fd00:117::/64', uplink: eth0 }").Network.Gateway6);
        Assert.Null(Read("network: { subnet6: 'fd00:117::/64', gateway6: none }").Network.Gateway6);
        var full = Read("network: { subnet6: 'FD00:0117::/64', gateway6: 'fd00:117::9', range6: 'fd00:117::1:0/112' }").Network;
        Assert.Equal(("fd00:117::/64", "fd00:117::9", (IPAddress.Parse("fd00:117::1:0"), IPAddress.Parse("fd00:117::1:ffff"))), (full.Subnet6.ToString(), full.Gateway6!.ToString(), full.Range6!.Value));
    }

    [Fact]
    public void Others_are_told_where_it_listens_unless_that_is_everywhere()
    {
        Assert.Equal("192.0.2.7:7117", Read("{ listen: '192.0.2.7:7117', insecure: true }").Advertise);
        Assert.Contains("set 'advertise'", Assert.Single(ProblemsOf("{ listen: '0.0.0.0:7117', insecure: true }")));
    }

    [Theory]
    [InlineData("listen: 192.0.2.7:7117", "without certificates whoever reaches")]
    [InlineData("{ listen: '192.0.2.7:7117', tls: { certificate: /a, key: /b } }", "are needed together")]
    [InlineData("{ listen: '192.0.2.7:7117', insecure: true, seeds: ['https://a:1'] }", "https needs this node's certificate")]
    [InlineData("{ listen: '192.0.2.7:7117', insecure: true, seeds: ['https://a:1', 'http://b:1'] }", "some are http and others https")]
    [InlineData("seeds: ['http://a:1']", "must be reachable")]
    [InlineData("advertise: a:1", "nothing listens")]
    [InlineData("network: { range: 10.1.0.0/24 }", "is not within 10.117.0.0/16")]
    [InlineData("network: { gateway6: 'fd00::1' }", "there are no IPv6 addresses without network.subnet6")]
    [InlineData("network: { range6: 'fd00::/112' }", "there are no IPv6 addresses without network.subnet6")]
    [InlineData("network: { subnet6: 'fd00::/64', gateway6: 'fd01::1' }", "is no host's address in fd00::/64")]
    [InlineData("network: { subnet6: 'fd00::/64', gateway6: 'fd00::' }", "is no host's address in fd00::/64")]
    [InlineData("network: { subnet6: 'fd00::/64', range6: 'fd01::/112' }", "is not within fd00::/64")]
    [InlineData("network: { subnet6: 'fd00::/64', range6: 'fd00::1:0/113' }", "it has fewer addresses than 10.117.0.0/16")]
    [InlineData("network: { subnet: 10.0.0.0/8, subnet6: 'fd00::/112' }", "it has fewer addresses than 10.0.0.0/8")]
    [InlineData("lease: 2s", "3s to 5m")]
    [InlineData("lease: 6m", "3s to 5m")]
    [InlineData("lease: 99999999999m", "3s to 5m")]
    [InlineData("labels: [rack]", "write NAME=VALUE")]
    [InlineData("labels: [rack=1, rack=2]", "has a value already")]
    [InlineData("seeds: ['http://a:1/x']", "write http://HOST:PORT")]
    [InlineData("seeds: ['http://a']", "write http://HOST:PORT")]
    [InlineData("insecure: yes", "use true or false")]
    public void A_place_in_a_farm_that_makes_no_sense_is_refused(string yaml, string sentence) =>
        Assert.Contains(ProblemsOf(yaml), problem => problem.Contains(sentence, StringComparison.Ordinal));

    [Fact]
    public void The_socket_follows_the_runtime_directory_unless_it_is_given() =>
        Assert.Equal("/run/other/vnid.sock", Read("runtime: /run/other").Socket);

    [Fact]
    public void All_problems_are_reported_at_once_with_their_lines()
    {
        var problems = ProblemsOf("""
            node: Not_A_Label
            colour: blue
            network:
              subnet: 10.117.0.0/99
              speed: 10
            snapshots: three
            log:
              level: [debug]
              format:
            masks:
              add: /etc
              remove: [/nowhere]
            socket: relative
            """);
        Assert.Collection(
            problems.Order(StringComparer.Ordinal),
            p => Assert.Equal("vnid.yaml:11:8: 'masks.add' must be a list", p),
            p => Assert.StartsWith("vnid.yaml:12:12: masks.remove: '/nowhere' is not a path of the built-in list", p),
            p => Assert.StartsWith("vnid.yaml:13:9: socket: 'relative' is not an absolute path", p),
            p => Assert.StartsWith("vnid.yaml:1:7: node: 'Not_A_Label' is not a name", p),
            p => Assert.StartsWith("vnid.yaml:2:1: unknown key 'colour'; known here: node, farm", p),
            p => Assert.StartsWith("vnid.yaml:4:11: network.subnet: '10.117.0.0/99' is not an IPv4 subnet", p),
            p => Assert.Equal("vnid.yaml:5:3: unknown key 'network.speed'; known here: bridge, subnet, gateway, uplink, range, subnet6, gateway6, range6", p),
            p => Assert.Equal("vnid.yaml:6:12: 'snapshots' must hold keys and values; known: keep, patience, shared", p),
            p => Assert.Equal("vnid.yaml:8:10: 'log.level' must be one value", p),
            p => Assert.Matches(@"^vnid.yaml:\d+:\d+: 'log.format' has no value", p));
    }

    [Theory]
    [InlineData("a: [", "not valid YAML")]
    [InlineData("node: a\nnode: b", "not valid YAML")]
    [InlineData("- node", "the file must hold keys and values")]
    [InlineData("node: a\n---\nnode: b", "a second document")]
    [InlineData("network: { subnet: 10.117.1.0/16 }", "zeros in the host part")]
    [InlineData("network: { subnet: 'fd00::/64' }", "is not an IPv4 subnet")]
    [InlineData("network: { subnet6: 10.117.0.0/16 }", "is not an IPv6 subnet")]
    [InlineData("network: { subnet6: 'fd00::1/64' }", "zeros in the host part")]
    [InlineData("network: { subnet6: 'fd00::/48' }", "64 to 112 bits")]
    [InlineData("network: { subnet6: 'fe80::/64' }", "a global or unique local prefix")]
    [InlineData("network: { subnet6: 'fd00::/64', gateway6: '[fd00::1]' }", "is not an IPv6 address")]
    [InlineData("network: { subnet6: 'fd00::/64', range6: 'fd00::9-fd00::1' }", "is not a range of IPv6 addresses")]
    [InlineData("network: { gateway: 10.118.0.1 }", "is no host's address in 10.117.0.0/16")]
    [InlineData("network: { gateway: 10.117.255.255 }", "is no host's address in 10.117.0.0/16")]
    [InlineData("network: { gateway: 1 }", "is not an IPv4 address")]
    [InlineData("network: { bridge: 0123456789abcdef }", "is not the name of a network interface")]
    [InlineData("snapshots: { keep: 0 }", "use 1 to 1000")]
    [InlineData("snapshots: { keep: 1.5 }", "is not a whole number")]
    [InlineData("log: { level: loud }", "is not a level")]
    [InlineData("state: /var/../etc", "is not an absolute path")]
    [InlineData("masks: { add: [/] }", "is not a path that can be hidden")]
    [InlineData("masks: { add: [/a*/b] }", "only its last segment")]
    [InlineData("masks: { add: [{ a: b }] }", "must be text")]
    [InlineData("dns: { listen: [0.0.0.0] }", "name each address of this machine")]
    [InlineData("dns: { listen: ['10.117.0.1:0'] }", "write ADDRESS or ADDRESS:PORT")]
    [InlineData("dns: { forward: [dns.example] }", "write ADDRESS or ADDRESS:PORT")]
    [InlineData("dns: { forward: [10.1] }", "write ADDRESS or ADDRESS:PORT")]
    [InlineData("dns: { forward: [9.9.9.9, 10.117.0.1] }", "10.117.0.1:53 is this server itself")]
    [InlineData("dns: { domain: Lab }", "is not a domain")]
    [InlineData("dns: { domain: lab. }", "is not a domain")]
    [InlineData("dns: { ttl: 0 }", "1s to 60m")]
    [InlineData("dns: { clients: [10.117.0.1/16] }", "zeros in the host part")]
    [InlineData("dns: { servers: [127.0.0.53] }", "loopback is their own")]
    [InlineData("dns: { servers: [10.0.0.1, 10.0.0.2, 10.0.0.3, 10.0.0.4] }", "the first 3 alone")]
    [InlineData("socketGroup: 'a:b'", "is not the name of a group")]
    public void A_bad_value_is_refused_with_what_is_accepted(string yaml, string expected) => Assert.Contains(expected, Assert.Single(ProblemsOf(yaml)));

    [Fact]
    public void A_path_that_is_too_long_for_a_socket_is_refused() =>
        Assert.Contains("too long for a socket", Assert.Single(ProblemsOf($"socket: /{new string('x', 100)}")));

    [Fact]
    public void An_empty_file_leaves_the_defaults()
    {
        var read = Read("# nothing");
        Assert.Equal(new NodeOptions { Seeds = read.Seeds, Labels = read.Labels }, read);
        Assert.Empty(read.Seeds);
        Assert.Empty(read.Labels);
    }

    [Fact]
    public void The_command_line_wins_over_the_file()
    {
        using var output = new StringWriter();
        var line = CommandLine.Parse(["--node", "b", "--subnet=10.3.0.0/24", "--gateway", "none"], output, output, out _)!;
        Assert.Null(line.File);
        var values = new List<SettingValue>();
        ConfigurationFile.Read(Settings.Table, "vnid.yaml", new StringReader("node: a\nfarm: f"), values, []);
        var options = NodeOptionsLoader.Build([.. values, .. line.Values], []);
        Assert.Equal(("b", "f", "10.3.0.0/24", null), (options.Node, options.Farm, options.Network.Subnet.ToString(), options.Network.Gateway));
    }

    [Fact]
    public void A_bad_value_on_the_command_line_names_the_option()
    {
        using var output = new StringWriter();
        var line = CommandLine.Parse(["--subnet", "x", "--node", "Y"], output, output, out _)!;
        var refused = Assert.Throws<ConfigurationException>(() => NodeOptionsLoader.Build(line.Values, []));
        Assert.True(refused.IsUsage);
        Assert.Contains(refused.Problems, p => p.StartsWith("--subnet: network.subnet: 'x' is not an IPv4 subnet"));
        Assert.Contains(refused.Problems, p => p.StartsWith("--node: node: 'Y' is not a name"));
    }

    [Fact]
    public void An_unknown_option_is_a_usage_error_in_one_line()
    {
        using var output = new StringWriter();
        Assert.Null(CommandLine.Parse(["--colour", "blue"], output, output, out var status));
        Assert.Equal(2, status);
        Assert.Contains("--colour", Assert.Single(output.ToString().TrimEnd().Split('\n')));
    }

    [Fact]
    public void A_file_that_is_named_must_exist()
    {
        var refused = Assert.Throws<ConfigurationException>(() => NodeOptionsLoader.Load("/nowhere/vnid.yaml", []));
        Assert.Contains("/nowhere/vnid.yaml: cannot be read", Assert.Single(refused.Problems));
    }

    private static NodeOptions Read(string yaml)
    {
        var (values, problems) = Parse(yaml);
        return NodeOptionsLoader.Build(values, problems);
    }

    private static IReadOnlyList<string> ProblemsOf(string yaml)
    {
        var (values, problems) = Parse(yaml);
        return Assert.Throws<ConfigurationException>(() => NodeOptionsLoader.Build(values, problems)).Problems;
    }

    private static (List<SettingValue> Values, List<string> Problems) Parse(string yaml)
    {
        var (values, problems) = (new List<SettingValue>(), new List<string>());
        ConfigurationFile.Read(Settings.Table, "vnid.yaml", new StringReader(yaml), values, problems);
        return (values, problems);
    }

    private static string Repository([System.Runtime.CompilerServices.CallerFilePath] string file = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "../../.."));
}
