namespace Vni.Actors.Rules;

/// <summary>Names of resources: texts, between any two of which any text may stand.</summary>
/// <param name="Texts">At least one; <c>["a", "b"]</c> is <c>a*b</c>, <c>["", ""]</c> is <c>*</c>.</param>
public sealed record NamePattern(IReadOnlyList<string> Texts)
{
    /// <summary>Every name.</summary>
    public static NamePattern All { get; } = new(["", ""]);

    /// <summary>Whether a name is one of them.</summary>
    public bool Matches(string name)
    {
        var (first, last) = (Texts[0], Texts[^1]);
        if (Texts.Count == 1) return name == first;
        if (name.Length < first.Length + last.Length || !name.StartsWith(first, StringComparison.Ordinal) || !name.EndsWith(last, StringComparison.Ordinal)) return false;

        // The earliest place of each text leaves the most room for the next ones.
        var (at, end) = (first.Length, name.Length - last.Length);
        for (var i = 1; i < Texts.Count - 1; i++)
        {
            var found = name.IndexOf(Texts[i], at, end - at, StringComparison.Ordinal);
            if (found < 0) return false;
            at = found + Texts[i].Length;
        }

        return true;
    }

    /// <summary>As it is written in a rule.</summary>
    public override string ToString() => string.Join('*', Texts);

    /// <inheritdoc />
    public bool Equals(NamePattern? other) => other is not null && Texts.SequenceEqual(other.Texts);

    /// <inheritdoc />
    public override int GetHashCode() => Texts.Aggregate(17, HashCode.Combine);
}
