namespace Vni.Actors.Rules;

/// <summary>A place in a file of rules.</summary>
/// <param name="Line">From 1.</param>
/// <param name="Column">From 1, in UTF-16 units; a tab is one.</param>
public readonly record struct RulePosition(int Line, int Column);

/// <summary>Something that is wrong with rules.</summary>
/// <param name="Position">Where.</param>
/// <param name="Sentence">What, and what would be right; no full stop at its end.</param>
/// <param name="IsWarning">The rules do what they say all the same.</param>
public sealed record RuleProblem(RulePosition Position, string Sentence, bool IsWarning = false)
{
    /// <summary><c>FILE:LINE:COLUMN: SENTENCE</c>, as compilers write it.</summary>
    public string In(string file) => $"{file}:{Position.Line}:{Position.Column}: {(IsWarning ? "warning: " : "")}{Sentence}";
}
