using Vni.Actors.Applications;
using Vni.Actors.Identity;

namespace Vni.Actors.Rules;

/// <summary>Rules of an application, evaluated for one instance of it [B8]. Pure: the same instance has the same rules always.</summary>
public static class InstanceRules
{
    /// <summary>What the rules of a declaration mean for an instance.</summary>
    /// <param name="declaration">Rules and own properties.</param>
    /// <param name="aid">Its name.</param>
    /// <param name="identity">Address and hostname.</param>
    /// <param name="node">The node on which it was first run.</param>
    /// <exception cref="VniException"><see cref="ErrorCodes.InvalidArgument"/>, with every problem: with the values of this
    /// instance, a rule that looked good is not.</exception>
    public static EvaluatedRules Of(ApplicationDeclaration declaration, Aid aid, VirtualIdentity identity, string node)
    {
        if (declaration.Rules is not { } text) return EvaluatedRules.None;
        var (rules, problems) = Evaluate(text, RuleProperties.Of(declaration, aid, identity, node));
        if (problems.Count == 0) return rules;
        throw new VniException(ErrorCodes.InvalidArgument, $"the rules of application {aid} cannot be applied: {string.Join("; ", problems.Select(p => p.In("rules")))}");
    }

    /// <summary>What an application's state tells.</summary>
    internal static EvaluatedRules Of(ApplicationState state) => Of(state.Declaration, state.Aid, state.Identity, state.Origin ?? state.Node);

    private static (EvaluatedRules Rules, IReadOnlyList<RuleProblem> Problems) Evaluate(string text, IReadOnlyDictionary<string, string> properties)
    {
        var parsed = RuleParser.Parse(text);
        if (parsed.Problems.Count > 0) return (EvaluatedRules.None, parsed.Problems);
        var defined = RuleChecker.Defined(parsed.File);
        return new RuleEvaluator(name => defined.TryGetValue(name, out var rule) ? properties.GetValueOrDefault(RuleProperties.Spell(rule.Property)) : null, _ => false).Evaluate(parsed.File);
    }
}
