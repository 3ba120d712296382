using System.Collections.Concurrent;
using Vni.Actors.Identity;

namespace Vni.Interposer.Operations;

/// <summary>
/// Which layers are, as they lie on the node's disk, exactly those of a snapshot: since it was taken no process of the
/// instance has run. A restore of that snapshot need not unpack it again. Known to the daemon that took it, and until
/// anything else is done with the instance.
/// </summary>
internal sealed class SettledLayers
{
    private readonly ConcurrentDictionary<Aid, string> _snapshots = new();

    /// <summary>The frozen instance's layer is that of the snapshot.</summary>
    public void Settle(Aid aid, string snapshotId) => _snapshots[aid] = snapshotId;

    /// <summary>Whether the layer is that of the snapshot; asking ends it, because a restore is about to use it.</summary>
    public bool Take(Aid aid, string snapshotId) => _snapshots.TryRemove(aid, out var settled) && settled == snapshotId;

    /// <summary>The instance runs, or its files go.</summary>
    public void Unsettle(Aid aid) => _snapshots.TryRemove(aid, out _);
}
