using System.Globalization;

namespace Vni.Cli.Interactive;

/// <summary>What becomes of a line after a key.</summary>
internal enum EditResult
{
    /// <summary>It may look different.</summary>
    Continue,
    Accepted,

    /// <summary>It was given up.</summary>
    Cancelled,

    /// <summary>There will be no more lines.</summary>
    Ended,

    /// <summary>The user asks how it may go on.</summary>
    Complete,

    /// <summary>The screen is to be cleared.</summary>
    ClearScreen,
}

/// <summary>One line while it is typed: text, cursor, and the way through older lines. Knows nothing of the terminal.</summary>
/// <param name="history">Older lines, oldest first.</param>
internal sealed class LineEditor(IReadOnlyList<string> history)
{
    private int _at = history.Count;
    private string _typed = "";

    public string Text { get; private set; } = "";

    /// <summary>Index into <see cref="Text"/>, never within a character.</summary>
    public int Cursor { get; private set; }

    public EditResult Press(Key key)
    {
        switch (key.Kind)
        {
            case KeyKind.Enter: return EditResult.Accepted;
            case KeyKind.Interrupt: return EditResult.Cancelled;
            case KeyKind.EndOfInput when Text.Length == 0: return EditResult.Ended;
            case KeyKind.Tab: return EditResult.Complete;
            case KeyKind.ClearScreen: return EditResult.ClearScreen;
            case KeyKind.Text: Insert(key.Text); break;
            case KeyKind.Backspace: Erase(Before(Cursor), Cursor); break;
            case KeyKind.Delete or KeyKind.EndOfInput: Erase(Cursor, After(Cursor)); break;
            case KeyKind.EraseToEnd: Erase(Cursor, Text.Length); break;
            case KeyKind.EraseToStart: Erase(0, Cursor); break;
            case KeyKind.EraseWord: Erase(WordBefore(Cursor), Cursor); break;
            case KeyKind.Left: Cursor = Before(Cursor); break;
            case KeyKind.Right: Cursor = After(Cursor); break;
            case KeyKind.WordLeft: Cursor = WordBefore(Cursor); break;
            case KeyKind.WordRight: Cursor = WordAfter(Cursor); break;
            case KeyKind.Home: Cursor = 0; break;
            case KeyKind.End: Cursor = Text.Length; break;
            case KeyKind.Up: Recall(_at - 1); break;
            case KeyKind.Down: Recall(_at + 1); break;
            default: break; // No meaning here.
        }

        return EditResult.Continue;
    }

    /// <summary>Inserts text at the cursor.</summary>
    public void Insert(string text)
    {
        Text = Text.Insert(Cursor, text);
        Cursor += text.Length;
    }

    private void Erase(int from, int to)
    {
        Text = Text.Remove(from, to - from);
        Cursor = from;
    }

    // The line that was being typed stands below the newest of the older ones.
    private void Recall(int at)
    {
        if (at < 0 || at > history.Count) return;
        if (_at == history.Count) _typed = Text;
        _at = at;
        Text = at == history.Count ? _typed : history[at];
        Cursor = Text.Length;
    }

    private int After(int index) => index == Text.Length ? index : index + StringInfo.GetNextTextElementLength(Text, index);

    private int Before(int index)
    {
        var before = 0;
        for (var next = 0; next < index; next = After(next)) before = next;
        return before;
    }

    private int WordBefore(int index)
    {
        while (index > 0 && Text[index - 1] == ' ') index--;
        while (index > 0 && Text[index - 1] != ' ') index--;
        return index;
    }

    private int WordAfter(int index)
    {
        while (index < Text.Length && Text[index] == ' ') index++;
        while (index < Text.Length && Text[index] != ' ') index++;
        return index;
    }
}
