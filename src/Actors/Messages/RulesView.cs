using Vni.Actors.Applications;
using Vni.Actors.Resources;
using Vni.Actors.Rules;

namespace Vni.Actors.Messages;

/// <summary>What the rules of an application mean for it, evaluated.</summary>
/// <param name="Redirections">Dynamic symbolic links.</param>
/// <param name="Environment">Variables of every program's environment.</param>
/// <param name="Resources">Rules on resources; of several that match the last one counts.</param>
public sealed record RulesView(
    IReadOnlyList<RedirectionView> Redirections, IReadOnlyDictionary<string, string> Environment, IReadOnlyList<ResourceRuleView> Resources)
{
    /// <summary>Of an application; <c>null</c>: it has no rules, or another version wrote them and they mean nothing here.</summary>
    internal static RulesView? Of(ApplicationState state)
    {
        if (state.Declaration.Rules is null) return null;
        try
        {
            var rules = InstanceRules.Of(state);
            return new RulesView(
                [.. rules.Redirections.Select(r => new RedirectionView(r.Path, r.Target))],
                rules.Environment,
                [.. rules.Resources.Select(r => new ResourceRuleView(
                    ResourceNames.Of(r.Type), r.Name.ToString(), RuleWords.Spell(r.Access), ResourceNames.Of(r.Action)))]);
        }
        catch (VniException)
        {
            return null;
        }
    }
}

/// <param name="Path">What the application uses.</param>
/// <param name="Target">What that stands for.</param>
public sealed record RedirectionView(string Path, string Target);

/// <param name="Type">Type of the resource, such as <c>semaphore</c>.</param>
/// <param name="Name">Its virtual id; <c>*</c> stands for any text.</param>
/// <param name="Access"><c>any</c>, or words with commas: <c>create, write</c>.</param>
/// <param name="Action">What becomes of it, such as <c>copy-on-write</c>.</param>
public sealed record ResourceRuleView(string Type, string Name, string Access, string Action);
