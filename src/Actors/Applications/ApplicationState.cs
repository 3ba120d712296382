using Vni.Actors.Identity;

namespace Vni.Actors.Applications;

/// <summary>Where an application is in its life. Names are stored and shown in lower case.</summary>
public enum ApplicationStatus
{
    /// <summary>Its identity is allocated, its processes are being started.</summary>
    Starting,

    /// <summary>Its processes run on <see cref="ApplicationState.Node"/>.</summary>
    Running,

    /// <summary>Frozen while a snapshot is taken.</summary>
    Snapshotting,

    /// <summary>No processes; its state is in <see cref="ApplicationState.Snapshot"/>; identity and port are kept.</summary>
    Dormant,

    /// <summary>Being brought back from a snapshot.</summary>
    Restoring,

    /// <summary>Being stopped.</summary>
    Stopping,

    /// <summary>No processes and no live state; files and identity are kept.</summary>
    Stopped,

    /// <summary>Being removed.</summary>
    Removing,

    /// <summary>On its way from one node to another.</summary>
    Migrating,

    /// <summary>Its node is gone and no snapshot of it can be reached. Found again, should its node come back with it alive.</summary>
    Lost,
}

/// <summary>The ApplicationActor's state, stored under <c>applications/AID</c>.</summary>
public sealed record ApplicationState
{
    /// <summary>Version of this record.</summary>
    public int Format { get; init; } = 1;

    /// <summary>The name.</summary>
    public required Aid Aid { get; init; }

    /// <summary>What was asked for, with name, address and hostname filled in.</summary>
    public required ApplicationDeclaration Declaration { get; init; }

    /// <summary>Address, MAC and hostname.</summary>
    public required VirtualIdentity Identity { get; init; }

    /// <summary>Where it is in its life.</summary>
    public required ApplicationStatus Status { get; init; }

    /// <summary>Why it is there, for states that have a reason (an exit status, a failed operation); one sentence.</summary>
    public string? Reason { get; init; }

    /// <summary>The node that runs it or holds its snapshot.</summary>
    public required string Node { get; init; }

    /// <summary>The node on which it was first run; <c>null</c> in records from before there were rules.</summary>
    public string? Origin { get; init; }

    /// <summary>Number of times that ownership has changed: the fencing token. The first owner has 1.</summary>
    public required long Epoch { get; init; }

    /// <summary>The newest complete snapshot; <c>null</c>: none.</summary>
    public string? Snapshot { get; init; }

    /// <summary>The snapshot that is being taken or restored; what a crash left of it is known by this.</summary>
    public string? PendingSnapshot { get; init; }

    /// <summary>The status before the operation that is under way, to which its failure leads back; <c>null</c> when none is
    /// under way, and while the application is started for the first time.</summary>
    public ApplicationStatus? Former { get; init; }

    /// <summary>The hand-off that is under way while it is <see cref="ApplicationStatus.Migrating"/>; else <c>null</c>.</summary>
    public HandOffRecord? HandOff { get; init; }

    /// <summary>Whether processes of this activation have run: until then, losing them loses nothing.</summary>
    public bool Resumed { get; init; }

    /// <summary>Exit statuses of the processes of a stopped application.</summary>
    public IReadOnlyList<ProcessExit> Exits { get; init; } = [];

    /// <summary>Programs that have joined this activation, in that order; they are gone when it is stopped.</summary>
    public IReadOnlyList<ProcessDeclaration> Joined { get; set; } = [];

    /// <summary>When it was first run.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>When <see cref="Status"/> last changed.</summary>
    public required DateTimeOffset Changed { get; init; }

    /// <summary>Number of the next event, from 1.</summary>
    public long NextEvent { get; init; } = 1;
}

/// <summary>A hand-off from one node to another.</summary>
/// <param name="Id">Names it in all messages; at most 32 letters and digits.</param>
/// <param name="Source">Where it runs, or has been frozen.</param>
/// <param name="Target">Where it is to run.</param>
/// <param name="Epoch">The source's epoch; the target's is one more.</param>
/// <param name="Returned">The target was its owner, could not run it, and gave it back.</param>
public sealed record HandOffRecord(string Id, string Source, string Target, long Epoch, bool Returned = false);

/// <summary>How a process of the chain ended.</summary>
/// <param name="Process">Its name in the declaration, or as one that joined.</param>
/// <param name="ExitCode">Its status, or <c>null</c> if a signal ended it.</param>
/// <param name="Signal">The number of that signal, or <c>null</c>.</param>
public sealed record ProcessExit(string Process, int? ExitCode, int? Signal);

/// <summary>Something that happened to an application, stored under <c>events/AID/N</c>, N with 12 digits.</summary>
/// <param name="Number">From 1, without gaps; only the newest 256 are kept.</param>
/// <param name="Time">When.</param>
/// <param name="Kind">Lower case, stable: <c>created</c>, <c>started</c>, <c>snapshotted</c>, ...; see <see cref="EventKinds"/>.</param>
/// <param name="Message">One sentence.</param>
public sealed record ApplicationEvent(long Number, DateTimeOffset Time, string Kind, string Message);

/// <summary>Kinds of events.</summary>
public static class EventKinds
{
    /// <summary>Identity allocated.</summary>
    public const string Created = "created";

    /// <summary>Processes run, from their beginning.</summary>
    public const string Started = "started";

    /// <summary>A program has joined it.</summary>
    public const string Joined = "joined";

    /// <summary>A snapshot is complete.</summary>
    public const string Snapshotted = "snapshotted";

    /// <summary>Processes run again, from a snapshot.</summary>
    public const string Restored = "restored";

    /// <summary>An operation failed or was refused; the application is as it was before.</summary>
    public const string Failed = "failed";

    /// <summary>Its last process ended by itself.</summary>
    public const string Exited = "exited";

    /// <summary>Stopped on request.</summary>
    public const string Stopped = "stopped";

    /// <summary>It runs on another node now.</summary>
    public const string Migrated = "migrated";

    /// <summary>Its node is gone, and it with it.</summary>
    public const string Lost = "lost";

    /// <summary>A daemon that started anew found it and put things right; the sentence says what.</summary>
    public const string Recovered = "recovered";
}
