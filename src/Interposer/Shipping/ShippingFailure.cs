using Vni.Actors;
using Vni.Actors.Snapshots;
using Vni.Interposer.Operations;

namespace Vni.Interposer.Shipping;

/// <summary>What copying a snapshot can fail with.</summary>
internal static class ShippingFailure
{
    /// <summary>What came is not the snapshot.</summary>
    public static VniException Refused(string id, string why, Exception? inner = null) => new(
        ErrorCodes.SnapshotDamaged, $"a copy of snapshot {id} was refused: {why}; nothing of it was kept, copy it again, or from another node", inner);

    /// <summary>Does the work; files that are missing and full disks become sentences.</summary>
    public static async Task Explain(SnapshotRecord snapshot, string directory, Func<Task> work)
    {
        try
        {
            await work().ConfigureAwait(false);
        }
        catch (Exception e) when (NoSpace.Is(e))
        {
            throw new VniException(ErrorCodes.NoSpace, $"no space is left for a copy of snapshot {snapshot.Id}, {snapshot.Size} bytes, in {directory}; free some and try again", e);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new VniException(ErrorCodes.SnapshotNotFound, $"snapshot {snapshot.Id} was deleted while it was copied: {e.Message}; take another one", e);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new VniException(ErrorCodes.NodeIncapable, $"snapshot {snapshot.Id} could not be copied to {directory}: {e.Message}; let root write there", e);
        }
    }
}
