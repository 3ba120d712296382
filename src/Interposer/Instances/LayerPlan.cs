using System.IO.Enumeration;
using Vni.Actors.Identity;
using Vni.Actors.Names;
using Vni.Actors.Rules;

namespace Vni.Interposer.Instances;

/// <param name="Identity">Hostname and address.</param>
/// <param name="HarnessPath">The harness to copy.</param>
/// <param name="Masks">Absolute paths in the root that are hidden; a last segment may hold <c>*</c>.</param>
/// <param name="Names">What it is told about names.</param>
/// <param name="ResolverConfiguration">The node's <c>/etc/resolv.conf</c>; <c>null</c>: it has none.</param>
internal sealed record LayerRequest(VirtualIdentity Identity, string HarnessPath, IReadOnlyList<string> Masks, InstanceNames Names, string? ResolverConfiguration)
{
    /// <summary>Dynamic symbolic links.</summary>
    public IReadOnlyList<Redirection> Redirections { get; init; } = [];
}

/// <summary>
/// What a new layer holds before its instance is started: the harness, the instance's own names, device nodes, mount
/// points, and marks that hide what is the node's business. Masks come first, so that files of ours may lie beneath
/// a masked directory. Directories on the way have mode and owner of the lower layer's, for in an overlay the upper's count.
/// </summary>
internal sealed class LayerPlan
{
    private const int Executable = 0x1ed /* 0755 */, Readable = 0x1a4 /* 0644 */, Sticky = 0x3ff /* 1777 */, Everyone = 0x1b6 /* 0666 */;
    private readonly ILowerRoot _lower;
    private readonly List<LayerStep> _steps = [];
    private readonly HashSet<string> _made = new(StringComparer.Ordinal);
    private readonly HashSet<string> _hidden = new(StringComparer.Ordinal);
    private readonly HashSet<string> _masks;

    private LayerPlan(ILowerRoot lower, IEnumerable<string> masks) => (_lower, _masks) = (lower, new HashSet<string>(masks, StringComparer.Ordinal));

    /// <summary>The steps for a new layer, in order.</summary>
    public static IReadOnlyList<LayerStep> ForNew(LayerRequest request, ILowerRoot lower)
    {
        var plan = new LayerPlan(lower, request.Masks);
        plan.MakeRoot();
        foreach (var mask in request.Masks) plan.Mask(mask);
        plan.AddHarness(request.HarnessPath);
        plan.AddDevices();
        plan.AddMountPoint("/proc");
        plan.AddMountPoint("/sys");
        plan.AddRuntimeDirectory();
        plan.MakeDirectory("/var/log/vni", Executable);
        plan.AddNames(request.Identity, request.Names, request.ResolverConfiguration);
        return [.. plan._steps, .. RedirectionPlan.Of(request.Redirections, plan._steps, lower)]; // Last: they look at all that is made.
    }

    /// <summary>The steps for a layer that an instance has used: the application may have written over the harness.</summary>
    public static IReadOnlyList<LayerStep> ForUsed(string harnessPath) =>
    [
        new LayerStep.Remove(".vni"),
        new LayerStep.MakeDirectory(".vni", Executable, 0, 0, Opaque: true),
        new LayerStep.CopyOf(".vni/appshot", harnessPath, Executable),
    ];

    private void MakeRoot()
    {
        var root = _lower.Find("/");
        _steps.Add(new LayerStep.MakeDirectory(".", root?.Mode ?? Executable, root?.Uid ?? 0, root?.Gid ?? 0, Opaque: false));
        _made.Add("/");
    }

    private void AddHarness(string harnessPath)
    {
        MakeDirectory("/.vni", Executable, opaque: true);
        _steps.Add(new LayerStep.CopyOf(".vni/appshot", harnessPath, Executable));
    }

