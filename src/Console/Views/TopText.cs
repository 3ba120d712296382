using Vni.Cli.Output;
using Vni.Cli.Values;

namespace Vni.Cli.Views;

/// <summary>What <c>vni top</c> shows: the farm, its nodes, its applications.</summary>
internal static class TopText
{
    public static void Write(Screen screen, TopDocument top, TimeProvider clock)
    {
        var (cluster, problems) = (top.Cluster, ClusterText.Problems(top.Cluster));
        screen.Line(
            new Piece(cluster.Farm, Tone.Strong), "  ", problems.Count == 0 ? new Piece("well", Tone.Good) : new Piece(problems[0], Tone.Bad),
            $"  {(cluster.Applications.Values.Any(n => n > 0) ? ClusterText.Count(cluster.Applications) : "no applications")}",
            new Piece($"  {Times.Format(clock.GetUtcNow(), clock)}", Tone.Dim));
        screen.Line();
        var nodes = new Grid(
            new GridColumn("NODE"), new GridColumn("STATUS"), new GridColumn("RUNNING", Right: true), new GridColumn("APPLICATIONS", Right: true),
            new GridColumn("CPUS", Right: true), new GridColumn("MEMORY", Right: true), new GridColumn("ROLE"));
        foreach (var n in cluster.Nodes)
        {
            nodes.Add(
                new Piece(n.Node, Tone.Strong), ClusterText.Status(n.Status), $"{n.Running}", $"{n.Applications}", n.Cpus == 0 ? "-" : $"{n.Cpus}",
                n.Memory == 0 ? "-" : Sizes.Format(n.Memory), n.Leader ? "leader" : new Piece("-", Tone.Dim));
        }

        nodes.Write(screen);
        screen.Line();
        var applications = new Grid(
            new GridColumn("AID"), new GridColumn("STATUS"), new GridColumn("NODE"), new GridColumn("IP"), new GridColumn("PROCESSES", Right: true),
            new GridColumn("MEMORY", Right: true), new GridColumn("CHANGED"));
        foreach (var a in top.Applications.OrderBy(a => a.Node, StringComparer.Ordinal).ThenBy(a => a.Aid, StringComparer.Ordinal))
        {
            applications.Add(
                new Piece(a.Aid, Tone.Strong), Statuses.Show(a.Status), a.Node, a.Ip, a.Pids.Count == 0 ? new Piece("-", Tone.Dim) : $"{a.Pids.Count}",
                a.Processes.Count == 0 ? new Piece("-", Tone.Dim) : Sizes.Format(a.Processes.Sum(p => p.Memory)), new Piece(Times.Ago(a.Changed, clock), Tone.Dim));
        }

        applications.Write(screen);
    }
}
