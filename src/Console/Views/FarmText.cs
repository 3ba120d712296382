using Vni.Cli.Output;
using Vni.Cli.Playground;

namespace Vni.Cli.Views;

/// <summary>What <c>vni farm up</c>, <c>status</c> and the like print.</summary>
internal static class FarmText
{
    public static void Write(Screen screen, FarmDocument farm)
    {
        var grid = new Grid(
            new GridColumn("MEMBER"), new GridColumn("STATUS"), new GridColumn("ADDRESS"), new GridColumn("NAMESPACE"), new GridColumn("CUT OFF FROM", Shrinks: true),
            new GridColumn("LOG", Shrinks: true));
        foreach (var member in farm.Members)
        {
            grid.Add(
                new Piece(member.Name, Tone.Strong), Status(member.Status), member.Address, member.Namespace, CutOff(farm, member),
                member.Log is null ? new Piece("-", Tone.Dim) : new Piece(member.Log, Tone.Dim));
        }

        grid.Write(screen);
    }

    private static Piece Status(string status) => new(status, status switch
    {
        "running" => Tone.Good,
        "dead" => Tone.Bad,
        "off" => Tone.Notice,
        _ => Tone.Plain,
    });

    private static Piece CutOff(FarmDocument farm, FarmMemberDocument member)
    {
        var island = farm.Partitions.FirstOrDefault(p => p.Contains(member.Name));
        var others = farm.Members.Select(m => m.Name).Where(m => m != member.Name).ToList();
        var cut = others.Where(other => IslandOf(other) != island || Blocks(other)).ToList();
        if (cut.Count == 0) return new Piece("-", Tone.Dim);
        return new Piece(cut.Count == others.Count ? "all" : string.Join(' ', cut), Tone.Notice);

        IReadOnlyList<string>? IslandOf(string name) => farm.Partitions.FirstOrDefault(p => p.Contains(name));

        bool Blocks(string other) => farm.Blocked.Any(b => (b.A == member.Name && b.B == other) || (b.B == member.Name && b.A == other));
    }
}
