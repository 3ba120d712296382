namespace Vni.Actors.Rules;

/// <summary>Judges rules by themselves: what can be known before there is an instance.</summary>
public static class RuleChecker
{
    /// <summary>Every problem of a text, in order of place; at most <see cref="RuleLimits.MaxProblems"/> and a few.</summary>
    /// <param name="text">The rules.</param>
    /// <param name="properties">The application's own properties; <c>null</c>: not known.</param>
    public static IReadOnlyList<RuleProblem> Check(string text, IReadOnlyDictionary<string, string>? properties)
    {
        var parsed = RuleParser.Parse(text);
        List<RuleProblem> problems = [.. parsed.Problems, .. Definitions(parsed, properties), .. Shadows(parsed.File)];
        var defined = Defined(parsed.File);
        var (_, evaluated) = new RuleEvaluator(
            name => defined.TryGetValue(name, out var rule) ? Known(rule) ?? $"<{name}>" : $"<{name}>",
            name => !defined.TryGetValue(name, out var rule) || (rule.IsOwn && Known(rule) is null)).Evaluate(parsed.File);
        problems.AddRange(evaluated);
        return [.. problems.OrderBy(p => p.Position.Line).ThenBy(p => p.Position.Column).Take(RuleLimits.MaxProblems + 1)];

        string? Known(DefineRule rule) => rule.IsOwn ? properties?.GetValueOrDefault(rule.Property) : null;
    }

    /// <summary>Definitions by variable; the first one of each counts.</summary>
    internal static Dictionary<string, DefineRule> Defined(RuleFile file)
    {
        var defined = new Dictionary<string, DefineRule>(StringComparer.Ordinal);
        foreach (var rule in file.Of<DefineRule>()) defined.TryAdd(rule.Name, rule);
        return defined;
    }

    private static IEnumerable<RuleProblem> Definitions(ParsedRules parsed, IReadOnlyDictionary<string, string>? properties)
    {
        var defined = Defined(parsed.File);
        var used = new HashSet<string>(StringComparer.Ordinal);
        foreach (var variable in Variables(parsed.File))
        {
            used.Add(variable.Name);
            if (!defined.ContainsKey(variable.Name))
            {
                var meant = Suggestion.For(variable.Name, defined.Keys) is { } near ? $"did you mean <{near}>?" : $"write 'Define <{variable.Name}> as PROPERTY ...'";
                yield return new RuleProblem(variable.Position, $"the variable <{variable.Name}> is not defined; {meant}");
            }
        }

        foreach (var rule in parsed.File.Of<DefineRule>())
        {
            var first = defined[rule.Name];
            if (first != rule) yield return new RuleProblem(rule.Position, $"<{rule.Name}> is defined in line {first.Position.Line} already: leave one of them");

            // A line that could not be read may have used it.
            else if (!used.Contains(rule.Name) && parsed.Problems.Count == 0)
                yield return new RuleProblem(rule.Position, $"<{rule.Name}> is never used: remove the line", IsWarning: true);
            if (PropertyProblem(rule, properties) is { } problem) yield return new RuleProblem(rule.PropertyPosition, problem);
        }
    }

    private static string? PropertyProblem(DefineRule rule, IReadOnlyDictionary<string, string>? properties)
    {
        if (!rule.IsOwn)
        {
            if (RuleProperties.IsBuiltIn(rule.Property)) return null;
            return Suggestion.For(rule.Property, RuleProperties.Names) is { } near
                ? $"unknown property '{rule.Property}'; did you mean '{near}'?"
                : $"unknown property '{rule.Property}': use {string.Join(", ", RuleProperties.Names)}, or the application's own in quotes";
        }

        if (RuleProperties.IsBuiltIn(rule.Property)) return $"every instance has the property '{rule.Property}': write it without quotes";
        if (RuleProperties.NameProblem(rule.Property) is { } wrong) return $"this is no name of a property: {wrong}";
        if (properties is null || properties.ContainsKey(rule.Property)) return null;
        return Suggestion.For(rule.Property, properties.Keys) is { } meant
            ? $"the application has no property '{rule.Property}'; did you mean '{meant}'?"
            : $"the application has no property '{rule.Property}': give it under 'properties:', or with --property {rule.Property}=VALUE";
    }

    private static IEnumerable<RulePart.Variable> Variables(RuleFile file) => file.Of<Rule>()
        .SelectMany<Rule, RuleText?>(rule => rule switch
        {
            RedirectRule r => [r.Path, r.Target],
            EnvironmentRule e => [e.Value],
            ResourceRule r => [r.Name],
            _ => [],
        })
        .SelectMany(text => text?.Parts ?? [])
        .OfType<RulePart.Variable>();

    /// <summary>Rules on resources that a later one of the same name overrules in every case.</summary>
    private static IEnumerable<RuleProblem> Shadows(RuleFile file)
    {
        var later = new Dictionary<(Resources.ResourceType Type, string Name), (ResourceAccess Access, int Line)>();
        foreach (var rule in file.Of<ResourceRule>().Reverse())
        {
            var every = later.GetValueOrDefault((rule.Type, "*"));
            var name = rule.Name is null ? "*" : RuleFormatter.Inner(rule.Name);
            var same = later.GetValueOrDefault((rule.Type, name));
            var over = (same.Access & rule.Access) == rule.Access ? same : every;
            if ((over.Access & rule.Access) == rule.Access)
                yield return new RuleProblem(rule.Position, $"this rule has no effect: line {over.Line} comes later and says otherwise for all of it", IsWarning: true);
            later[(rule.Type, name)] = (same.Access | rule.Access, Math.Max(same.Line, rule.Position.Line));
        }
    }
}
