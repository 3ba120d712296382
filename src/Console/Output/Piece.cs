namespace Vni.Cli.Output;

/// <summary>What a piece of text means; a terminal shows it as a colour.</summary>
internal enum Tone
{
    /// <summary>Nothing in particular.</summary>
    Plain,

    /// <summary>What the eye should find first.</summary>
    Strong,

    /// <summary>What the eye may skip.</summary>
    Dim,

    /// <summary>As it should be.</summary>
    Good,

    /// <summary>Not running, and rightly so.</summary>
    Calm,

    /// <summary>Under way, or worth a look.</summary>
    Notice,

    /// <summary>Failed.</summary>
    Bad,
}

/// <summary>A piece of a line, or a cell of a table. Its text may come from anywhere: it is escaped where it is written.</summary>
internal readonly record struct Piece(string Text, Tone Tone = Tone.Plain)
{
    public static implicit operator Piece(string text) => new(text);
}
