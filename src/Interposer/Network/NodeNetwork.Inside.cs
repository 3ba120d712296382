using System.Net.NetworkInformation;
using Vni.Actors.Snapshots;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Network;

/// <summary>What else is read and set in the instance's network namespace.</summary>
internal sealed partial class NodeNetwork
{
    /// <inheritdoc />
    public IReadOnlyList<Neighbour> ReadNeighbours(int initPid) =>
        NetworkFailure.Explain($"the neighbours known to process {initPid} could not be read", () =>
            Namespaces.Run(initPid, NamespaceKind.Network, () =>
            {
                using var netlink = new NetlinkSocket();
                var found = new List<Neighbour>();
                foreach (var payload in netlink.Dump(Rtnetlink.GetNeighbours()))
                {
                    if (Rtnetlink.ParseNeighbour(payload, InnerIndex) is not var (address, mac)) continue;
                    found.Add(new Neighbour(address.ToString(), string.Join(':', mac.Select(b => b.ToString("x2")))));
                }

                return found;
            }));

    /// <inheritdoc />
    public void LockLoopback(int initPid) => ChangeLoopback(initPid, "locked",
        Rtnetlink.NewClsact(Rtnetlink.LoopbackIndex, "lo"),
        Rtnetlink.SetFilter(Rtnetlink.LoopbackIndex, "lo", FilterHook.Egress, ClosedPriority, _criuOnly.Value, "vni_criu_only"));

    /// <inheritdoc />
    public void UnlockLoopback(int initPid) => ChangeLoopback(initPid, "unlocked", Rtnetlink.DeleteClsact(Rtnetlink.LoopbackIndex, "lo"));

    private static void ChangeLoopback(int initPid, string change, params NetlinkMessage[] messages) =>
        NetworkFailure.Explain($"the loopback of process {initPid} could not be {change}", () =>
            Namespaces.Run(initPid, NamespaceKind.Network, () =>
            {
                using var netlink = new NetlinkSocket();
                netlink.Execute(messages);
                return true;
            }));
}
