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

    /// <summary>What was under way on a node that is gone is over: the state that it leads to.</summary>
    internal sealed record Settle(ApplicationState Next) : RecoveryDecision;

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
        if (application.Owned || state.Status is Dormant or Stopped or Removing) return new RecoveryDecision.Leave();
        // The source has the frozen processes: it takes them back, or says that it has none.
        if (state.HandOff is { } handOff && members.Contains(handOff.Source)) return new RecoveryDecision.Leave();
        // Its daemon has come back, or will say itself what is lost; unless that was said, and it was given back or given up.
        if (members.Contains(state.Node) && state.Status != Lost && state.HandOff is not { Returned: true }) return new RecoveryDecision.Leave();
        if (state.Status == Stopping) return Settle(state, Stopped, $"node {state.Node} is gone, on which it was being stopped");

        foreach (var snapshot in snapshots.OrderByDescending(snapshot => snapshot.Id, StringComparer.Ordinal))
        {
            if (Place(state, snapshot, members, shared) is { } node) return new RecoveryDecision.Restore(node, snapshot);
        }

        if (state.Status == Lost) return new RecoveryDecision.Leave();
        if (state is { Status: Restoring or Running, Resumed: false, Former: Dormant, HandOff: null }) return Settle(state, Dormant, null); // As it was, wherever it slept.
        var newest = snapshots.MaxBy(snapshot => snapshot.Id, StringComparer.Ordinal);
        return new RecoveryDecision.GiveUp(newest is null
            ? $"node {state.Node} is gone, and there is no snapshot of it"
            : $"node {state.Node} is gone, and its newest snapshot {newest.Id} is on node {newest.Node} alone");
    }

    private static RecoveryDecision.Settle Settle(ApplicationState state, ApplicationStatus status, string? reason) =>
        new(state with { Status = status, Reason = reason, Former = null, PendingSnapshot = null, HandOff = null, Resumed = false });

    /// <summary>The state with which a node takes over an application to restore it. Until it runs there, the node that ran it
    /// last has a claim, as a hand-off's source has: should it come back while nobody owns the application, it goes on there.</summary>
    /// <param name="state">As decided on.</param>
    /// <param name="snapshot">What is restored.</param>
    /// <param name="node">The node that restores.</param>
    /// <param name="id">A name for the claim, as a hand-off's.</param>
    public static ApplicationState TakeOver(ApplicationState state, SnapshotRecord snapshot, string node, string id)
    {
        var source = state switch
        {
            { HandOff: { Returned: true } given } => given.Source, // Where it is recorded it has never run.
            { Status: Restoring or Lost, HandOff: { } former } => former.Source,
            { Status: Restoring } => null,
            _ => state.Node,
        };
        return state with
        {
            Node = node,
            Epoch = state.Epoch + 1,
            Status = Restoring,
            Former = Dormant,
            Snapshot = snapshot.Id,
            PendingSnapshot = snapshot.Id,
            Resumed = false,
            HandOff = source is null || source == node ? null : new HandOffRecord(id, source, node, state.Epoch),
        };
    }

    /// <summary>The state in which it is given up. A claim stays: whoever has it may find it.</summary>
    public static ApplicationState GiveUp(ApplicationState state, string reason) => state with
    {
        Status = Lost,
        Reason = reason,
        Former = null,
        PendingSnapshot = null,
        HandOff = state.HandOff is { } handOff && handOff.Source != state.Node ? handOff : null,
    };

    /// <summary>The node that restores from a snapshot: the one that has a copy, else with a shared directory any; which of
    /// several follows from the name, so that the applications of a node that has gone are spread.</summary>
    private static string? Place(ApplicationState state, SnapshotRecord snapshot, IReadOnlySet<string> members, bool shared)
    {
        var able = snapshot.Holders.Where(members.Contains).ToList();
        if (able.Count == 0 && shared && snapshot.Shared) able = [.. members];
        // Should it be found alive after all, that is where: there its processes come before its snapshots.
        return able.OrderBy(node => node != state.Node).ThenBy(node => Spread(state.Aid.Value, node)).FirstOrDefault();
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
