using System.Buffers;
using System.Text;

namespace Vni.Cli.Interactive;

/// <summary>
/// Makes keys of the bytes that a terminal in raw mode sends: UTF-8, control characters, and the sequences that xterm and
/// its kin send for cursor keys (ECMA-48 CSI, and SS3). A sequence may come in pieces.
/// </summary>
internal sealed class KeyDecoder
{
    private const byte Escape = 0x1b;
    private const int LongestSequence = 16;

    private readonly List<byte> _pending = [];

    /// <summary>Takes a byte.</summary>
    /// <returns>The key that it completes; <c>null</c>: none yet, or it means nothing.</returns>
    public Key? Feed(byte b)
    {
        _pending.Add(b);
        if (_pending[0] == Escape) return Sequence(b);
        if (b < 0x20 || b == 0x7f) return Complete(Control(b));
        return Character();
    }

    private Key? Sequence(byte b)
    {
        switch (_pending.Count)
        {
            case 1:
            case 2 when b is (byte)'[' or (byte)'O':
                return null;
            case 2: // Alt and a key: words as in Emacs, else the key alone.
                return Complete(new Key((char)b switch { 'b' => KeyKind.WordLeft, 'f' => KeyKind.WordRight, '\x7f' => KeyKind.EraseWord, _ => KeyKind.Other }));
            default:
                // Parameters are digits and the like; the byte that ends a sequence is above them.
                if (b is < 0x40 or > 0x7e && _pending.Count < LongestSequence) return null;
                return Complete(new Key(Meaning(Encoding.ASCII.GetString([.. _pending[2..]]))));
        }
    }

    private static KeyKind Meaning(string sequence) => sequence switch
    {
        "A" => KeyKind.Up,
        "B" => KeyKind.Down,
        "C" => KeyKind.Right,
        "D" => KeyKind.Left,
        "H" or "1~" or "7~" => KeyKind.Home,
        "F" or "4~" or "8~" => KeyKind.End,
        "3~" => KeyKind.Delete,
        "1;5C" or "1;3C" => KeyKind.WordRight,
        "1;5D" or "1;3D" => KeyKind.WordLeft,
        _ => KeyKind.Other,
    };

    private static Key Control(byte b) => new(b switch
    {
        0x01 => KeyKind.Home,
        0x02 => KeyKind.Left,
        0x03 => KeyKind.Interrupt,
        0x04 => KeyKind.EndOfInput,
        0x05 => KeyKind.End,
        0x06 => KeyKind.Right,
        0x08 or 0x7f => KeyKind.Backspace,
        0x09 => KeyKind.Tab,
        0x0a or 0x0d => KeyKind.Enter,
        0x0b => KeyKind.EraseToEnd,
        0x0c => KeyKind.ClearScreen,
        0x0e => KeyKind.Down,
        0x10 => KeyKind.Up,
        0x15 => KeyKind.EraseToStart,
        0x17 => KeyKind.EraseWord,
        _ => KeyKind.Other,
    });

    private Key? Character() => Rune.DecodeFromUtf8([.. _pending], out var rune, out _) switch
    {
        OperationStatus.Done => Complete(new Key(KeyKind.Text, rune.ToString())),
        OperationStatus.NeedMoreData => null,
        _ => Complete(new Key(KeyKind.Other)),
    };

    private Key Complete(Key key)
    {
        _pending.Clear();
        return key;
    }
}
