using Vni.Actors;
using Vni.Actors.Interposition;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Instances;

/// <summary>Makes the directories of an instance and fills its layer.</summary>
/// <param name="options">Masks, harness, our own directories.</param>
/// <param name="openWriter">Opens a layer, by the path of its upper directory.</param>
internal sealed class LayerBuilder(InterposerOptions options, Func<string, ILayerWriter> openWriter)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>Builds on the real file system.</summary>
    public LayerBuilder(InterposerOptions options)
        : this(options, upper => new LayerWriter(upper))
    {
    }

    /// <summary>
    /// Makes a new layer, or readies the one that the instance has: what it changed stays, the harness is replaced.
    /// A new one is removed again if it cannot be finished.
    /// </summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.RootNotFound"/>; <see cref="ErrorCodes.InvalidArgument"/>: the
    /// root lies in our own directories.</exception>
    public void Build(InstanceSpec instance, InstancePaths paths)
    {
        var root = CheckRoot(instance);
        var used = Directory.Exists(paths.Upper);

        // The layer holds whatever the application writes, under ids that are the node's: nobody else may enter.
        Directory.CreateDirectory(paths.Directory, OwnerOnly);
        Directory.CreateDirectory(paths.Work);
        Directory.CreateDirectory(paths.Root);
        if (used)
        {
            Write(paths, LayerPlan.ForUsed(options.HarnessPath));
            return;
        }

        // Filled beside its place, so that a crash leaves no layer that looks finished.
        var unfinished = paths.Upper + ".new";
        TreeRemoval.Remove(unfinished);
        try
        {
            Directory.CreateDirectory(unfinished);
            var request = new LayerRequest(instance.Identity, options.HarnessPath, MasksOf(root), options.Names, ProcFile.TryRead("/etc/resolv.conf")) { Redirections = instance.Rules.Redirections };
            var steps = LayerPlan.ForNew(request, new LowerRoot(root));
            CheckRedirects(instance, steps);
            using (var writer = openWriter(unfinished))
            {
                foreach (var step in steps) writer.Apply(step);
            }

            Directory.Move(unfinished, paths.Upper);
        }
        catch
        {
            TreeRemoval.Remove(paths.Directory);
            throw;
        }
    }

    /// <summary>Removes all directories of an instance; nothing happens when there are none.</summary>
    public static void Remove(InstancePaths paths) => TreeRemoval.Remove(paths.Directory);

    private void Write(InstancePaths paths, IReadOnlyList<LayerStep> steps)
    {
        using var writer = openWriter(paths.Upper);
        foreach (var step in steps) writer.Apply(step);
    }

    /// <summary>Without one of these switches the kernel refuses to enter such a directory.</summary>
    private static void CheckRedirects(InstanceSpec instance, IReadOnlyList<LayerStep> steps)
    {
        const string parameters = "/sys/module/overlay/parameters/";
        if (!steps.Any(step => step is LayerStep.MakeDirectory { Redirect: not null })) return;
        if (IsOn("redirect_always_follow") || IsOn("redirect_dir")) return;
        throw new VniException(
            ErrorCodes.NodeIncapable,
            $"cannot start application {instance.Aid}: its rules redirect a directory, which this kernel's overlayfs does not follow; write Y to {parameters}redirect_always_follow");

        static bool IsOn(string name) => ProcFile.TryRead(parameters + name)?.Trim() == "Y";
    }

    private string CheckRoot(InstanceSpec instance)
    {
        var root = instance.Declaration.Root;
        if (!Path.IsPathRooted(root) || Libc.RealPath(root) is not { } real || !Directory.Exists(real))
        {
            throw new VniException(
                ErrorCodes.RootNotFound,
                $"cannot start application {instance.Aid}: its root '{root}' is not a directory on this node; give the absolute path of one");
        }

        foreach (var own in OwnDirectories())
        {
            if (real != own && !real.StartsWith(own + "/", StringComparison.Ordinal)) continue;
            throw new VniException(
                ErrorCodes.InvalidArgument,
                $"cannot start application {instance.Aid}: its root '{root}' lies in '{own}', which is this daemon's own; use another directory");
        }

        return real;
    }

    /// <summary>The configuration speaks of the node's root; of another root, only what is ours is hidden.</summary>
    private List<string> MasksOf(string root)
    {
        var masks = root == "/" ? [.. options.Masks] : new List<string>();
        foreach (var own in OwnDirectories())
        {
            if (root == "/") masks.Add(own);
            else if (own.StartsWith(root + "/", StringComparison.Ordinal)) masks.Add(own[root.Length..]);
        }

        return masks;
    }

    private IEnumerable<string> OwnDirectories() =>
        new[] { options.StateDirectory, options.RuntimeDirectory }.Select(d => Libc.RealPath(d) ?? Path.TrimEndingDirectorySeparator(d));
}
