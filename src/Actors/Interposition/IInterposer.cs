using System.Threading.Channels;
using Vni.Actors.Applications;
using Vni.Actors.Identity;
using Vni.Actors.Rules;
using Vni.Actors.Snapshots;

namespace Vni.Actors.Interposition;

/// <summary>
/// Everything that touches the node's kernel, as the actors need it. Each method either does the whole of what it says
/// or leaves the node as it was and throws a <see cref="VniException"/>; calls for different applications may overlap,
/// calls for the same application are made one after the other.
/// </summary>
public interface IInterposer : IAsyncDisposable
{
    /// <summary>The ends of instances that were started, restored or adopted, as they happen. One reader.</summary>
    ChannelReader<InstanceEnded> Ended { get; }

    /// <summary>What this node offers: for manifests, for compatibility checks and for the membership record.</summary>
    Task<PlatformFacts> GetPlatformAsync(CancellationToken cancellationToken);

    /// <summary>
    /// What a former daemon left on this node: live instances, frozen ones, half-made ones, snapshots without a
    /// registry record. Waits until CRIU processes of the former daemon have ended, so that what it returns is final.
    /// </summary>
    Task<NodeInventory> DiscoverAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Builds the shell (cgroup, layer, namespaces, plugged port) and starts all processes of the chain; returns when
    /// each has executed its program, and those with a readiness test are ready.
    /// </summary>
    Task<StartedInstance> StartAsync(InstanceSpec instance, CancellationToken cancellationToken);

    /// <summary>Takes over a live instance that <see cref="DiscoverAsync"/> found: watches it, thaws it, plugs its port.</summary>
    Task<StartedInstance> AdoptAsync(InstanceSpec instance, CancellationToken cancellationToken);

    /// <summary>
    /// Starts another program in a running instance, as a child of its harness; returns its virtual pid when it has been
    /// executed. Nothing of it stays when that fails.
    /// </summary>
    Task<int> JoinAsync(InstanceSpec instance, ProcessDeclaration process, CancellationToken cancellationToken);

    /// <summary>
    /// Ends all processes (SIGTERM to the harness, which stops the chain in its order; SIGKILL after <paramref name="grace"/>)
    /// and takes the shell away, port included. Files of the layer stay. Does nothing where nothing is.
    /// </summary>
    Task<IReadOnlyList<ProcessExit>> StopAsync(InstanceSpec instance, TimeSpan grace, CancellationToken cancellationToken);

    /// <summary>
    /// Freezes, checks, parks the port, dumps and saves the layer; returns when the manifest is in place. With
    /// <see cref="CaptureMode.LeaveRunning"/> the instance runs on, plugged; with <see cref="CaptureMode.LeaveFrozen"/>
    /// it stays frozen and parked, for <see cref="ReleaseAsync"/> or <see cref="RollBackAsync"/> to decide.
    /// </summary>
    /// <param name="instance">The instance.</param>
    /// <param name="snapshotId">Name of the snapshot.</param>
    /// <param name="mode">What becomes of the processes.</param>
    /// <param name="quiescing">What is done about visitors and passing moments.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    Task<CaptureResult> CaptureAsync(InstanceSpec instance, string snapshotId, CaptureMode mode, Quiescing quiescing, CancellationToken cancellationToken);

    /// <summary>After the commit: ends the frozen processes and takes the shell away; the port stays parked.</summary>
    Task ReleaseAsync(InstanceSpec instance, CancellationToken cancellationToken);

    /// <summary>Without a commit: plugs the port, thaws, and deletes the snapshot if one was written.</summary>
    Task RollBackAsync(InstanceSpec instance, string? snapshotId, CancellationToken cancellationToken);

    /// <summary>
    /// Restores from a snapshot. When everything is rebuilt and verified and no process has run yet, calls
    /// <paramref name="commit"/>; if that throws, everything is undone and the port is parked as before. After it the
    /// port is plugged, held frames are delivered, the processes resume.
    /// </summary>
    /// <param name="instance">The instance; identity and declaration as in the registry.</param>
    /// <param name="snapshot">Which snapshot, with the digest its manifest must have.</param>
    /// <param name="commit">The point of no return.</param>
    /// <param name="cancellationToken">Honoured until <paramref name="commit"/> is called.</param>
    Task<RestoreResult> RestoreAsync(InstanceSpec instance, SnapshotRecord snapshot, Func<CancellationToken, Task> commit, CancellationToken cancellationToken);

