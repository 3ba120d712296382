using System.Buffers;
using System.Text;

namespace Vni.Cli.Output;

/// <summary>
/// Shows an application's output on the user's terminal: text, tabs, line ends and colours (ECMA-48 SGR, <c>ESC [ ... m</c>)
/// pass, every other control (cursor, title, clipboard, 8-bit C1 in UTF-8) is shown as an escape.
/// </summary>
internal sealed class TerminalGuard(Stream inner) : WriteOnlyStream
{
    // Longer than any colour: two RGB colours and some decorations.
    private const int LongestSequence = 64;

    private readonly List<byte> _held = [];
    private bool _coloured;

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        var output = new ArrayBufferWriter<byte>(buffer.Length + 16);
        foreach (var b in buffer) Take(b, output);
        inner.Write(output.WrittenSpan);
    }

    /// <summary>Shows what an unfinished sequence holds, and ends colours.</summary>
    public void Complete()
    {
        var output = new ArrayBufferWriter<byte>(16);
        GiveUp(output);
        if (_coloured) output.Write("\e[0m"u8);
        if (output.WrittenCount > 0) inner.Write(output.WrittenSpan);
        _coloured = false;
    }

    private void Take(byte b, ArrayBufferWriter<byte> output)
    {
        switch (_held)
        {
            case []:
                if (b is 0x1b or 0xc2) _held.Add(b);
                else Show(b, output);
                break;

            // U+0080 to U+009F: what ESC and a letter are, in one character.
            case [0xc2] when b is >= 0x80 and <= 0x9f:
                _held.Clear();
                output.Write(Encoding.ASCII.GetBytes($"\\x{b:x2}"));
                break;

            case [0xc2]:
                _held.Clear();
                output.Write([(byte)0xc2]);
                Take(b, output);
                break;

            case [0x1b] when b == '[':
            case [0x1b, _, ..] when (char.IsAsciiDigit((char)b) || b is (byte)';' or (byte)':') && _held.Count < LongestSequence:
                _held.Add(b);
                break;

            case [0x1b, _, ..] when b == 'm':
                output.Write(_held.ToArray());
                output.Write([b]);
                _held.Clear();
                _coloured = true;
                break;

            default:
                GiveUp(output);
                Take(b, output);
                break;
        }
    }

    private void GiveUp(ArrayBufferWriter<byte> output)
    {
        foreach (var b in _held) Show(b, output);
        _held.Clear();
    }

    private static void Show(byte b, ArrayBufferWriter<byte> output)
    {
        if (b is >= 0x20 and not 0x7f or (byte)'\n' or (byte)'\r' or (byte)'\t') output.Write([b]);
        else output.Write(Encoding.ASCII.GetBytes($"\\x{b:x2}"));
    }
}
