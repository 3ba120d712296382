namespace Vni.Actors;

/// <summary>What a mistyped word was probably meant to be.</summary>
public static class Suggestion
{
    /// <summary>The nearest of <paramref name="known"/>, in whatever case, if it is near enough: one edit for short words, two for longer ones.</summary>
    public static string? For(string word, IEnumerable<string> known)
    {
        var (nearest, distance) = known.Select(k => (k, Distance(word.ToLowerInvariant(), k.ToLowerInvariant()))).DefaultIfEmpty(("", int.MaxValue)).MinBy(found => found.Item2);
        return distance <= (word.Length <= 3 ? 1 : 2) ? nearest : null;
    }

    /// <summary>Insertions, deletions, replacements and exchanges of neighbours (optimal string alignment).</summary>
    private static int Distance(string a, string b)
    {
        if (a.Length > 64) return int.MaxValue;
        var d = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++) d[i, 0] = i;
        for (var j = 0; j <= b.Length; j++) d[0, j] = j;
        for (var i = 1; i <= a.Length; i++)
        {
            for (var j = 1; j <= b.Length; j++)
            {
                var replaced = d[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                d[i, j] = Math.Min(replaced, Math.Min(d[i - 1, j], d[i, j - 1]) + 1);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) d[i, j] = Math.Min(d[i, j], d[i - 2, j - 2] + 1);
            }
        }

        return d[a.Length, b.Length];
    }
}
