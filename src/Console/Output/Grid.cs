using System.Text;
using Spectre.Console;

namespace Vni.Cli.Output;

/// <param name="Title">Upper case.</param>
/// <param name="Right">Whether its cells stand at the right, as numbers do.</param>
/// <param name="Shrinks">Whether a narrow terminal may cut its cells.</param>
internal sealed record GridColumn(string Title, bool Right = false, bool Shrinks = false);

/// <summary>A table without lines. On a terminal it fits the width; elsewhere every cell is whole, for other programs.</summary>
internal sealed class Grid(params GridColumn[] columns)
{
    private const int Gap = 2;
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
        var widths = columns.Select((c, i) => _rows.Select(r => r[i].Text.Length).Append(c.Title.Length).Max()).ToArray();
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
        for (var i = 0; i < columns.Length; i++)
        {
            var column = new TableColumn(new Text(columns[i].Title, screen.StyleOf(Tone.Dim)))
            {
                NoWrap = !columns[i].Shrinks,
                Alignment = columns[i].Right ? Justify.Right : Justify.Left,
                Padding = new Padding(0, 0, i == columns.Length - 1 ? 0 : Gap, 0),
            };
            table.AddColumn(column);
        }

        foreach (var row in _rows) table.AddRow(row.Select(c => new Text(c.Text, screen.StyleOf(c.Tone)) { Overflow = Overflow.Ellipsis }));

        var writer = new StringWriter();
        screen.Console(writer).Write(new Padder(table, new Padding(indent, 0, 0, 0)));
        var lines = writer.ToString().Split('\n').Select(line => line.TrimEnd(' ', '\r'));
        screen.Write(string.Join('\n', lines));
    }
}
