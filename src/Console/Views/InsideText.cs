using Vni.Actors.Messages;
using Vni.Cli.Output;

namespace Vni.Cli.Views;

/// <summary>What the commands print that look inside: actors, shards, pairs of the registry.</summary>
internal static class InsideText
{
    private const int Indent = 2;

    /// <summary>Paths, parents before children, as a tree: each one's last part, indented by its depth.</summary>
    public static void WriteTree(Screen screen, IReadOnlyList<string> paths)
    {
        foreach (var path in paths)
        {
            var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
            if (parts.Length == 0) continue;
            screen.Line(new string(' ', (parts.Length - 1) * Indent), parts.Length == 1 ? new Piece(parts[^1], Tone.Strong) : parts[^1]);
        }
    }

    public static void WriteShards(Screen screen, IReadOnlyList<ShardView> shards)
    {
        var grid = new Grid(new GridColumn("AID"), new GridColumn("NODE"), new GridColumn("EPOCH", Right: true), new GridColumn("STATUS"), new GridColumn("OWNED"));
        foreach (var s in shards) grid.Add(new Piece(s.Aid, Tone.Strong), s.Node, $"{s.Epoch}", Statuses.Show(s.Status), s.Owned ? "yes" : new Piece("no", Tone.Dim));
        grid.Write(screen);
    }

    public static void WritePairs(Screen screen, IReadOnlyList<RegistryPairView> pairs)
    {
        foreach (var pair in pairs)
        {
            var lease = pair.Lease == 0 ? "" : $", lease {pair.Lease:x}";
            screen.Line(new Piece(pair.Key, Tone.Strong), new Piece($"  revision {pair.Revision}{lease}", Tone.Dim));
            screen.Line(new string(' ', Indent), pair.Value);
        }
    }
}
