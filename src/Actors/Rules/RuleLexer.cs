using System.Text;
using Vni.Actors.Identity;

namespace Vni.Actors.Rules;

/// <summary>A word of a line of rules.</summary>
/// <param name="Position">Of its first character.</param>
internal abstract record RuleToken(RulePosition Position)
{
    /// <summary>How a message names it.</summary>
    public abstract string Name { get; }

    public sealed record Word(RulePosition Position, string Text) : RuleToken(Position)
    {
        public override string Name => DnsLabel.Quote(Text);
    }

    public sealed record Variable(RulePosition Position, string Text) : RuleToken(Position)
    {
        public override string Name => $"the variable <{Text}>";
    }

    public sealed record Quoted(RuleText Value) : RuleToken(Value.Position)
    {
        public override string Name => "a text in quotes";
    }

    public sealed record Sign(RulePosition Position, char Character) : RuleToken(Position)
    {
        public override string Name => $"'{Character}'";
    }

    public sealed record End(RulePosition Position) : RuleToken(Position)
    {
        public override string Name => "the end of the line";
    }
}

/// <summary>Says what is wrong with a line; the rest of it is not read.</summary>
internal sealed class RuleSyntaxException(RulePosition position, string sentence) : Exception(sentence)
{
    public RuleProblem Problem => new(position, Message);
}

/// <summary>Splits one line into words; every character is looked at once.</summary>
internal sealed class RuleLexer(string line, int number)
{
    private int _at;

    /// <summary>From <c>#</c> on, once <see cref="RuleToken.End"/> has been read; <c>null</c>: none.</summary>
    public string? Comment { get; private set; }

    /// <exception cref="RuleSyntaxException">There is no word.</exception>
    public RuleToken Next()
    {
        while (_at < line.Length && line[_at] is ' ' or '\t') _at++;
        var start = Here;
        if (_at == line.Length) return new RuleToken.End(start);
        switch (line[_at])
        {
            case '#':
                ReadComment();
                return new RuleToken.End(start);
            case '"':
                return new RuleToken.Quoted(ReadText());
            case '<':
                return new RuleToken.Variable(start, ReadVariable());
            case '=' or ',':
                return new RuleToken.Sign(start, line[_at++]);
            case var c when IsWordStart(c):
                return new RuleToken.Word(start, ReadWord());
            case '\'' or '“' or '”' or '„' or '‘' or '’':
                throw new RuleSyntaxException(start, "texts stand in straight double quotes: \"like this\"");
            default:
                throw new RuleSyntaxException(start, $"{Show()} has no meaning here: rules are made of words, <VARIABLES> and \"texts\"");
        }
    }

    private RulePosition Here => new(number, _at + 1);

    private void ReadComment()
    {
        for (var i = _at; i < line.Length; i++)
        {
            if (line[i] != '\t' && IsForbidden(line, i)) throw new RuleSyntaxException(new RulePosition(number, i + 1), $"the comment holds a control character (U+{(int)line[i]:X4}): remove it");
        }

        Comment = line[_at..].TrimEnd(' ', '\t');
        _at = line.Length;
    }

    private string ReadWord()
    {
        var start = _at;
        while (_at < line.Length && (IsWordStart(line[_at]) || char.IsAsciiDigit(line[_at]) || line[_at] is '-' or '_')) _at++;
        return line[start.._at];
    }

    /// <summary>From <c>&lt;</c> to <c>&gt;</c>.</summary>
    private string ReadVariable()
    {
        var start = Here;
        _at++;
        var name = _at < line.Length && IsWordStart(line[_at]) ? ReadWord() : "";
        if (name.Length == 0 || _at == line.Length || line[_at] != '>')
            throw new RuleSyntaxException(start, "'<' begins a variable such as <APPL-ID>, of letters, digits, '-' and '_' and a letter first; within quotes, '\\<' is the character itself");
        if (name.Length > RuleLimits.MaxName) throw new RuleSyntaxException(start, $"the variable's name has {name.Length} characters: at most {RuleLimits.MaxName} are possible");
        _at++;
        return name;
    }

    private RuleText ReadText()
    {
        var start = Here;
        var parts = new List<RulePart>();
        var literal = new StringBuilder();
        _at++;
        while (_at < line.Length && line[_at] != '"')
        {
            var here = Here;
            if (line[_at] == '<')
            {
                Flush();
                parts.Add(new RulePart.Variable(ReadVariable(), here));
            }
            else
            {
                literal.Append(ReadCharacter(here));
            }
        }

        if (_at == line.Length) throw new RuleSyntaxException(start, "this text has no closing quote: a text ends on its line");
        _at++;
        Flush();
        return new RuleText(start, parts);

        void Flush()
        {
            if (literal.Length > 0) parts.Add(new RulePart.Literal(literal.ToString()));
            literal.Clear();
        }
    }

    private char ReadCharacter(RulePosition here)
    {
        if (IsForbidden(line, _at)) throw new RuleSyntaxException(here, line[_at] switch
        {
            '\0' => "the text holds a NUL character, which neither a path nor a variable can",
            '\t' => "the text holds a tab: write \\t",
            var c => $"the text holds a control character or half a character (U+{(int)c:X4}): remove it",
        });
        if (line[_at] != '\\') return line[_at++];
        _at++;
        if (_at == line.Length) throw new RuleSyntaxException(here, "this text has no closing quote: a text ends on its line");
        return line[_at++] switch
        {
            '\\' => '\\',
            '"' => '"',
            '<' => '<',
            'n' => '\n',
            't' => '\t',
            _ => throw new RuleSyntaxException(here, "unknown escape: use \\\\, \\\", \\<, \\n or \\t"),
        };
    }

    private string Show() => char.IsControl(line[_at]) || char.IsSurrogate(line[_at]) ? $"U+{(int)line[_at]:X4}" : $"'{line[_at]}'";

    private static bool IsWordStart(char c) => char.IsAsciiLetter(c);

    /// <summary>A control character, or a surrogate that has no other half.</summary>
    private static bool IsForbidden(string text, int at) => char.IsControl(text[at])
        || (char.IsHighSurrogate(text[at]) && !(at + 1 < text.Length && char.IsLowSurrogate(text[at + 1])))
        || (char.IsLowSurrogate(text[at]) && !(at > 0 && char.IsHighSurrogate(text[at - 1])));
}
