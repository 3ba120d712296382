using System.Text;
using Spectre.Console;

namespace Vni.Cli.Output;

/// <summary>Text for people on one stream: with colours and fitted to the width on a terminal, plain elsewhere.</summary>
/// <param name="stream">Where it goes; each line or table is one write.</param>
/// <param name="terminal">What the terminal can do; <c>null</c>: it is none.</param>
internal sealed class Screen(Stream stream, ScreenTerminal? terminal)
{
    /// <summary>Whether people read this, and not a program.</summary>
    public bool IsTerminal => terminal is not null;

    /// <summary>Writes one line.</summary>
    public void Line(params ReadOnlySpan<Piece> pieces)
    {
        var line = new StringBuilder();
        foreach (var piece in pieces)
        {
            var colour = terminal is { Colours: true } ? ColourOf(piece.Tone) : null;
            line.Append(colour).Append(Printable.Escape(piece.Text)).Append(colour is null ? null : "\e[0m");
        }

        Write(line.Append('\n').ToString());
    }

    /// <summary>Writes text as it is: for text of our own.</summary>
    public void Write(string text) => stream.Write(Encoding.UTF8.GetBytes(text));

    /// <summary>Characters in a line; only on a terminal.</summary>
    public int Columns => terminal!.Columns;

    /// <summary>A Spectre console whose lines have <paramref name="columns"/> characters; only on a terminal.</summary>
    public IAnsiConsole Console(TextWriter writer, int columns)
    {
        var settings = new AnsiConsoleSettings
        {
            // All known beforehand: nothing need be detected.
            Ansi = AnsiSupport.Yes,
            ColorSystem = terminal is { Colours: true } ? ColorSystemSupport.Standard : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.Yes,
            Out = new ScreenOutput(writer, columns),
        };
        settings.Enrichment.UseDefaultEnrichers = false;
        return AnsiConsole.Create(settings);
    }

    /// <summary>How a tone looks in a table.</summary>
    public Style StyleOf(Tone tone) => terminal is not { Colours: true } ? Style.Plain : tone switch
    {
        Tone.Strong => new Style(decoration: Decoration.Bold),
        Tone.Dim => new Style(decoration: Decoration.Dim),
        Tone.Good => new Style(Color.Green),
        Tone.Calm => new Style(Color.Teal),
        Tone.Notice => new Style(Color.Olive),
        Tone.Bad => new Style(Color.Maroon),
        _ => Style.Plain,
    };

    // The first eight colours (ECMA-48, SGR): the user's own theme decides how they look.
    private static string? ColourOf(Tone tone) => tone switch
    {
        Tone.Strong => "\e[1m",
        Tone.Dim => "\e[2m",
        Tone.Good => "\e[32m",
        Tone.Calm => "\e[36m",
        Tone.Notice => "\e[33m",
        Tone.Bad => "\e[31m",
        _ => null,
    };
}

/// <param name="Columns">Characters in a line.</param>
/// <param name="Colours">Whether the user wants colours.</param>
internal sealed record ScreenTerminal(int Columns, bool Colours);

internal sealed class ScreenOutput(TextWriter writer, int columns) : IAnsiConsoleOutput
{
    public TextWriter Writer => writer;

    public bool IsTerminal => true;

    public int Width => columns;

    // Only paging would look at it.
    public int Height => 24;

    public void SetEncoding(Encoding encoding)
    {
        // Always UTF-8.
    }
}
