using Vni.Actors.Applications;
using Vni.Actors.Snapshots;
using static Vni.Actors.Applications.ApplicationStatus;

namespace Vni.Actors.HandOffs;

/// <summary>What the farm does about an application that no node may run.</summary>
internal abstract record RecoveryDecision
{
    private RecoveryDecision() { }

    /// <summary>Nothing: it is well, or somebody else sees to it.</summary>
    internal sealed record Leave : RecoveryDecision;

    /// <summary>A node restores it.</summary>
    internal sealed record Restore(string Node, SnapshotRecord Snapshot) : RecoveryDecision;

    /// <summary>It is given up, until its node comes back.</summary>
    internal sealed record GiveUp(string Reason) : RecoveryDecision;
}

/// <summary>The scheduler's judgement on each application when a node has gone [A9].</summary>
internal static class FarmRecovery
{
    /// <summary>What to do about one application.</summary>
    /// <param name="application">As the registry has it.</param>
    /// <param name="snapshots">All its complete snapshots.</param>
    /// <param name="members">The live nodes.</param>
    /// <param name="shared">Whether there is a directory that all nodes share.</param>
    public static RecoveryDecision Decide(StoredApplication application, IReadOnlyCollection<SnapshotRecord> snapshots, IReadOnlySet<string> members, bool shared)
    {
        var state = application.State;
        if (application.Owned || state.Status is Dormant or Stopped or Stopping or Removing or Lost) return new RecoveryDecision.Leave();
        if (state is { Status: Migrating, HandOff: { } handOff })
        {
            // The source has the frozen processes: it takes them back, or, if it still owns them, sees to them itself.
            if (members.Contains(handOff.Source)) return new RecoveryDecision.Leave();
            if (state.Node == handOff.Target && !handOff.Returned && members.Contains(handOff.Target)) return new RecoveryDecision.Leave();
        }
        else if (members.Contains(state.Node))
        {
            return new RecoveryDecision.Leave(); // Its daemon has come back, or will say itself what is lost.
        }

        foreach (var snapshot in snapshots.OrderByDescending(snapshot => snapshot.Id, StringComparer.Ordinal))
        {
            if (Place(state, snapshot, members, shared) is { } node) return new RecoveryDecision.Restore(node, snapshot);
        }

        var newest = snapshots.MaxBy(snapshot => snapshot.Id, StringComparer.Ordinal);
        return new RecoveryDecision.GiveUp(newest is null
            ? $"node {state.Node} is gone, and there is no snapshot of it"
            : $"node {state.Node} is gone, and its newest snapshot {newest.Id} is on node {newest.Node} alone");
    }

    /// <summary>The node that restores from a snapshot: the one that has a copy, else with a shared directory any; which of
    /// several follows from the name, so that the applications of a node that has gone are spread.</summary>
    private static string? Place(ApplicationState state, SnapshotRecord snapshot, IReadOnlySet<string> members, bool shared)
    {
        var able = snapshot.Holders.Where(members.Contains).ToList();
        if (able.Count == 0 && shared && snapshot.Shared) able = [.. members];
        return able.OrderBy(node => Spread(state.Aid.Value, node)).FirstOrDefault();
    }

    /// <summary>Rendezvous hashing (Thaler and Ravishankar 1998), FNV-1a.</summary>
    internal static uint Spread(string aid, string node)
    {
        var hash = 2166136261u;
        foreach (var c in aid) hash = (hash ^ c) * 16777619;
        foreach (var c in node) hash = (hash ^ c) * 16777619;
        return hash;
    }
}
