namespace Vni.Simulation;

/// <summary>Ways to do it wrong, each of which the simulation must find.</summary>
internal enum Mutation
{
    None,

    /// <summary>The target's commit does not compare the revision.</summary>
    CommitWithoutCompare,

    /// <summary>Neither guard nor daemon freezes anything when the lease cannot be renewed.</summary>
    NoFence,

    /// <summary>Only the daemon fences; there is no guard.</summary>
    NoGuard,

    /// <summary>The source thaws when the target does not answer, and asks the registry later.</summary>
    ThawBeforeContest,

    /// <summary>The target's processes run before the commit is acknowledged.</summary>
    ResumeBeforeCommit,

    /// <summary>The source ends the frozen processes as soon as it sees the commit.</summary>
    ReleaseBeforeRecord,

    /// <summary>After a fence everything is thawed at the first renewal.</summary>
    LiftWithoutConfirm,

    /// <summary>A starting daemon extends the guard for its new lease before the owner records hang on it.</summary>
    GrantIsRenewal,

    /// <summary>A starting daemon's confirmation leaves the revision, so that a late write of the daemon before it, under the old
    /// lease, is taken.</summary>
    ConfirmKeepsRevision,

    /// <summary>A starting daemon ends whatever is not its own, frozen sources too.</summary>
    KillFrozenSources,

    /// <summary>A starting daemon thaws first and takes ownership then.</summary>
    AdoptBeforeConfirm,

    /// <summary>After silence of the registry a read decides whether a write was made.</summary>
    TrustReads,

    /// <summary>The scheduler's take-over does not compare the owner record.</summary>
    TakeOverOwned,

    /// <summary>What was confirmed before a fence lifts after it.</summary>
    LateConfirmLifts,

    /// <summary>Nobody looks again for applications that were left to this node.</summary>
    NoReconcile,

    /// <summary>The target waits for ever for a silent source.</summary>
    NeverQuiet,
}
