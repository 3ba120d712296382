using Vni.Actors.Messages;
using Vni.Actors.Rules;
using Vni.Cli.Output;

namespace Vni.Cli.Views;

/// <summary>What <c>vni rules show</c> prints: rules again, with values in the place of variables.</summary>
internal static class RulesText
{
    public static void Write(Screen screen, RulesView rules)
    {
        foreach (var r in rules.Redirections) screen.Line($"REDIR PATH {RuleFormatter.Quote(r.Path)} to {RuleFormatter.Quote(r.Target)}");
        foreach (var (name, value) in rules.Environment) screen.Line($"SET ENV {RuleFormatter.Quote(name)} = {RuleFormatter.Quote(value)}");
        foreach (var r in rules.Resources) screen.Line($"RESOURCE {r.Type} {RuleFormatter.Quote(r.Name)} ON {r.Access} DO {r.Action}");
    }
}
