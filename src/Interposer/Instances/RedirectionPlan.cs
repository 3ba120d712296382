using Vni.Actors;
using Vni.Actors.Rules;

namespace Vni.Interposer.Instances;

/// <summary>
/// Dynamic symbolic links [C6] of a new layer: the path becomes a link to the instance's own target, and what was there is
/// seen at the target. A directory is not copied: the target shows the lower one, and changes of it stay in the layer. What is
/// masked in it is masked at the target. A target that is there already is left as it is.
/// </summary>
internal sealed class RedirectionPlan
{
    private const int Executable = 0x1ed; // 0755

    /// <summary>Bytes of a file that is copied when an instance starts.</summary>
    private const long MaxFile = 256L << 20;

    private readonly ILowerRoot _lower;
    private readonly LayerView _view;
    private readonly List<LayerStep> _steps = [];

    private RedirectionPlan(ILowerRoot lower, LayerView view) => (_lower, _view) = (lower, view);

    /// <summary>The steps, in order, that follow <paramref name="made"/>.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.InvalidArgument"/>: with the files of this root a redirection is not
    /// possible; every one that is not is named.</exception>
    public static IReadOnlyList<LayerStep> Of(IReadOnlyList<Redirection> redirections, IReadOnlyList<LayerStep> made, ILowerRoot lower)
    {
        if (redirections.Count == 0) return [];
        var view = new LayerView(lower);
        foreach (var step in made) view.Add(step);
        var plan = new RedirectionPlan(lower, view);
        var problems = new List<RuleProblem>();
        var real = redirections.Select(one => Attempt(one, problems, () => plan.Resolve(one))).OfType<Resolved>().ToList();
        if (problems.Count == 0) problems.AddRange(RedirectionOverlaps.Find([.. real.Select(r => r.Rule with { Path = r.Path, Target = r.Target })]));
        if (problems.Count == 0)
        {
            foreach (var one in real)
            {
                Attempt(one.Rule, problems, () =>
                {
                    plan.Add(one);
                    return one;
                });
            }
        }

        if (problems.Count == 0) return plan._steps;
        throw new VniException(ErrorCodes.InvalidArgument, $"the rules cannot be applied to the application's files: {string.Join("; ", problems.Select(p => p.In("rules")))}");
    }

    private static Resolved? Attempt(Redirection rule, List<RuleProblem> problems, Func<Resolved> attempt)
    {
        try
        {
            return attempt();
        }
        catch (VniException e)
        {
            problems.Add(new RuleProblem(rule.Position, e.Message));
            return null;
        }
    }

    private Resolved Resolve(Redirection rule)
    {
        var (path, target) = (_view.Resolve(rule.Path, follow: false), _view.Resolve(rule.Target, follow: false));
        if (PathProblems.Of(path, isTarget: false) is { } wrong && path != rule.Path) throw Refused($"'{rule.Path}' leads to '{path}', and there {wrong}");
        if (PathProblems.Of(target, isTarget: true) is { } bad && target != rule.Target) throw Refused($"'{rule.Target}' leads to '{target}', and there {bad}");
        return new Resolved(rule, path, target);
    }

    private void Add(Resolved one)
    {
        var source = _view.Find(one.Path) is { Link: not null } ? _view.Resolve(one.Path, follow: true) : one.Path;
        var original = _view.Find(source);
        var beside = _view.Find(Parent(one.Path)) ?? new LowerEntry(true, Executable, 0, 0);
        if (_view.Find(one.Target) is null)
        {
            MakeParents(one.Target, beside);
            if (original is not null) Carry(source, original, one.Target);
            else if (one.Rule.IsDirectory) MakeDirectory(one.Target, new LowerEntry(true, Executable, beside.Uid, beside.Gid), null);
        }

        MakeParents(one.Path, new LowerEntry(true, Executable, 0, 0));
        if (_view.IsMade(one.Path)) Do(new LayerStep.Remove(Relative(one.Path)));
        Do(new LayerStep.Link(Relative(one.Path), one.Rule.Target));
    }

    /// <summary>Lets the original be seen at the target.</summary>
    private void Carry(string source, LowerEntry original, string target)
    {
        if (original.IsDirectory)
        {
            MakeDirectory(target, original, _view.FindBelow(source) is { IsDirectory: true, IsElsewhere: false } ? source : null);
            foreach (var step in _view.MadeIn(source))
            {
                Do(step switch
                {
                    LayerStep.MakeDirectory d => d with { Path = Moved(d.Path) },
                    LayerStep.Whiteout w => w with { Path = Moved(w.Path) },
                    _ => throw new InvalidOperationException("A layer's own files are reserved."),
                });
            }
        }
        else if (!original.IsFile)
        {
            throw Refused($"'{source}' is neither a directory nor a regular file; redirect the directory that it is in");
        }
        else if (original.Size > MaxFile)
        {
            throw Refused($"'{source}' has {original.Size} bytes, and files of more than {MaxFile} are not copied at a start; redirect the directory that it is in, which copies nothing");
        }
        else
        {
            if (_view.IsMade(target)) Do(new LayerStep.Remove(Relative(target)));
            Do(new LayerStep.CopyOf(Relative(target), _lower.OnNode(source), original.Mode, original.Uid, original.Gid));
        }

        string Moved(string path) => Relative(target + ("/" + path)[source.Length..]);
    }

    /// <summary>New directories are root's, but for the last one: there whoever could make the original can make it.</summary>
    private void MakeParents(string path, LowerEntry last)
    {
        var parent = Parent(path);
        if (_view.IsMade(parent) && _view.Find(parent) is not null) return;
        MakeParents(parent, new LowerEntry(true, Executable, 0, 0));
        MakeDirectory(parent, _view.Find(parent) ?? last, null);
    }

    private void MakeDirectory(string path, LowerEntry like, string? redirect)
    {
        // A mark that there is nothing gives way to a directory that shows nothing of the one below, either.
        var masked = _view.IsMade(path);
        if (masked) Do(new LayerStep.Remove(Relative(path)));
        Do(new LayerStep.MakeDirectory(Relative(path), like.Mode, like.Uid, like.Gid, masked && redirect is null, redirect));
    }

    private void Do(LayerStep step)
    {
        _steps.Add(step);
        _view.Add(step);
    }

    private static string Parent(string path) => Path.GetDirectoryName(path)!;

    private static string Relative(string path) => path.TrimStart('/');

    private static VniException Refused(string sentence) => new(ErrorCodes.InvalidArgument, sentence);

    /// <summary>A redirection with the links of the root resolved.</summary>
    private sealed record Resolved(Redirection Rule, string Path, string Target);
}
