using System.Text;

namespace Vni.Cli.Values;

/// <summary>
/// Splits and joins command lines by the quoting rules of the POSIX shell (XCU 2.2), without any of its expansions: what a
/// shell would expand or interpret is refused, because it would not be.
/// </summary>
internal static class ShellWords
{
    private const string Interpreted = "|&;<>()$`";

    /// <summary>Splits a line into words.</summary>
    /// <param name="line">The line.</param>
    /// <param name="words">The words; empty when it fails.</param>
    /// <returns><c>null</c>, or what is wrong, as the second half of a sentence.</returns>
    public static string? Split(string line, out IReadOnlyList<string> words)
    {
        var found = new List<string>();
        words = [];
        StringBuilder? word = null;
        for (var i = 0; i < line.Length; i++)
        {
            var c = line[i];
            if (char.IsWhiteSpace(c))
            {
                if (word is not null) found.Add(word.ToString());
                word = null;
                continue;
            }

            word ??= new StringBuilder();
            if (c == '\\')
            {
                if (++i == line.Length) return "it ends with a backslash";
                word.Append(line[i]);
            }
            else if (c == '\'')
            {
                var end = line.IndexOf('\'', i + 1);
                if (end < 0) return "a single quote is not closed";
                word.Append(line, i + 1, end - i - 1);
                i = end;
            }
            else if (c == '"')
            {
                if (DoubleQuoted(line, ref i, word) is { } problem) return problem;
            }
            else if (Interpreted.Contains(c))
            {
                return $"'{c}' would need a shell: quote it, or run [sh, -c, ...]";
            }
            else
            {
                word.Append(c);
            }
        }

        if (word is not null) found.Add(word.ToString());
        words = found;
        return null;
    }

    /// <summary>One line that <see cref="Split"/> and a shell take apart into the same words.</summary>
    public static string Join(IEnumerable<string> words) => string.Join(' ', words.Select(Quote));

    private static string? DoubleQuoted(string line, ref int i, StringBuilder word)
    {
        for (i++; i < line.Length && line[i] != '"'; i++)
        {
            // Within double quotes a backslash is special before these only (XCU 2.2.3).
            if (line[i] == '\\' && i + 1 < line.Length && "$`\"\\".Contains(line[i + 1])) i++;
            else if (line[i] is '$' or '`') return $"'{line[i]}' would need a shell: quote it, or run [sh, -c, ...]";
            word.Append(line[i]);
        }

        return i < line.Length ? null : "a double quote is not closed";
    }

    private static string Quote(string word)
    {
        var plain = word.Length > 0 && word.All(c => char.IsAsciiLetterOrDigit(c) || "-_./:=@%+,*".Contains(c) || c > 127);
        return plain ? word : $"'{word.Replace("'", "'\\''")}'";
    }
}
