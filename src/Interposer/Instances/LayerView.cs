using Vni.Actors;

namespace Vni.Interposer.Instances;

/// <summary>What an instance will see at its paths: a layer that is being planned, over its lower root.</summary>
internal sealed class LayerView(ILowerRoot lower)
{
    /// <summary>As many as the kernel follows; path_resolution(7).</summary>
    private const int MaxLinks = 40;

    private readonly List<LayerStep> _steps = [];
    private readonly Dictionary<string, LowerEntry?> _made = new(StringComparer.Ordinal);
    private readonly HashSet<string> _hiding = new(StringComparer.Ordinal);

    /// <summary>Takes a further step into account.</summary>
    public void Add(LayerStep step)
    {
        _steps.Add(step);
        var (path, entry, hides) = step switch
        {
            LayerStep.MakeDirectory d => (d.Path, new LowerEntry(true, d.Mode, d.Uid, d.Gid), d.Opaque),
            LayerStep.Link l => (l.Path, new LowerEntry(false, 0x1ff, 0, 0) { Link = l.Target }, true),
            LayerStep.Text t => (t.Path, new LowerEntry(false, t.Mode, 0, 0) { IsFile = true }, true),
            LayerStep.CopyOf c => (c.Path, new LowerEntry(false, c.Mode, c.Uid, c.Gid) { IsFile = true }, true),
            LayerStep.Device d => (d.Path, new LowerEntry(false, d.Mode, 0, 0), true),
            LayerStep.Whiteout w => (w.Path, null, true),
            LayerStep.Remove r => (r.Path, (LowerEntry?)null, false),
            _ => throw new ArgumentOutOfRangeException(nameof(step), step, "no such step"),
        };
        path = path == "." ? "/" : "/" + path;
        if (step is LayerStep.Remove)
        {
            foreach (var gone in _made.Keys.Where(made => made == path || made.StartsWith(path + "/", StringComparison.Ordinal)).ToList())
            {
                _made.Remove(gone);
                _hiding.Remove(gone);
            }
        }
        else
        {
            _made[path] = entry;
            if (hides) _hiding.Add(path);
        }
    }

    /// <summary>What is seen at a path, itself; its parents are no links. <c>null</c>: nothing.</summary>
    public LowerEntry? Find(string path)
    {
        if (_made.TryGetValue(path, out var made)) return made;
        return IsHidden(path) ? null : InLower(path);
    }

    /// <summary>What the lower root contributes to a path; <c>null</c>: nothing, or it is hidden.</summary>
    public LowerEntry? FindBelow(string path) => IsHidden(path) ? null : InLower(path);

    /// <summary>Whether the layer has anything at a path, be it a mark that there is nothing.</summary>
    public bool IsMade(string path) => _made.ContainsKey(path);

    /// <summary>The steps that made what is in a directory, in order.</summary>
    public IReadOnlyList<LayerStep> MadeIn(string directory) =>
        [.. _steps.Where(step => step is LayerStep.MakeDirectory or LayerStep.Whiteout && PathOf(step).StartsWith(directory + "/", StringComparison.Ordinal))];

    /// <summary>The path without links, as far as it exists; the last part stays a link unless <paramref name="follow"/>.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.InvalidArgument"/>: it goes through something that is no directory, or in circles.</exception>
    public string Resolve(string path, bool follow)
    {
        var rest = new Stack<string>(path.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse());
        var (at, links) = ("/", 0);
        while (rest.TryPop(out var name))
        {
            if (name == ".") continue;
            if (name == "..")
            {
                at = Path.GetDirectoryName(at) ?? "/";
                continue;
            }

            var next = at == "/" ? "/" + name : at + "/" + name;
            var entry = Find(next);
            if (entry?.Link is { } target && (follow || rest.Count > 0))
            {
                if (++links > MaxLinks) throw new VniException(ErrorCodes.InvalidArgument, $"'{path}' leads through more than {MaxLinks} symbolic links; name what it leads to");
                if (target.StartsWith('/')) at = "/";
                foreach (var part in target.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse()) rest.Push(part);
                continue;
            }

            if (entry is { IsDirectory: false } && rest.Count > 0) throw new VniException(ErrorCodes.InvalidArgument, $"'{next}', on the way of '{path}', is no directory; choose another path");
            at = next;
        }

        return at;
    }

    private static string PathOf(LayerStep step) => "/" + (step is LayerStep.MakeDirectory d ? d.Path : ((LayerStep.Whiteout)step).Path);

    private bool IsHidden(string path)
    {
        for (var at = path; at is not null and not "/"; at = Path.GetDirectoryName(at))
        {
            if (_hiding.Contains(at)) return true;
        }

        return false;
    }

    private LowerEntry? InLower(string path)
    {
        // Of what is mounted there the overlay shows the mount point, and nothing in it.
        var entry = lower.Find(path);
        return entry is { IsElsewhere: true } && (!entry.IsDirectory || lower.Find(Path.GetDirectoryName(path)!) is { IsElsewhere: true }) ? null : entry;
    }
}