    /// <summary>Holds the address of a dormant application: makes its parked port if there is none.</summary>
    Task ParkAsync(InstanceSpec instance, CancellationToken cancellationToken);

    /// <summary>Removes everything of an application from this node: processes, shell, port, layer, logs, and its snapshots.</summary>
    Task RemoveAsync(Aid aid, CancellationToken cancellationToken);

    /// <summary>Deletes a snapshot's files; nothing happens when there are none.</summary>
    Task DeleteSnapshotAsync(string snapshotId, CancellationToken cancellationToken);

    /// <summary>Returns when all files of a snapshot are on disk.</summary>
    Task SyncSnapshotAsync(string snapshotId, CancellationToken cancellationToken);

    /// <summary>Checks a snapshot's manifest and every digest.</summary>
    Task<SnapshotManifest> VerifySnapshotAsync(SnapshotRecord snapshot, CancellationToken cancellationToken);
}

/// <summary>What the interposer must know of an instance.</summary>
/// <param name="Aid">Its name.</param>
/// <param name="Identity">Address, MAC, hostname.</param>
/// <param name="Declaration">The chain, root and limits.</param>
/// <param name="Epoch">Epoch of the owner that asks.</param>
public sealed record InstanceSpec(Aid Aid, VirtualIdentity Identity, ApplicationDeclaration Declaration, long Epoch)
{
    /// <summary>Programs that have joined it.</summary>
    public IReadOnlyList<ProcessDeclaration> Joined { get; set; } = [];

    /// <summary>The declaration's rules, evaluated for this instance. Only a start needs them.</summary>
    public EvaluatedRules Rules { get; init; } = EvaluatedRules.None;
}

/// <param name="InitPid">Pid of the harness in the node's PID namespace.</param>
public sealed record StartedInstance(int InitPid)
{
    /// <summary>Names of all programs that the harness knows, of an instance that was taken over; <c>null</c>: as the actor has them.</summary>
    public IReadOnlyList<string>? Members { get; init; }
}

/// <param name="Aid">The instance.</param>
/// <param name="InitPid">Which activation of it: a late message about an earlier one is recognised by this.</param>
/// <param name="Exits">How each process of the chain ended.</param>
public sealed record InstanceEnded(Aid Aid, int InitPid, IReadOnlyList<ProcessExit> Exits);

/// <summary>What becomes of the processes when the snapshot is complete.</summary>
public enum CaptureMode
{
    /// <summary>They stay frozen until the commit.</summary>
    LeaveFrozen,

    /// <summary>They run on as soon as their state is saved.</summary>
    LeaveRunning,
}

/// <param name="Manifest">The manifest as written.</param>
/// <param name="Record">What goes to the registry.</param>
/// <param name="Phases">Durations, in order.</param>
public sealed record CaptureResult(SnapshotManifest Manifest, SnapshotRecord Record, IReadOnlyList<Phase> Phases)
{
    /// <summary>Visitors that were ended for it.</summary>
    public IReadOnlyList<ClosedVisitor> ClosedVisitors { get; init; } = [];
}

/// <param name="InitPid">Pid of the harness in the node's PID namespace.</param>
/// <param name="FramesHeld">Frames that had arrived meanwhile and were delivered.</param>
/// <param name="Phases">Durations, in order.</param>
public sealed record RestoreResult(int InitPid, int FramesHeld, IReadOnlyList<Phase> Phases);

/// <param name="Name">Lower case: <c>freeze</c>, <c>dump</c>, <c>layer</c>, ...</param>
/// <param name="Milliseconds">How long it took.</param>
public sealed record Phase(string Name, double Milliseconds);

/// <summary>What is found of an instance when a daemon starts.</summary>
public enum FoundState
{
    /// <summary>Its processes run, or are frozen with all of them alive: it can be adopted.</summary>
    Alive,

    /// <summary>Only pieces: a cgroup, a port, a layer, a harness that never started its processes.</summary>
    Pieces,
}

/// <param name="Aid">The instance.</param>
/// <param name="State">What is there.</param>
/// <param name="InitPid">Pid of the harness; 0 if there is none.</param>
public sealed record FoundInstance(Aid Aid, FoundState State, int InitPid);

/// <param name="Instances">Everything found, by application.</param>
/// <param name="Snapshots">Ids of all snapshot directories with a manifest in place.</param>
public sealed record NodeInventory(IReadOnlyList<FoundInstance> Instances, IReadOnlyList<string> Snapshots);
