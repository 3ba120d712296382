using Microsoft.Extensions.Logging;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Interposer.Instances;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Operations;

/// <summary>
/// Finds what a former daemon left on this node, and first lets come to an end what it had begun: a CRIU that dumps must
/// not be killed, because its code is in the processes; one that restores ends by itself, either way; a harness either
/// starts its chain or ends with the daemon that it was waiting for.
/// </summary>
internal sealed class DiscoverInstances(InstanceKit kit)
{
    /// <summary>How long CRIU may go on; it is killed after that, and what it was restoring with it.</summary>
    private static readonly TimeSpan CriuTimeout = TimeSpan.FromMinutes(5);

    /// <summary>How long a harness may be between its first process and its last program's start.</summary>
    private static readonly TimeSpan HarnessTimeout = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan HarnessStep = TimeSpan.FromMilliseconds(5);

    public async Task<NodeInventory> RunAsync(CancellationToken cancellationToken)
    {
        await WaitForDumpsAsync(cancellationToken).ConfigureAwait(false);
        var found = new SortedDictionary<string, FoundInstance>(StringComparer.Ordinal);
        foreach (var aid in Names())
        {
            var init = await FindInitAsync(aid, cancellationToken).ConfigureAwait(false);
            if (init == 0) await ClearCgroupAsync(aid, cancellationToken).ConfigureAwait(false);
            found[aid.Value] = new FoundInstance(aid, init == 0 ? FoundState.Pieces : FoundState.Alive, init);
        }

        return new NodeInventory([.. found.Values], FindSnapshots());
    }

    /// <summary>Everything that has a cgroup, a port or a directory.</summary>
    private SortedSet<Aid> Names()
    {
        var names = new SortedSet<Aid>(Comparer<Aid>.Create((a, b) => string.CompareOrdinal(a.Value, b.Value)));
        names.UnionWith(kit.Cgroups.List());
        foreach (var port in kit.Network.FindPorts())
        {
            if (Aid.TryParse(port, out var aid)) names.Add(aid);
        }

        var instances = Path.Combine(kit.Options.StateDirectory, "instances");
        foreach (var directory in Directory.Exists(instances) ? Directory.EnumerateDirectories(instances) : [])
        {
            if (Aid.TryParse(Path.GetFileName(directory), out var aid)) names.Add(aid);
        }

        return names;
    }

    private async Task WaitForDumpsAsync(CancellationToken cancellationToken)
    {
        var sessions = kit.Cgroups.CreateSessions();
        if (!sessions.IsPopulated) return;
        kit.Log.LogInformation("Waiting for CRIU processes of the former daemon to end");
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var timer = new CancellationTokenSource(CriuTimeout, kit.Clock);
        await using var link = timer.Token.Register(timeout.Cancel).ConfigureAwait(false);
        try
        {
            await sessions.WaitUntilEmptyAsync(timeout.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (timer.IsCancellationRequested)
        {
            kit.Log.LogWarning("CRIU processes of the former daemon did not end and are killed");
            sessions.Kill();
            await sessions.WaitUntilEmptyAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Without a harness nothing can be taken over, and a cgroup that is left frozen would freeze the next activation.</summary>
    private async Task ClearCgroupAsync(Aid aid, CancellationToken cancellationToken)
    {
        foreach (var cgroup in new[] { kit.Cgroups.Find(aid), kit.Cgroups.FindVisitors(aid) })
        {
            cgroup.Kill();
            await cgroup.RemoveAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>The pid of an instance's harness once nobody works on the instance any more; 0 if there is none.</summary>
    private async Task<int> FindInitAsync(Aid aid, CancellationToken cancellationToken)
    {
        var cgroup = kit.Cgroups.Find(aid);
        var started = kit.Clock.GetTimestamp();
        while (true)
        {
            var members = cgroup.Pids().Select(InstanceMember.TryRead).OfType<InstanceMember>().ToList();
            foreach (var criu in members.Where(m => m.VirtualPid is null))
            {
                await kit.Watcher.WatchAsync(criu.Pid, cancellationToken).WaitAsync(CriuTimeout, kit.Clock, cancellationToken).ConfigureAwait(false);
            }

            if (members.Exists(m => m.VirtualPid is null)) continue;
            if (members.Find(m => m.VirtualPid == 1) is not { } init) return 0;
            var paths = kit.Paths(aid);
            if (init.IsHarness && ChainRecords.HasStarted(paths)) return init.Pid;
            if (kit.Clock.GetElapsedTime(started) > HarnessTimeout) return 0;
            await Task.Delay(HarnessStep, kit.Clock, cancellationToken).ConfigureAwait(false);
        }
    }

    private string[] FindSnapshots()
    {
        var all = SnapshotPaths.All(kit.Options);
        if (!Directory.Exists(all)) return [];
        foreach (var draft in Directory.EnumerateDirectories(all, "*" + SnapshotPaths.DraftSuffix)) CaptureInstance.DeleteDirectory(draft);
        return [.. Directory.EnumerateDirectories(all).Select(Path.GetFileName).OfType<string>().Order(StringComparer.Ordinal)];
    }
}
