using Vni.Actors.Resources;

namespace Vni.Actors.Rules;

/// <summary>A file of rules as it was written, line by line; <c>docs/rules.md</c> has the grammar.</summary>
/// <param name="Lines">Every line, in order; one that could not be read has neither rule nor comment.</param>
public sealed record RuleFile(IReadOnlyList<RuleLine> Lines)
{
    /// <summary>The rules of one kind, in order.</summary>
    public IEnumerable<T> Of<T>()
        where T : Rule => Lines.Select(line => line.Rule).OfType<T>();
}

/// <param name="Rule">The rule; <c>null</c>: none.</param>
/// <param name="Comment">From <c>#</c> to the end of the line, without spaces at its end; <c>null</c>: none.</param>
public sealed record RuleLine(Rule? Rule, string? Comment);

/// <summary>One rule, not evaluated.</summary>
/// <param name="Position">Of its first word.</param>
public abstract record Rule(RulePosition Position);

/// <summary><c>Define &lt;NAME&gt; as PROPERTY property</c></summary>
/// <param name="Position">Of its first word.</param>
/// <param name="Name">The variable, without the angle brackets.</param>
/// <param name="Property">A property's name.</param>
/// <param name="IsOwn">It stands in quotes: the application's own property.</param>
/// <param name="PropertyPosition">Where the property stands.</param>
public sealed record DefineRule(RulePosition Position, string Name, string Property, bool IsOwn, RulePosition PropertyPosition) : Rule(Position);

/// <summary><c>REDIR PATH "path" to "target"</c>: a dynamic symbolic link [C6].</summary>
/// <param name="Position">Of its first word.</param>
/// <param name="Path">What the application uses.</param>
/// <param name="Target">What it stands for.</param>
public sealed record RedirectRule(RulePosition Position, RuleText Path, RuleText Target) : Rule(Position);

/// <summary><c>SET ENV "NAME" = "value"</c></summary>
/// <param name="Position">Of its first word.</param>
/// <param name="Name">The variable of the environment.</param>
/// <param name="Value">What it is set to.</param>
public sealed record EnvironmentRule(RulePosition Position, RuleText Name, RuleText Value) : Rule(Position);

/// <summary><c>RESOURCE type "name" ON access DO action</c> [B2].</summary>
/// <param name="Position">Of its first word.</param>
/// <param name="Type">The resource's type.</param>
/// <param name="Name">Its virtual id, where <c>*</c> stands for any text; <c>null</c>: every one of the type.</param>
/// <param name="Access">On which access the rule holds.</param>
/// <param name="Action">What becomes of the resource.</param>
public sealed record ResourceRule(RulePosition Position, ResourceType Type, RuleText? Name, ResourceAccess Access, ResourceDisposition Action) : Rule(Position);

/// <summary>A text in quotes, with variables in it.</summary>
/// <param name="Position">Of the opening quote.</param>
/// <param name="Parts">Literals and variables, in order; no two literals follow each other.</param>
public sealed record RuleText(RulePosition Position, IReadOnlyList<RulePart> Parts);

/// <summary>A part of a text.</summary>
public abstract record RulePart
{
    private RulePart() { }

    /// <summary>Characters that stand for themselves, escapes resolved.</summary>
    public sealed record Literal(string Text) : RulePart;

    /// <summary>A variable in angle brackets.</summary>
    public sealed record Variable(string Name, RulePosition Position) : RulePart;
}
