using System.Globalization;
using System.Text;
using Spectre.Console.Rendering;
using Vni.Cli.Output;

namespace Vni.Cli.Interactive;

/// <summary>How a line that is being typed looks: in one row, of which the part around the cursor is shown.</summary>
internal static class LineView
{
    /// <summary>What to write so that the cursor's row shows prompt and line (ECMA-48 EL and CUF).</summary>
    public static string Paint(string prompt, string text, int cursor, int columns)
    {
        var width = Width(prompt);
        // One column stays free: a terminal that has filled its last one is about to wrap.
        var room = Math.Max(1, columns - width - 1);
        var (first, before) = (cursor, 0);
        foreach (var (index, cells) in Elements(text[..cursor]).AsEnumerable().Reverse())
        {
            if (before + cells > room) break;
            (first, before) = (index, before + cells);
        }

        var shown = new StringBuilder();
        var used = 0;
        foreach (var (index, cells) in Elements(text[first..]))
        {
            if (used + cells > room) break;
            used += cells;
            shown.Append(Printable.Escape(StringInfo.GetNextTextElement(text[first..], index)));
        }

        return $"\r{prompt}{shown}\e[K\r" + (width + before > 0 ? $"\e[{width + before}C" : "");
    }

    private static List<(int Index, int Cells)> Elements(string text)
    {
        var found = new List<(int, int)>();
        for (var i = 0; i < text.Length; i += StringInfo.GetNextTextElementLength(text, i)) found.Add((i, Width(Printable.Escape(StringInfo.GetNextTextElement(text, i)))));
        return found;
    }

    private static int Width(string text) => new Segment(text).CellCount();
}
