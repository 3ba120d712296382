using System.Net;
using System.Text;
using Vni.Actors.Identity;

namespace Vni.Cli.Playground;

/// <summary>
/// The farm's cables, as texts for ip(8) and nft(8). The switch is a bridge in a namespace of its own; members that are cut
/// off are plugged into another bridge beside it, and single paths are blocked by rules between two ports.
/// </summary>
internal static class FarmNetwork
{
    /// <summary>The bridge that everybody is on to begin with.</summary>
    public const string Mainland = "switch";

    /// <summary>The member's end of its cable.</summary>
    public const string Interface = "eth0";

    /// <summary>The bridge of those that were cut off together.</summary>
    public static string Island(int number) => $"island{number + 1}";

    /// <summary>In the switch's namespace: makes a bridge.</summary>
    public static string Bridge(string name) => $"""
        link add {name} type bridge forward_delay 0 mcast_snooping 0
        link set {name} addrgenmode none up

        """;

    /// <summary>In the switch's namespace: a member's cable, plugged in.</summary>
    public static string Cable(FarmMember member, string bridge) => $"""
        link add {member.Name} type veth peer name {Interface} netns {member.Namespace}
        link set {member.Name} addrgenmode none master {bridge} up

        """;

    /// <summary>In the member's namespace: its end of the cable. The MAC is always the same, as a machine's is.</summary>
    public static string End(FarmMember member) => $"""
        link set lo up
        link set {Interface} addrgenmode none address {VirtualIdentity.MacOf(IPAddress.Parse(member.Address))} up
        addr add {FarmPlan.WithPrefix(member)} dev {Interface}{(member.Address6 is { } six ? $"\naddr add {six}/64 dev {Interface} nodad" : "")}

        """;

    /// <summary>In the switch's namespace: plugs ports into a bridge.</summary>
    public static string Move(IEnumerable<string> members, string bridge) => string.Concat(members.Select(m => $"link set {m} master {bridge}\n"));

    /// <summary>In the switch's namespace: removes a bridge.</summary>
    public static string Remove(string bridge) => $"link del {bridge}\n";

    /// <summary>For nft in the switch's namespace: these paths blocked, and no others.</summary>
    public static string Rules(IReadOnlyList<BlockedPath> blocked)
    {
        var rules = new StringBuilder("flush ruleset\n");
        if (blocked.Count == 0) return rules.ToString();
        rules.Append("table bridge farm {\n  chain forward {\n    type filter hook forward priority 0; policy accept;\n");
        foreach (var (a, b) in blocked.SelectMany(path => new[] { (path.A, path.B), (path.B, path.A) })) rules.Append($"    iifname \"{a}\" oifname \"{b}\" drop\n");
        return rules.Append("  }\n}\n").ToString();
    }
}
