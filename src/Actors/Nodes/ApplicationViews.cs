using Vni.Actors.Applications;
using Vni.Actors.Interposition;
using Vni.Actors.Messages;
using Vni.Actors.Snapshots;

namespace Vni.Actors.Nodes;

/// <summary>Registry records as users and programs see them.</summary>
internal static class ApplicationViews
{
    public static ApplicationView Of(ApplicationState state, IReadOnlyList<LiveProcess> processes, IReadOnlyList<ChainMember> chain) => new()
    {
        Aid = state.Aid.Value,
        Status = ApplicationSentences.Name(state.Status),
        Reason = state.Reason,
        Ip = state.Identity.Ip,
        Ip6 = state.Identity.Ip6,
        Mac = state.Identity.Mac,
        Hostname = state.Identity.Hostname,
        Node = state.Node,
        Epoch = state.Epoch,
        Pids = [.. processes.Select(process => process.Pid)],
        Snapshot = state.Snapshot,
        Processes = processes,
        Chain = ChainOf(state, chain),
        Joined = state.Joined,
        Exits = state.Exits,
        Declaration = state.Declaration,
        Created = state.Created,
        Changed = state.Changed,
    };

    private static IReadOnlyList<ChainMember> ChainOf(ApplicationState state, IReadOnlyList<ChainMember> recorded) => state.Status switch
    {
        // A harness that was killed has not written down how it ended.
        ApplicationStatus.Stopped =>
            [.. recorded.Select(member => member with { State = ChainMember.Ended, Pid = null, LastExit = state.Exits.FirstOrDefault(exit => exit.Process == member.Name) ?? member.LastExit })],

        // Nothing runs; what is written down is of some moment before.
        ApplicationStatus.Dormant or ApplicationStatus.Restoring or ApplicationStatus.Lost => [],
        _ => recorded,
    };

    public static SnapshotView Of(SnapshotRecord snapshot) => new()
    {
        Snapshot = snapshot.Id,
        Aid = snapshot.Aid.Value,
        Node = snapshot.Node,
        Created = snapshot.Created,
        Size = snapshot.Size,
        Durable = snapshot.Durable,
    };
}
