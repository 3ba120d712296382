using Vni.Actors.Messages;
using Vni.Cli.Output;
using Vni.Cli.Values;

namespace Vni.Cli.Views;

/// <summary>What <c>vni cluster</c> and <c>vni nodes</c> print.</summary>
internal static class ClusterText
{
    private const int KindWidth = 11;

    /// <summary><c>cluster show</c>.</summary>
    public static void WriteNodes(Screen screen, ClusterView cluster, TimeProvider clock)
    {
        var grid = new Grid(
            new GridColumn("NODE"), new GridColumn("STATUS"), new GridColumn("ENDPOINT", Shrinks: true), new GridColumn("RUNNING", Right: true),
            new GridColumn("APPLICATIONS", Right: true), new GridColumn("JOINED"), new GridColumn("ROLE"));
        foreach (var node in cluster.Nodes)
        {
            grid.Add(
                new Piece(node.Node, Tone.Strong), Status(node.Status), node.Endpoint ?? Nothing, $"{node.Running}", $"{node.Applications}",
                node.Joined is { } joined ? new Piece(Times.Ago(joined, clock), Tone.Dim) : Nothing, Role(node, cluster));
        }

        grid.Write(screen);
    }

    /// <summary><c>nodes</c>.</summary>
    public static void WriteMachines(Screen screen, IReadOnlyList<NodeView> nodes)
    {
        var grid = new Grid(
            new GridColumn("NODE"), new GridColumn("STATUS"), new GridColumn("CPUS", Right: true), new GridColumn("MEMORY", Right: true),
            new GridColumn("VNID"), new GridColumn("CRIU"), new GridColumn("KERNEL", Shrinks: true), new GridColumn("CPU", Shrinks: true),
            new GridColumn("LABELS", Shrinks: true));
        foreach (var node in nodes)
        {
            grid.Add(
                new Piece(node.Node, Tone.Strong), Status(node.Status), node.Cpus == 0 ? Nothing : $"{node.Cpus}", node.Memory == 0 ? Nothing : Sizes.Format(node.Memory),
                Text(node.Version), Text(node.Criu), Text(node.Kernel), Text(node.Cpu),
                Text(string.Join(' ', node.Labels.OrderBy(l => l.Key, StringComparer.Ordinal).Select(l => $"{l.Key}={l.Value}"))));
        }

        grid.Write(screen);
    }

    /// <summary><c>cluster status</c>.</summary>
    public static void WriteStatus(Screen screen, ClusterView cluster)
    {
        var problems = Problems(cluster);
        screen.Line(new Piece(cluster.Farm, Tone.Strong), "  ", problems.Count == 0 ? new Piece("well", Tone.Good) : new Piece("not well", Tone.Bad));
        foreach (var problem in problems) screen.Line("  ", new Piece(problem, Tone.Notice));
        screen.Line();
        Field(screen, "asked", cluster.Node);
        Field(screen, "leader", cluster.Leader ?? (IsLone(cluster) ? "none: a single machine has nobody to lead" : "none"));
        Field(screen, "nodes", Count(cluster.Nodes.Select(n => n.Status)));
        Field(screen, "holds", cluster.Applications.Values.Any(n => n > 0) ? Count(cluster.Applications) : "no applications");
        Field(screen, "registry", $"{cluster.Registry} {cluster.RegistryVersion}".TrimEnd() + $", revision {cluster.Revision}");
        Field(screen, "seeds", cluster.Seeds.Count == 0 ? "none: the registry is in the daemon" : string.Join(' ', cluster.Seeds));
        Field(screen, "lease", $"{cluster.LeaseSeconds:0.##} s");
    }

    /// <summary>What is wrong with a farm, one sentence each.</summary>
    public static IReadOnlyList<string> Problems(ClusterView cluster)
    {
        List<string> problems =
            [.. cluster.Nodes.Where(n => n.Status == "down").Select(n => $"node {n.Node} is down and {(n.Applications == 1 ? "1 application names" : $"{n.Applications} applications name")} it")];
        if (cluster.Leader is null && !IsLone(cluster)) problems.Add("no node leads: nothing is recovered until one does");
        if (cluster.Applications.GetValueOrDefault("lost") is var lost and > 0) problems.Add($"{(lost == 1 ? "1 application is" : $"{lost} applications are")} lost: 'vni inspect' says why");
        return problems;
    }

    /// <summary>Whether the registry is the daemon's own: then there is no other node to recover anything to, and no leader is chosen.</summary>
    private static bool IsLone(ClusterView cluster) => cluster.Seeds.Count == 0;

    /// <summary>A line of <c>cluster watch</c>.</summary>
    public static void Write(Screen screen, FarmEvent e, TimeProvider clock)
    {
        var tone = e.Kind switch
        {
            "joined" or "running" => Tone.Good,
            "down" or "lost" => Tone.Bad,
            "left" => Tone.Notice,
            "dormant" => Tone.Calm,
            _ => Tone.Plain,
        };
        screen.Line(
            new Piece(Times.Format(e.Time, clock), Tone.Dim), "  ", new Piece(e.Kind.PadRight(KindWidth), tone), "  ",
            new Piece(e.Aid is null ? e.Node : $"{e.Aid}@{e.Node}", Tone.Strong), "  ", e.Message);
    }

    /// <summary>How the status of a node is shown.</summary>
    public static Piece Status(string status) => new(status, status switch { "up" => Tone.Good, "down" => Tone.Bad, _ => Tone.Notice });

    /// <summary><c>3 running, 1 dormant</c>.</summary>
    public static string Count(IReadOnlyDictionary<string, int> numbers) =>
        numbers.Any(n => n.Value > 0) ? string.Join(", ", numbers.Where(n => n.Value > 0).OrderByDescending(n => n.Value).ThenBy(n => n.Key, StringComparer.Ordinal).Select(n => $"{n.Value} {n.Key}")) : "none";

    private static string Count(IEnumerable<string> words) => Count(words.CountBy(w => w).ToDictionary());

    private static Piece Nothing => new("-", Tone.Dim);

    private static Piece Text(string text) => text.Length == 0 ? Nothing : text;

    private static Piece Role(NodeView node, ClusterView cluster) => (node.Leader, node.Node == cluster.Node) switch
    {
        (true, true) => "leader, asked",
        (true, false) => "leader",
        (false, true) => "asked",
        _ => Nothing,
    };

    private static void Field(Screen screen, string name, string value) => screen.Line(new Piece($"  {name,-9}", Tone.Dim), "  ", value);
}
