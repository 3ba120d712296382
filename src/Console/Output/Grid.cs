using System.Text;
using Spectre.Console;

namespace Vni.Cli.Output;

/// <param name="Title">Upper case.</param>
/// <param name="Right">Whether its cells stand at the right, as numbers do.</param>
/// <param name="Shrinks">Whether a narrow terminal may cut its cells.</param>
/// <param name="Yields">When a narrow terminal leaves it out: 1 first; 0: never. Where some are, those left are whole, however long the line.</param>
internal sealed record GridColumn(string Title, bool Right = false, bool Shrinks = false, int Yields = 0);

/// <summary>
/// A table without lines. On a terminal it fits the width, as far as its columns may be cut or left out; elsewhere every cell
/// is whole, for other programs.
/// </summary>
internal sealed class Grid(params GridColumn[] columns)
{
    private const int Gap = 2;

    /// <summary>What is cut to less than this tells nothing, and is left out where it may be.</summary>
    private const int Readable = 12;

    private readonly List<Piece[]> _rows = [];

    /// <summary>Adds a row with a cell for each column.</summary>
    public void Add(params Piece[] cells) => _rows.Add([.. cells.Select(c => c with { Text = Printable.Escape(c.Text) })]);

    /// <summary>Writes head and rows, each led by <paramref name="indent"/> spaces.</summary>
    public void Write(Screen screen, int indent = 0)
    {
        if (screen.IsTerminal) WriteTable(screen, indent);
        else WritePlain(screen, indent);
    }

    private void WritePlain(Screen screen, int indent)
    {
        var text = new StringBuilder();
        Piece[] head = [.. columns.Select(c => new Piece(c.Title))];
        var widths = columns.Select((_, i) => WidthOf(i)).ToArray();
        foreach (var row in _rows.Prepend(head))
        {
            var line = new StringBuilder().Append(' ', indent);
            for (var i = 0; i < columns.Length; i++)
            {
                line.Append(columns[i].Right ? row[i].Text.PadLeft(widths[i]) : row[i].Text.PadRight(widths[i])).Append(' ', Gap);
            }

            text.Append(line.ToString().TrimEnd()).Append('\n');
        }

        screen.Write(text.ToString());
    }

    private void WriteTable(Screen screen, int indent)
    {
        var table = new Table { Border = TableBorder.None };
        var (shown, width) = Fit(screen.Columns - indent);
        foreach (var i in shown)
        {
            var column = new TableColumn(new Text(columns[i].Title, screen.StyleOf(Tone.Dim)))
            {
                NoWrap = !columns[i].Shrinks,
                Alignment = columns[i].Right ? Justify.Right : Justify.Left,
                Padding = new Padding(0, 0, i == shown[^1] ? 0 : Gap, 0),
            };
            table.AddColumn(column);
        }

        foreach (var row in _rows) table.AddRow(shown.Select(i => new Text(row[i].Text, screen.StyleOf(row[i].Tone)) { Overflow = Overflow.Ellipsis }));

        var writer = new StringWriter();
        screen.Console(writer, width + indent).Write(new Padder(table, new Padding(indent, 0, 0, 0)));
        var lines = writer.ToString().Split('\n').Select(line => line.TrimEnd(' ', '\r'));
        screen.Write(string.Join('\n', lines));
    }

    /// <summary>The columns that are shown, and the width of the table: more than there is, where else something whole would be
    /// cut; but not in a table that leaves nothing out, for such are painted over and over, where a line must be one.</summary>
    private (List<int> Shown, int Width) Fit(int available)
    {
        List<int> shown = [.. Enumerable.Range(0, columns.Length)];
        List<int> yielding = [.. shown.Where(i => columns[i].Yields > 0).OrderBy(i => columns[i].Yields)];
        if (yielding.Count == 0) return (shown, available);
        foreach (var i in yielding)
        {
            if (Least(shown) > available) shown.Remove(i);
        }

        return (shown, Math.Max(available, Least(shown)));
    }

    private int Least(List<int> shown) => shown.Sum(LeastOf) + (Gap * (shown.Count - 1));

    private int LeastOf(int column) => columns[column] switch
    {
        { Shrinks: false } => WidthOf(column),
        { Yields: > 0 } => Math.Min(WidthOf(column), Readable),
        var c => c.Title.Length,
    };

    private int WidthOf(int column) => _rows.Select(row => row[column].Text.Length).Append(columns[column].Title.Length).Max();
}
