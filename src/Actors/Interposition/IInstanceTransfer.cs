using Vni.Actors.Identity;
using Vni.Actors.Snapshots;

namespace Vni.Actors.Interposition;

/// <summary>
/// Moving an instance from this node (source) or to it (target), as the hand-off needs it [K3]. A hand-off has an id; what
/// a target holds for one is known by it, and is in memory alone, so that a daemon that dies leaves nothing of it. Every
/// method can be repeated; the ones that fail leave what was there before and throw a <see cref="VniException"/>.
/// </summary>
public interface IInstanceTransfer
{
    /// <summary>Source, any time: what a target must know to say whether it can take the instance. Does not disturb it.</summary>
    Task<InstanceFacts> DescribeAsync(InstanceSpec instance, CancellationToken cancellationToken);

    /// <summary>Source, while it runs, or of a stopped or dormant one: writes the layer; what is sent is remembered under
    /// the hand-off's id, so that <see cref="SendStateAsync"/> need only send what has changed since.</summary>
    /// <returns>Bytes written.</returns>
    Task<long> SendLayerAsync(InstanceSpec instance, string handOff, Stream to, CancellationToken cancellationToken);

    /// <summary>Source: freezes all processes, checks that they can be saved and lets the port hold frames. A moment that
    /// cannot be saved is waited for, as a snapshot does.</summary>
    /// <returns>Visitors that were ended for it.</returns>
    Task<IReadOnlyList<ClosedVisitor>> FreezeAsync(InstanceSpec instance, Quiescing quiescing, CancellationToken cancellationToken);

    /// <summary>Source, frozen: dumps, leaving the frozen processes in place, and writes images as they come, the layer's
    /// delta, the frames that the port has held, and last the manifest. Nothing of it is on the source's disk.</summary>
    Task<StateSent> SendStateAsync(InstanceSpec instance, string handOff, Stream to, CancellationToken cancellationToken);

    /// <summary>Source, after a hand-off that did not come about: plugs the port, delivers what it held and then
    /// <paramref name="frames"/>, which the target held, announces the address, thaws. Also does what is left of this for
    /// an instance that was never frozen.</summary>
    Task ThawAsync(InstanceSpec instance, string handOff, IReadOnlyList<ReadOnlyMemory<byte>> frames, CancellationToken cancellationToken);

    /// <summary>Where an instance goes on from an older state than others have seen of it: resets its TCP connections, so that its peers
    /// connect anew instead of waiting. It cannot fail; what could not be reset times out.</summary>
    Task ResetConnectionsAsync(InstanceSpec instance, CancellationToken cancellationToken);

    /// <summary>Source, after the commit: ends the frozen processes and takes away shell, port, layer and logs; snapshots stay.</summary>
    Task ReleaseMovedAsync(InstanceSpec instance, string handOff, CancellationToken cancellationToken);

    /// <summary>Target: everything that speaks against taking it (room, platform, the first file that differs), one phrase each; empty: nothing.</summary>
    Task<IReadOnlyList<string>> CheckAsync(InstanceSpec instance, InstanceFacts facts, CancellationToken cancellationToken);

    /// <summary>Target: reserves memory and makes ready whatever can be before the freeze.</summary>
    Task PrepareAsync(InstanceSpec instance, string handOff, InstanceFacts facts, CancellationToken cancellationToken);

    /// <summary>Target: reads what <see cref="SendLayerAsync"/> writes.</summary>
    Task ReceiveLayerAsync(Aid aid, string handOff, Stream from, CancellationToken cancellationToken);

    /// <summary>Target: parks the port here and announces the address, so that frames queue here from now on.</summary>
    Task HoldAsync(InstanceSpec instance, string handOff, CancellationToken cancellationToken);

    /// <summary>Target: reads what <see cref="SendStateAsync"/> writes: refuses what is truncated, altered, larger than announced, or names a path outside.</summary>
    Task ReceiveStateAsync(Aid aid, string handOff, Stream from, CancellationToken cancellationToken);

    /// <summary>Target: rebuilds the instance from what was received, as <see cref="IInterposer.RestoreAsync"/> does. No process
    /// runs before <paramref name="commit"/> has returned; if it throws, everything built is undone, but what was received and the held frames stay.</summary>
    Task<RestoreResult> ResumeAsync(InstanceSpec instance, string handOff, string manifestSha256, Func<CancellationToken, Task> commit, CancellationToken cancellationToken);

    /// <summary>Target: a stopped or dormant application comes here: its layer is put in place (and its port parked if
    /// <paramref name="park"/>).</summary>
    Task SettleAsync(InstanceSpec instance, string handOff, bool park, CancellationToken cancellationToken);

    /// <summary>Target: drops everything of a hand-off, port included unless the instance runs here; gives the frames that were
    /// held. Does nothing where nothing is.</summary>
    Task<IReadOnlyList<ReadOnlyMemory<byte>>> AbandonAsync(Aid aid, string handOff, CancellationToken cancellationToken);
}

/// <summary>What a target must know to decide.</summary>
/// <param name="Platform">Of the source.</param>
/// <param name="Memory">Bytes of memory that its processes use, an upper bound of what pages will be sent.</param>
/// <param name="Layer">Bytes of its layer.</param>
/// <param name="Files">Files of the root below the layer that its processes map or hold open.</param>
/// <param name="Blockers">Why it cannot be saved at this moment, one phrase each with process and reason; empty: it can.</param>
public sealed record InstanceFacts(PlatformFacts Platform, long Memory, long Layer, IReadOnlyList<NeededFile> Files, IReadOnlyList<string> Blockers)
{
    /// <summary>The blockers and what passes by itself, in all detail; <c>null</c>: not known.</summary>
    public IReadOnlyList<Finding>? Findings { get; init; }
}

/// <param name="Path">In the instance.</param>
/// <param name="Size">Bytes.</param>
/// <param name="BuildId">The ELF note NT_GNU_BUILD_ID in lower-case hexadecimal; <c>null</c>: it has none.</param>
/// <param name="Sha256">Digest of the content, for files without a build id, lower-case hexadecimal; else <c>null</c>.</param>
public sealed record NeededFile(string Path, long Size, string? BuildId, string? Sha256);

/// <param name="ManifestSha256">Digest of the manifest that ended the stream.</param>
/// <param name="Bytes">Written in all.</param>
/// <param name="Phases">Durations, in order.</param>
public sealed record StateSent(string ManifestSha256, long Bytes, IReadOnlyList<Phase> Phases);
