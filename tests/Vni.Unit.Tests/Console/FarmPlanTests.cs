using System.Text;
using Vni.Actors;
using Vni.Cli.Output;
using Vni.Cli.Playground;
using Vni.Cli.Views;
using Xunit;

namespace Vni.Unit.Tests.Cli;

public sealed class FarmPlanTests
{
    private static readonly FarmPrograms s_programs = new("/b/vnid", "/b/lighthouse", "/b/etcd");

    [Fact]
    public void With_ipv6_applications_and_the_client_have_addresses_of_it_and_without_nobody_has()
    {
        var plan = Plan(new FarmShape("farm", 1, Etcd: false) { Ipv6 = true });
        Assert.Contains("\n  subnet6: fd00:117::/64\n  range6: fd00:117::1:0/112\n", plan.FindNode("n1").Configuration);
        Assert.Contains("\n  subnets: [10.117.0.0/16, 'fd00:117::/64']\n", plan.Find("registry").Configuration);
        Assert.Contains("addr add fd00:117::200/64 dev eth0 nodad\n", FarmNetwork.End(plan.Find("client")));
        var without = Plan(new FarmShape("farm", 1, Etcd: false));
        Assert.DoesNotContain("6:", without.FindNode("n1").Configuration!.Split("network:")[1]);
        Assert.DoesNotContain("fd00", FarmNetwork.End(without.Find("client")));
    }

    [Fact]
    public void Members_follow_from_the_shape()
    {
        var plan = Plan(new FarmShape("farm", 3, Etcd: false));
        Assert.Equal(
            ["registry 10.117.0.2 vnifarm-farm-registry", "n1 10.117.0.11 vnifarm-farm-n1", "n2 10.117.0.12 vnifarm-farm-n2", "n3 10.117.0.13 vnifarm-farm-n3", "client 10.117.0.200 vnifarm-farm-client"],
            plan.Members.Select(m => $"{m.Name} {m.Address} {m.Namespace}"));
        Assert.Equal("vnifarm-farm-switch", plan.Switch);
        Assert.Equal(["https://10.117.0.2:2379"], plan.Seeds);
    }

    [Fact]
    public void Three_members_of_etcd_replace_Lighthouse()
    {
        var plan = Plan(new FarmShape("farm", 1, Etcd: true));
        Assert.Equal(["etcd1", "etcd2", "etcd3", "n1", "client"], plan.Members.Select(m => m.Name));
        Assert.Equal(["https://10.117.0.2:2379", "https://10.117.0.3:2379", "https://10.117.0.4:2379"], plan.Seeds);
        var second = plan.Find("etcd2").Daemon!;
        Assert.Equal("/b/etcd", second[0]);
        Assert.Equal("etcd1=https://10.117.0.2:2380,etcd2=https://10.117.0.3:2380,etcd3=https://10.117.0.4:2380", After("--initial-cluster"));
        Assert.Equal("https://10.117.0.3:2379", After("--listen-client-urls"));
        Assert.Equal("/run/vniakka-farm/farm/certificates/farm-etcd2.crt", After("--peer-cert-file"));
        Assert.Contains("--client-cert-auth", second);

        string After(string option) => second[second.ToList().IndexOf(option) + 1];
    }

    [Fact]
    public void A_node_is_configured_with_its_own_names_and_the_farms_registry()
    {
        var node = Plan(new FarmShape("other", 2, Etcd: false)).FindNode("n2");
        Assert.Equal(
            """
            # Node other-n2 of farm 'other'; written by 'vni farm up'.
            node: other-n2
            farm: other
            state: /var/lib/vniakka-farm/other/n2
            runtime: /dev/shm/vniakka-farm-other/n2
            socket: /run/vniakka-farm/other/n2/vnid.sock
            seeds: [https://10.117.0.2:2379]
            listen: 0.0.0.0:7117
            advertise: 10.117.0.12:7117
            lease: 3s
            tls:
              certificate: /run/vniakka-farm/other/certificates/other-n2.crt
              key: /run/vniakka-farm/other/certificates/other-n2.key
              authority: /run/vniakka-farm/other/certificates/ca.crt
            network:
              bridge: vni0
              subnet: 10.117.0.0/16
              uplink: eth0
              range: 10.117.1.0-10.117.250.255
            masks:
              add: [/var/lib/vniakka-farm]
            dns:
              listen: [none]
              servers: [10.117.0.2]

            """,
            node.Configuration);
        Assert.Equal(["/b/vnid", "--config", "/run/vniakka-farm/other/n2/vnid.yaml"], node.Daemon);
    }

    [Fact]
    public void Lighthouse_answers_names_and_beside_etcd_all_nodes_do()
    {
        Assert.Contains("dns:\n  farm: other\n  listen: [10.117.0.2]\n  subnets: [10.117.0.0/16]\n", Plan(new FarmShape("other", 2, Etcd: false)).Find("registry").Configuration);
        var plan = Plan(new FarmShape("other", 4, Etcd: true));
        Assert.Contains("dns:\n  listen: [10.117.0.14]\n  servers: [10.117.0.11, 10.117.0.12, 10.117.0.13]\n", plan.FindNode("n4").Configuration);
    }

    [Fact]
    public void Two_farms_of_a_machine_share_no_name()
    {
        var (one, other) = (Plan(new FarmShape("farm", FarmShape.MostNodes, Etcd: true)), Plan(new FarmShape("other", FarmShape.MostNodes, Etcd: true)));
        Assert.Empty(Names(one).Intersect(Names(other)));

        static IEnumerable<string> Names(FarmPlan plan) =>
            [.. plan.Namespaces, .. plan.Members.SelectMany(m => new[] { m.Identity, m.InstancesCgroup, m.Directory, m.Socket }), .. plan.Places.All];
    }

