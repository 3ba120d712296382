using System.Collections.Frozen;
using System.Text;

namespace Vni.Actors.Rules;

/// <summary>What a text of rules says. A line with a problem is left out; the next one is read all the same.</summary>
/// <param name="File">The rules.</param>
/// <param name="Problems">What could not be read, in order.</param>
public sealed record ParsedRules(RuleFile File, IReadOnlyList<RuleProblem> Problems);

/// <summary>Recursive descent over one line at a time: keywords in any case, one rule a line.</summary>
public static class RuleParser
{
    private const string Anything = "write Define, REDIR PATH, SET ENV or RESOURCE";

    /// <summary>Reads a whole text; never fails, whatever it is.</summary>
    public static ParsedRules Parse(string text)
    {
        if (Encoding.UTF8.GetByteCount(text) is var size and > RuleLimits.MaxBytes)
            return new ParsedRules(new RuleFile([]), [new RuleProblem(new RulePosition(1, 1), $"the rules have {size} bytes: at most {RuleLimits.MaxBytes} are possible")]);
        var lines = new List<RuleLine>();
        var problems = new List<RuleProblem>();
        var rules = 0;
        foreach (var line in text.Split('\n'))
        {
            var read = ReadLine(line.EndsWith('\r') ? line[..^1] : line, lines.Count + 1, problems);
            lines.Add(read);
            if (read.Rule is not null && ++rules > RuleLimits.MaxRules)
            {
                problems.Add(new RuleProblem(read.Rule.Position, $"this is rule {rules}: at most {RuleLimits.MaxRules} are possible"));
                break;
            }

            if (problems.Count < RuleLimits.MaxProblems) continue;
            problems.Add(new RuleProblem(new RulePosition(lines.Count + 1, 1), "from here on nothing was read: there are too many problems before"));
            break;
        }

        return new ParsedRules(new RuleFile(lines), problems);
    }

    private static RuleLine ReadLine(string line, int number, List<RuleProblem> problems)
    {
        var lexer = new RuleLexer(line, number);
        try
        {
            var first = lexer.Next();
            var rule = first is RuleToken.End ? null : new Line(lexer).Read(first);
            return new RuleLine(rule, lexer.Comment);
        }
        catch (RuleSyntaxException e)
        {
            problems.Add(e.Problem);
            return new RuleLine(null, null);
        }
    }

    private sealed class Line(RuleLexer lexer)
    {
        public Rule Read(RuleToken first)
        {
            if (first is not RuleToken.Word word) throw new RuleSyntaxException(first.Position, $"a rule cannot begin with {first.Name}: {Anything}");
            Rule rule = word.Text.ToUpperInvariant() switch
            {
                "DEFINE" => Define(word.Position),
                "REDIR" => Redirect(word.Position),
                "SET" => Environment(word.Position),
                "RESOURCE" => Resource(word.Position),
                _ => throw new RuleSyntaxException(word.Position, Suggestion.For(word.Text, RuleWords.Beginnings) is { } meant
                    ? $"unknown rule {word.Name}; did you mean '{meant}'?"
                    : $"unknown rule {word.Name}: {Anything}"),
            };
            var end = lexer.Next();
            if (end is not RuleToken.End) throw new RuleSyntaxException(end.Position, $"the rule is complete before {end.Name}: write one rule a line, and comments after '#'");
            return rule;
        }

        private DefineRule Define(RulePosition position)
        {
            var name = lexer.Next();
            if (name is not RuleToken.Variable variable) throw Expected(name, "a variable such as <APPL-ID>", "Define");
            Keyword("as", $"<{variable.Text}>");
            Keyword("PROPERTY", "as");
            return lexer.Next() switch
            {
                RuleToken.Word word => new DefineRule(position, variable.Text, word.Text, IsOwn: false, word.Position),
                RuleToken.Quoted { Value.Parts: [RulePart.Literal own] } quoted => new DefineRule(position, variable.Text, own.Text, IsOwn: true, quoted.Position),
                RuleToken.Quoted quoted => throw new RuleSyntaxException(quoted.Position, "a property's name is a plain text, not empty and without variables"),
                var other => throw Expected(other, "a property such as application-ID", "PROPERTY"),
            };
        }

        private RedirectRule Redirect(RulePosition position)
        {
            Keyword("PATH", "REDIR");
            var path = Text("the path that the application uses", "PATH");
            Keyword("to", "the path");
            return new RedirectRule(position, path, Text("the target", "to"));
        }

        private EnvironmentRule Environment(RulePosition position)
        {
            Keyword("ENV", "SET");
            var name = Text("the name of the variable", "ENV");
            if (lexer.Next() is var sign and not RuleToken.Sign { Character: '=' }) throw Expected(sign, "'='", "the name");
            return new EnvironmentRule(position, name, Text("the value", "'='"));
        }

        private ResourceRule Resource(RulePosition position)
        {
            var type = OneOf(lexer.Next(), RuleWords.Types, "type of resource", "RESOURCE");
            var next = lexer.Next();
            var name = next is RuleToken.Quoted quoted ? quoted.Value : null;
            Keyword(name is null ? next : lexer.Next(), "ON", name is null ? "the type, or a name in quotes" : "the name");
            var access = ResourceAccess.None;
            do
            {
                var word = lexer.Next();
                var one = OneOf(word, RuleWords.Accesses, "access", access == ResourceAccess.None ? "ON" : "','");
                if (access.HasFlag(one)) throw new RuleSyntaxException(word.Position, $"{word.Name} is said already: name each access once");
                if (one == ResourceAccess.Any && access != ResourceAccess.None) throw new RuleSyntaxException(word.Position, "'any' stands alone: it is all the others");
                access |= one;
                next = lexer.Next();
            }
            while (next is RuleToken.Sign { Character: ',' });
            Keyword(next, "DO", "the access");
            return new ResourceRule(position, type, name, access, OneOf(lexer.Next(), RuleWords.Actions, "action", "DO"));
        }

        private RuleText Text(string what, string after) => lexer.Next() switch
        {
            RuleToken.Quoted quoted => quoted.Value,
            var other => throw Expected(other, $"{what} in double quotes", after),
        };

        private void Keyword(string keyword, string after) => Keyword(lexer.Next(), keyword, after);

        private static void Keyword(RuleToken token, string keyword, string after)
        {
            if (token is RuleToken.Word word && word.Text.Equals(keyword, StringComparison.OrdinalIgnoreCase)) return;
            throw Expected(token, $"'{keyword}'", after);
        }

        private static T OneOf<T>(RuleToken token, FrozenDictionary<string, T> words, string what, string after)
        {
            if (token is not RuleToken.Word word) throw Expected(token, $"{(what[0] is 'a' or 'e' ? "an" : "a")} {what}", after);
            if (words.TryGetValue(word.Text, out var value)) return value;
            throw new RuleSyntaxException(word.Position, $"unknown {what} {word.Name}; {RuleWords.Meant(word.Text, [.. words.Keys.Order(StringComparer.Ordinal)])}");
        }

        private static RuleSyntaxException Expected(RuleToken found, string wanted, string after) =>
            new(found.Position, $"{wanted} must follow {after}; found {found.Name}");
    }
}
