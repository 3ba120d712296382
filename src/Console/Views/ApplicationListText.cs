using Vni.Actors.Messages;
using Vni.Cli.Output;
using Vni.Cli.Values;

namespace Vni.Cli.Views;

/// <summary>What <c>vni ps</c> prints.</summary>
internal static class ApplicationListText
{
    // More pids than this say less than their number, and would wrap.
    private const int ListedPids = 4;

    public static void Write(Screen screen, IReadOnlyList<ApplicationView> applications, TimeProvider clock)
    {
        // Where there is one node, everybody knows which.
        var onNodes = applications.DistinctBy(a => a.Node).Skip(1).Any();
        var six = applications.Any(a => a.Ip6 is not null);
        var grid = new Grid(
            [
                new GridColumn("AID"), new GridColumn("STATUS"), .. onNodes ? [new GridColumn("NODE")] : NoColumns, new GridColumn("IP"), .. six ? [new GridColumn("IPV6", Shrinks: true)] : NoColumns, new GridColumn("HOSTNAME", Shrinks: true),
                new GridColumn("PIDS", Shrinks: true), new GridColumn("SNAPSHOT", Shrinks: true), new GridColumn("CHANGED"),
            ]);
        foreach (var a in applications)
        {
            grid.Add(
            [
                new Piece(a.Aid, Tone.Strong), Statuses.Show(a.Status), .. onNodes ? [a.Node] : NoCells, a.Ip, .. six ? [a.Ip6 ?? new Piece("-", Tone.Dim)] : NoCells, a.Hostname, Pids(a.Pids),
                a.Snapshot ?? new Piece("-", Tone.Dim), new Piece(Times.Ago(a.Changed, clock), Tone.Dim),
            ]);
        }

        grid.Write(screen);
    }

    private static GridColumn[] NoColumns => [];

    private static Piece[] NoCells => [];

    private static Piece Pids(IReadOnlyList<int> pids) => pids.Count switch
    {
        0 => new Piece("-", Tone.Dim),
        <= ListedPids => string.Join(' ', pids),
        _ => $"{string.Join(' ', pids.Take(ListedPids - 1))} +{pids.Count - ListedPids + 1}",
    };
}