    [Fact]
    public void What_a_farm_could_have_left_includes_all_that_it_can_make()
    {
        var possible = FarmPlan.PossibleNamespaces("other");
        Assert.Empty(Plan(new FarmShape("other", FarmShape.MostNodes, Etcd: true)).Namespaces.Except(possible));
        Assert.Empty(Plan(new FarmShape("other", 1, Etcd: false)).Namespaces.Except(possible));
    }

    [Fact]
    public void A_socket_path_is_short_enough_for_the_longest_name() =>
        Assert.All(Plan(new FarmShape(new string('x', 16), FarmShape.MostNodes, Etcd: false)).Nodes, n => Assert.True(n.Socket.Length <= 100));

    [Fact]
    public void Members_are_found_by_both_of_their_names_and_the_registry_as_one()
    {
        var plan = Plan(new FarmShape("other", 2, Etcd: true));
        Assert.Same(plan.Find("n2"), plan.Find("other-n2"));
        Assert.Equal(["etcd1", "etcd2", "etcd3"], plan.FindAll("registry").Select(m => m.Name));
        var unknown = Assert.Throws<VniException>(() => plan.Find("n3"));
        Assert.Equal(("farm 'other' has no member 'n3': it has etcd1, etcd2, etcd3, n1, n2, client", ErrorCodes.NotFound), (unknown.Message, unknown.Code));
    }

    [Theory]
    [InlineData("")]
    [InlineData("Farm")]
    [InlineData("a/b")]
    [InlineData("..")]
    [InlineData("seventeen-letters")]
    public void A_name_that_could_be_a_path_or_too_long_is_refused(string name) =>
        Assert.Equal(ErrorCodes.InvalidArgument, Assert.Throws<VniException>(() => FarmShape.CheckName(name)).Code);

    [Fact]
    public void A_cable_joins_a_port_of_the_switch_to_the_member()
    {
        var node = Plan(new FarmShape("farm", 1, Etcd: false)).FindNode("n1");
        Assert.Equal(
            """
            link add n1 type veth peer name eth0 netns vnifarm-farm-n1
            link set n1 addrgenmode none master switch up

            """,
            FarmNetwork.Cable(node, FarmNetwork.Mainland));
        Assert.Equal(
            """
            link set lo up
            link set eth0 addrgenmode none address 02:00:0a:75:00:0b up
            addr add 10.117.0.11/16 dev eth0

            """,
            FarmNetwork.End(node));
    }

    [Fact]
    public void A_blocked_path_is_blocked_both_ways_and_rules_replace_each_other()
    {
        Assert.Equal("flush ruleset\n", FarmNetwork.Rules([]));
        Assert.Equal(
            """
            flush ruleset
            table bridge farm {
              chain forward {
                type filter hook forward priority 0; policy accept;
                iifname "n1" oifname "n2" drop
                iifname "n2" oifname "n1" drop
              }
            }

            """,
            FarmNetwork.Rules([new BlockedPath("n1", "n2")]));
    }

    [Fact]
    public void A_member_is_on_its_island_or_on_the_mainland()
    {
        var farm = Record() with { Islands = [["n2"], ["n1", "client"]] };
        Assert.Equal(("island1", "island2", "switch"), (farm.BridgeOf("n2"), farm.BridgeOf("client"), farm.BridgeOf("registry")));
    }

    [Fact]
    public void A_farm_is_shown_as_it_is()
    {
        var farm = Record() with
        {
            Daemons = new Dictionary<string, ProcessMark> { ["n1"] = new(7, 1), ["n2"] = new(8, 2), ["registry"] = new(9, 3) },
            Islands = [["n2"]],
            Blocked = [new BlockedPath("n1", "client")],
        };
        var document = FarmDocument.Of(farm, m => m.Name != "n3", mark => mark.Pid != 8);
        Assert.Equal(
            ["registry running 9 ", "n1 running 7 n1", "n2 dead  n2", "n3 off  n3", "client on  "],
            document.Members.Select(m => $"{m.Name} {m.Status} {m.Pid} {m.Node}"));
        Assert.Equal([["n2"]], document.Partitions);
        Assert.Equal("10.117.0.11:7117", document.Members[1].Endpoint);

        using var output = new MemoryStream();
        FarmText.Write(new Screen(output, null), document);
        var lines = Encoding.UTF8.GetString(output.ToArray()).Split('\n');
        var column = lines[0].IndexOf("CUT OFF FROM", StringComparison.Ordinal);
        Assert.Equal(["n2", "n2 client", "all", "n2", "n1 n2"], lines[1..^1].Select(line => line[column..].Split("  ")[0]));
    }

    [Fact]
    public void Mounts_are_read_with_their_spaces_and_optional_fields()
    {
        var mounts = Mounts.Parse(
        [
            "22 27 0:20 / /sys/fs/cgroup/unified rw shared:9 - cgroup2 cgroup2 rw",
            "300 27 0:4 net:[4026532008] /run/netns/a\\040b rw - nsfs nsfs rw",
            "short line",
        ]).ToList();
        Assert.Equal([new Mounts.Mount("/", "/sys/fs/cgroup/unified", "cgroup2"), new Mounts.Mount("net:[4026532008]", "/run/netns/a b", "nsfs")], mounts);
    }

    private static FarmPlan Plan(FarmShape shape) => FarmPlan.Of(shape, FarmPlaces.Of(shape.Name), s_programs);

    private static FarmRecord Record() => new() { Shape = new FarmShape("farm", 3, Etcd: false), Programs = s_programs, Complete = true };
}
