using System.Globalization;
using System.Text;

namespace Vni.Cli.Output;

/// <summary>
/// Makes any text safe to show: what an application or a file calls itself must not move the cursor, set colours, hide
/// text or reverse its direction.
/// </summary>
internal static class Printable
{
    /// <summary>Control and format characters, line and paragraph separators, and lone surrogates become escapes.</summary>
    public static string Escape(string text)
    {
        StringBuilder? escaped = null;
        for (var i = 0; i < text.Length; i++)
        {
            var length = char.IsSurrogatePair(text, i) ? 2 : 1;
            if (IsSafe(text, i, length)) escaped?.Append(text, i, length);
            else (escaped ??= new StringBuilder(text, 0, i, text.Length + 16)).Append(EscapeOf(text[i]));
            i += length - 1;
        }

        return escaped?.ToString() ?? text;
    }

    private static bool IsSafe(string text, int index, int length)
    {
        if (length == 1 && text[index] is >= ' ' and <= '~') return true;
        return CharUnicodeInfo.GetUnicodeCategory(text, index) is not (
            UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
            or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned);
    }

    private static string EscapeOf(char c) => c switch
    {
        '\n' => "\\n",
        '\t' => "\\t",
        '\r' => "\\r",
        < (char)0x100 => $"\\x{(int)c:x2}",
        _ => $"\\u{(int)c:x4}",
    };
}