    /// <summary>A plain directory instead of a mount, which would cost time at every snapshot.</summary>
    private void AddDevices()
    {
        MakeDirectory("/dev", Executable, opaque: true);
        foreach (var (name, major, minor) in new[] { ("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0) })
        {
            _steps.Add(new LayerStep.Device("dev/" + name, major, minor, Everyone)); // Documentation/admin-guide/devices.txt
        }

        foreach (var (name, target) in new[] { ("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("stdout", "/proc/self/fd/1"), ("stderr", "/proc/self/fd/2"), ("ptmx", "pts/ptmx") })
        {
            _steps.Add(new LayerStep.Link("dev/" + name, target));
        }

        MakeDirectory("/dev/pts", Executable);
        MakeDirectory("/dev/shm", Sticky);
        MakeDirectory("/dev/mqueue", Executable);
    }

    private void AddMountPoint(string path)
    {
        if (_lower.Find(path) is not { IsDirectory: true }) MakeDirectory(path, Executable);
    }

    private void AddRuntimeDirectory()
    {
        if (!_made.Contains("/run")) MakeDirectory("/run", _lower.Find("/run") is { IsDirectory: true } run ? run.Mode : Executable, opaque: true);
        MakeDirectory("/run/lock", Sticky);

        // Daemons expect the directories that their packages made for them (/run/postgresql, say): the names, modes and
        // owners are kept, and nothing of what is in them.
        foreach (var name in _lower.Names("/run").Order(StringComparer.Ordinal))
        {
            var path = "/run/" + name;
            if (_lower.Find(path) is { IsDirectory: true } lower && !IsOwn(path) && _made.Add(path))
            {
                _steps.Add(new LayerStep.MakeDirectory(Relative(path), lower.Mode, lower.Uid, lower.Gid, Opaque: false));
            }
        }
    }

    /// <summary>Whether a path is masked for itself, and not because it lies beneath something that is.</summary>
    private bool IsOwn(string path) => _masks.Contains(path);

    /// <summary>The full name comes first: that is what <c>hostname -f</c> and gethostbyaddr(3) say.</summary>
    private void AddNames(VirtualIdentity identity, InstanceNames names, string? resolver)
    {
        AddText("/etc/hostname", identity.Hostname + "\n");
        var hosts = $"{DomainText.FullName(identity.Hostname, names.Domain)} {identity.Hostname}\n";
        AddText("/etc/hosts", $"127.0.0.1 localhost\n{identity.Ip} {hosts}{(identity.Ip6 is { } ip6 ? $"::1 localhost\n{ip6} {hosts}" : "")}");
        AddText("/etc/resolv.conf", ResolverFile.For(names, resolver));
    }

    private void AddText(string path, string content)
    {
        MakeParents(path);
        _steps.Add(new LayerStep.Text(Relative(path), content, Readable));
    }

    private void Mask(string mask)
    {
        var name = Path.GetFileName(mask);
        if (name.Length == 0) return;
        if (name.Contains('*', StringComparison.Ordinal))
        {
            var directory = Path.GetDirectoryName(mask)!;
            foreach (var found in _lower.Names(directory).Where(n => FileSystemName.MatchesSimpleExpression(name, n, ignoreCase: false)).Order(StringComparer.Ordinal))
            {
                Hide(Path.Combine(directory, found));
            }

            return;
        }

        Hide(mask);
    }

    /// <summary>Hides what the path leads to: a link to it may have other names.</summary>
    private void Hide(string path)
    {
        if (_lower.Resolve(path) is { } real) path = real;
        else if (_lower.Resolve(Path.GetDirectoryName(path)!) is { } parent) path = Path.Combine(parent, Path.GetFileName(path));
        else return; // Not even its directory exists.
        if (path == "/" || IsHidden(path)) return;

        MakeParents(path);
        if (_lower.Find(path) is { IsDirectory: true } directory)
        {
            _steps.Add(new LayerStep.MakeDirectory(Relative(path), directory.Mode, directory.Uid, directory.Gid, Opaque: true));
            _made.Add(path);
        }
        else
        {
            _steps.Add(new LayerStep.Whiteout(Relative(path))); // Also when there is nothing yet: the node may make it later.
        }

        _hidden.Add(path);
    }

    private bool IsHidden(string path)
    {
        for (var at = path; at is not null and not "/"; at = Path.GetDirectoryName(at))
        {
            if (_hidden.Contains(at)) return true;
        }

        return false;
    }

    private void MakeDirectory(string path, int mode, bool opaque = false)
    {
        MakeParents(path);
        _made.Add(path);
        _steps.Add(new LayerStep.MakeDirectory(Relative(path), mode, 0, 0, opaque));
    }

    private void MakeParents(string path)
    {
        var parent = Path.GetDirectoryName(path)!;
        if (!_made.Add(parent)) return;
        MakeParents(parent);
        var lower = IsHidden(parent) ? null : _lower.Find(parent);
        _steps.Add(lower is { IsDirectory: true }
            ? new LayerStep.MakeDirectory(Relative(parent), lower.Mode, lower.Uid, lower.Gid, Opaque: false)
            : new LayerStep.MakeDirectory(Relative(parent), Executable, 0, 0, Opaque: false));
    }

    private static string Relative(string path) => path.TrimStart('/');
}
