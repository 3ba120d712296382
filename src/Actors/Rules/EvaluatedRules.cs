using Vni.Actors.Applications;
using Vni.Actors.Resources;

namespace Vni.Actors.Rules;

/// <summary>What the rules of an application mean for one instance.</summary>
public sealed record EvaluatedRules
{
    /// <summary>Of an application without rules.</summary>
    public static EvaluatedRules None { get; } = new();

    /// <summary>Its dynamic symbolic links, in the order of the rules.</summary>
    public IReadOnlyList<Redirection> Redirections { get; init; } = [];

    /// <summary>Variables of every program's environment; a program's own count more.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>Rules on resources, in order.</summary>
    public IReadOnlyList<ResourcePolicy> Resources { get; init; } = [];

    /// <summary>The environment of a program: what the rules set, and what it has of its own in its place.</summary>
    public IReadOnlyDictionary<string, string> EnvironmentOf(IReadOnlyDictionary<string, string> own) => Variables.Over(Environment, own);

    /// <summary>What the rules say of a resource; where several speak of it, the last one counts. <c>null</c>: nothing.</summary>
    /// <param name="type">Its type.</param>
    /// <param name="name">Its virtual id as tables show it: a decimal number, or a path or name.</param>
    /// <param name="access">What was done with it: a rule that names any of these holds.</param>
    public ResourceDisposition? DispositionOf(ResourceType type, string name, ResourceAccess access = ResourceAccess.Any) =>
        Resources.LastOrDefault(policy => policy.Type == type && (policy.Access & access) != ResourceAccess.None && policy.Name.Matches(name))?.Action;
}

/// <summary>A dynamic symbolic link.</summary>
/// <param name="Path">The virtual path, absolute, without a slash at its end.</param>
/// <param name="Target">The instance's own, likewise.</param>
/// <param name="IsDirectory">The rule says so by a slash at the end of the virtual path: where nothing is, a directory is made.</param>
/// <param name="Position">Of the rule.</param>
public sealed record Redirection(string Path, string Target, bool IsDirectory, RulePosition Position);

/// <param name="Type">Type of the resource.</param>
/// <param name="Name">Which of them.</param>
/// <param name="Access">On which access.</param>
/// <param name="Action">What becomes of it.</param>
public sealed record ResourcePolicy(ResourceType Type, NamePattern Name, ResourceAccess Access, ResourceDisposition Action);
