using Vni.Actors.Applications;
using Vni.Actors.Identity;
using Vni.Actors.Messages;
using Vni.Unit.Tests.Fakes;

namespace Vni.Unit.Tests.Farms;

/// <summary>Applications whose snapshots are copied to another node.</summary>
internal static class Checkpoints
{
    public static Task<ApplicationView> RunAsync(TestNode node, string name = "shop", int everySeconds = 3600) =>
        node.Service.RunAsync(TestNode.Declare(name) with { Checkpoint = new CheckpointPolicy(everySeconds) }, default).WaitAsync(TestNode.Limit);

    /// <summary>Takes one and waits until it is on another node, which is returned.</summary>
    public static async Task<TestNode> TakeAsync(TestFarm farm, TestNode node, string name = "shop", bool leaveRunning = true)
    {
        var taken = await node.Service.SnapshotAsync(Aid.Parse(name), new SnapshotRequest(leaveRunning, Sync: true), default).WaitAsync(TestNode.Limit);
        TestNode? holder = null;
        await farm.UntilAsync(
            async () =>
            {
                var record = (await farm[1].SnapshotsAsync()).SingleOrDefault(snapshot => snapshot.Id == taken.Snapshot);
                holder = farm.Nodes.FirstOrDefault(other => record?.Copies?.Contains(other.Settings.Node) == true);
                return holder is not null;
            },
            "the copy");
        return holder!;
    }
}
