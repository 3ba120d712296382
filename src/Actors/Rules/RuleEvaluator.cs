using System.Text;

namespace Vni.Actors.Rules;

/// <summary>Puts values in the place of variables, and checks what comes out: values are known to nobody before.</summary>
/// <param name="values">By variable; <c>null</c>: there is none, which is told elsewhere.</param>
/// <param name="open">Variables whose value stands for one that is not known yet.</param>
internal sealed class RuleEvaluator(Func<string, string?> values, Func<string, bool> open)
{
    /// <summary>Bytes of a path at which nothing more is put together; it is too long in any case.</summary>
    private const int MaxRendered = 4 * RuleLimits.MaxPath;

    private readonly List<RuleProblem> _problems = [];

    /// <summary>What the rules mean, as far as they are good, and what is wrong with the others.</summary>
    public (EvaluatedRules Rules, IReadOnlyList<RuleProblem> Problems) Evaluate(RuleFile file)
    {
        var redirections = file.Of<RedirectRule>().Select(Redirect).OfType<Redirection>().ToList();
        _problems.AddRange(RedirectionOverlaps.Find(redirections));
        var rules = new EvaluatedRules
        {
            Redirections = redirections,
            Environment = Environment(file),
            Resources = [.. file.Of<ResourceRule>().Select(rule => new ResourcePolicy(rule.Type, rule.Name is null ? NamePattern.All : Pattern(rule.Name), rule.Access, rule.Action))],
        };
        return (rules, _problems);
    }

    private Redirection? Redirect(RedirectRule rule)
    {
        if (Path(rule.Path, isTarget: false) is not { } path || Path(rule.Target, isTarget: true) is not { } target) return null;
        return new Redirection(path.TrimEnd('/'), target.TrimEnd('/'), path.EndsWith('/'), rule.Position);
    }

    private string? Path(RuleText text, bool isTarget)
    {
        if (Render(text, MaxRendered) is not { } path) return null;

        // A value that is not known yet may be the beginning of an absolute path.
        var whole = text.Parts is [RulePart.Variable first, ..] && open(first.Name) ? "/" + path : path;
        if (PathProblems.Of(whole, isTarget) is not { } problem) return path;
        Add(text.Position, problem);
        return null;
    }

    private Dictionary<string, string> Environment(RuleFile file)
    {
        var set = new Dictionary<string, string>(StringComparer.Ordinal);
        var lines = new Dictionary<string, int>(StringComparer.Ordinal);
        var size = 0;
        foreach (var rule in file.Of<EnvironmentRule>())
        {
            if (rule.Name.Parts is not [RulePart.Literal { Text: var name }] || !IsVariableName(name))
            {
                Add(rule.Name.Position, "this is no name of a variable: use letters, digits and '_', no digit first, and nothing in angle brackets");
            }
            else if (!lines.TryAdd(name, rule.Position.Line))
            {
                Add(rule.Name.Position, $"{name} is set in line {lines[name]} already: leave one of them");
            }
            else if (Render(rule.Value, RuleLimits.MaxEnvironment) is { } value)
            {
                if ((size += Encoding.UTF8.GetByteCount(name) + Encoding.UTF8.GetByteCount(value) + 2) > RuleLimits.MaxEnvironment)
                {
                    Add(rule.Value.Position, $"with this, the variables that rules set have more than {RuleLimits.MaxEnvironment} bytes: set less");
                    break;
                }

                set.Add(name, value);
            }
        }

        return set;
    }

    private NamePattern Pattern(RuleText name)
    {
        var texts = new List<string>();
        var text = new StringBuilder();
        foreach (var part in name.Parts)
        {
            if (part is RulePart.Literal literal)
            {
                var split = literal.Text.Split('*');
                foreach (var before in split[..^1])
                {
                    texts.Add(text.Append(before).ToString());
                    text.Clear();
                }

                text.Append(split[^1]);
            }
            else if (part is RulePart.Variable variable)
            {
                text.Append(values(variable.Name)); // A star in a value is a star.
            }
        }

        return new NamePattern([.. texts, text.ToString()]);
    }

    /// <summary>The text with values; <c>null</c>: it is longer than <paramref name="limit"/> bytes, or a variable has none.</summary>
    private string? Render(RuleText text, int limit)
    {
        var rendered = new StringBuilder();
        foreach (var part in text.Parts)
        {
            var piece = part switch
            {
                RulePart.Literal literal => literal.Text,
                RulePart.Variable variable => values(variable.Name),
                _ => null,
            };
            if (piece is null) return null;
            rendered.Append(piece);
            if (rendered.Length <= limit) continue;
            Add(text.Position, $"this is too long with the values of its variables: at most {limit} bytes are possible");
            return null;
        }

        return rendered.ToString();
    }

    private void Add(RulePosition position, string sentence) => _problems.Add(new RuleProblem(position, sentence));

    private static bool IsVariableName(string name) =>
        !char.IsAsciiDigit(name[0]) && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_');
}
