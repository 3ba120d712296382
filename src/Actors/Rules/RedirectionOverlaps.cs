namespace Vni.Actors.Rules;

/// <summary>Finds redirections that get into each other's way: each must be a link to something that no other one moves.</summary>
public static class RedirectionOverlaps
{
    /// <summary>The first problem of each redirection that has one, in order. A path and a target are looked up among all
    /// others by themselves and by each directory above them, so a thousand cost no more than their length.</summary>
    public static IReadOnlyList<RuleProblem> Find(IReadOnlyList<Redirection> redirections)
    {
        var found = new List<RuleProblem>();
        var paths = new Dictionary<string, Redirection>(StringComparer.Ordinal);
        var targets = new Dictionary<string, Redirection>(StringComparer.Ordinal);
        var repeated = new HashSet<Redirection>(ReferenceEqualityComparer.Instance);
        foreach (var one in redirections)
        {
            if (!paths.TryAdd(one.Path, one)) Add(one, $"'{one.Path}' is redirected in line {paths[one.Path].Position.Line} already: leave one of them");
            else if (!targets.TryAdd(one.Target, one)) Add(one, $"the target '{one.Target}' is also that of line {targets[one.Target].Position.Line}: give each a target of its own");
        }

        foreach (var one in redirections.Where(one => !repeated.Contains(one)))
        {
            if (Sentence(one) is { } sentence) Add(one, sentence);
        }

        return [.. found.OrderBy(p => p.Position.Line)];

        void Add(Redirection one, string sentence)
        {
            repeated.Add(one);
            found.Add(new RuleProblem(one.Position, sentence));
        }

        string? Sentence(Redirection one)
        {
            if (one.Target == one.Path) return $"'{one.Path}' is redirected to itself: name another target";
            if (PathProblems.IsBelow(one.Target, one.Path)) return $"the target '{one.Target}' lies below the path that it stands for, so the link would lead to itself: choose one elsewhere";
            if (PathProblems.IsBelow(one.Path, one.Target)) return $"the path '{one.Path}' lies in its own target: choose a target elsewhere";
            if (Above(one.Path, paths) is { } over) return $"'{one.Path}' lies below '{over.Path}', which line {over.Position.Line} redirects as a whole: leave one of them";
            if (targets.TryGetValue(one.Path, out var chain) || (chain = Above(one.Path, targets)) is not null)
                return $"'{one.Path}' lies in '{chain.Target}', the target of line {chain.Position.Line}: redirect to the last target at once";
            if (Above(one.Target, paths) is { } through)
                return $"the target '{one.Target}' lies below '{through.Path}', which line {through.Position.Line} redirects: choose a target elsewhere";
            return Above(one.Target, targets) is { } within
                ? $"the target '{one.Target}' lies in '{within.Target}', the target of line {within.Position.Line}: give each a directory of its own"
                : null;
        }
    }

    private static Redirection? Above(string path, Dictionary<string, Redirection> among)
    {
        for (var slash = path.LastIndexOf('/'); slash > 0; slash = path.LastIndexOf('/', slash - 1))
        {
            if (among.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(path.AsSpan(0, slash), out var found)) return found;
        }

        return null;
    }
}
