using System.Text;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Interposer.Checkpoint;
using Vni.Interposer.Linux;
using Vni.Interposer.Operations;

namespace Vni.Interposer.Transfers;

/// <summary>Says what an instance needs of a node, without stopping it: so what it says holds for the moment.</summary>
internal sealed class DescribeInstance(InstanceKit kit)
{
    /// <summary>Where files are that do not belong to the root: every instance has its own.</summary>
    private static readonly string[] Own = ["/proc/", "/sys/", "/dev/"];

    public async Task<InstanceFacts> RunAsync(InstanceSpec instance, CancellationToken cancellationToken)
    {
        var aid = instance.Aid;
        var platform = await kit.Platform.GetAsync(cancellationToken).ConfigureAwait(false);
        var upper = kit.Paths(aid).Upper;
        var layer = await Task.Run(() => LayerSender.Measure(upper), cancellationToken).ConfigureAwait(false);
        if (kit.Live.FindInit(aid) is not { } init) return new InstanceFacts(platform, 0, layer, [], []);
        var pids = kit.Cgroups.Find(aid).Pids();
        var files = new List<NeededFile>();
        foreach (var path in OfTheRoot(pids, upper))
        {
            if (await RootFiles.FindAsync(instance.Declaration.Root, path, cancellationToken).ConfigureAwait(false) is { } file) files.Add(file);
        }

        // A process that runs is in many states that a frozen one is not in.
        var findings = new CheckInstance(kit).Run(aid, init);
        return new InstanceFacts(platform, MemoryUse.Of(pids, init), layer, files, [.. findings.Where(f => !f.Transient).Select(f => f.Text)]) { Findings = findings };
    }

    /// <summary>Paths of files that processes map or hold open and that are not in the layer, in order.</summary>
    private static IEnumerable<string> OfTheRoot(IReadOnlyList<int> pids, string upper)
    {
        var paths = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var pid in pids)
        {
            foreach (var mapped in MappedFile.Of(pid)) paths.Add(Encoding.UTF8.GetString(ByteName.Bytes(mapped.Path)));
            var slots = ProcFile.TryRead($"/proc/{pid}/status") is { } status ? new ProcStatus(status).DescriptorSlots : 0;
            for (var fd = 0; fd < slots; fd++)
            {
                if (ProcLinks.TryReadLink($"/proc/{pid}/fd/{fd}") is { } path && path.StartsWith('/')) paths.Add(path);
            }
        }

        return paths.Where(p => !Own.Any(o => p.StartsWith(o, StringComparison.Ordinal)) && !p.EndsWith(" (deleted)", StringComparison.Ordinal) && !p.StartsWith("/memfd:", StringComparison.Ordinal) && Libc.LookAt(upper + p) is null);
    }
}
