namespace Vni.Cli.Interactive;

/// <summary>What a key does to a line.</summary>
internal enum KeyKind
{
    /// <summary>Stands for itself.</summary>
    Text,
    Enter,
    Tab,
    Backspace,
    Delete,
    Left,
    Right,
    WordLeft,
    WordRight,
    Home,
    End,
    Up,
    Down,

    /// <summary>Ctrl-C.</summary>
    Interrupt,

    /// <summary>Ctrl-D: the end of input on an empty line, else as Delete.</summary>
    EndOfInput,

    /// <summary>Ctrl-K.</summary>
    EraseToEnd,

    /// <summary>Ctrl-U.</summary>
    EraseToStart,

    /// <summary>Ctrl-W.</summary>
    EraseWord,

    /// <summary>Ctrl-L.</summary>
    ClearScreen,

    /// <summary>Known, and without a meaning here.</summary>
    Other,
}

/// <param name="Kind">What it does.</param>
/// <param name="Text">What it stands for, one character as people count them; else empty.</param>
internal readonly record struct Key(KeyKind Kind, string Text = "");
