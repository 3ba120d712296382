using System.Text;
using Vni.Actors.Resources;

namespace Vni.Actors.Rules;

/// <summary>Writes rules in the one form that all files have: single spaces, words spelled as the source does, comments kept.</summary>
public static class RuleFormatter
{
    /// <summary>The formatted text: it means the same, and formatting it again changes nothing. Empty lines at both ends are
    /// left out, and of several in a row all but one.</summary>
    public static string Format(RuleFile file)
    {
        var text = new StringBuilder();
        var gap = false;
        foreach (var line in file.Lines)
        {
            if (line is { Rule: null, Comment: null })
            {
                gap = text.Length > 0;
                continue;
            }

            if (gap) text.Append('\n');
            gap = false;
            if (line.Rule is not null) text.Append(Format(line.Rule));
            if (line.Comment is not null) text.Append(line.Rule is null ? "" : "  ").Append(line.Comment);
            text.Append('\n');
        }

        return text.ToString();
    }

    /// <summary>One rule on one line, without its end.</summary>
    public static string Format(Rule rule) => rule switch
    {
        DefineRule { IsOwn: true } d => $"Define <{d.Name}> as PROPERTY \"{Escape(d.Property)}\"",
        DefineRule d => $"Define <{d.Name}> as PROPERTY {RuleProperties.Spell(d.Property)}",
        RedirectRule r => $"REDIR PATH {Format(r.Path)} to {Format(r.Target)}",
        EnvironmentRule e => $"SET ENV {Format(e.Name)} = {Format(e.Value)}",
        ResourceRule r => $"RESOURCE {ResourceNames.Of(r.Type)} {(r.Name is null ? "" : Format(r.Name) + " ")}ON {RuleWords.Spell(r.Access)} DO {ResourceNames.Of(r.Action)}",
        _ => throw new ArgumentOutOfRangeException(nameof(rule), rule, "no such rule"),
    };

    /// <summary>Any text, in quotes and with escapes.</summary>
    public static string Quote(string text) => $"\"{Escape(text)}\"";

    /// <summary>A text as it stands between its quotes.</summary>
    internal static string Inner(RuleText text) => string.Concat(text.Parts.Select(part => part switch
    {
        RulePart.Literal literal => Escape(literal.Text),
        RulePart.Variable variable => $"<{variable.Name}>",
        _ => throw new ArgumentOutOfRangeException(nameof(text), part, "no such part"),
    }));

    internal static string Escape(string text) => text
        .Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("<", "\\<", StringComparison.Ordinal)
        .Replace("\n", "\\n", StringComparison.Ordinal).Replace("\t", "\\t", StringComparison.Ordinal);

    private static string Format(RuleText text) => $"\"{Inner(text)}\"";
}
