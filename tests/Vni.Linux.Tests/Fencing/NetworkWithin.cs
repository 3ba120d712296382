using Vni.Actors.Identity;
using Vni.Actors.Snapshots;
using Vni.Interposer.Network;
using Vni.Linux.Tests.Network;

namespace Vni.Linux.Tests.Fencing;

/// <summary>The network plane of a node whose threads are elsewhere: each call is made in the node's namespace.</summary>
internal sealed class NetworkWithin(NetworkNamespace within, NodeNetwork network) : INodeNetwork
{
    public void Start() => within.Run(network.Start);

    public void Connect(Aid aid, VirtualIdentity identity, int initPid, IReadOnlyList<Neighbour> neighbours) => within.Run(() => network.Connect(aid, identity, initPid, neighbours));

    public int Plug(Aid aid, VirtualIdentity identity, TravelledFrames travelled) => within.Run(() => network.Plug(aid, identity, travelled));

    public IReadOnlyList<ReadOnlyMemory<byte>> TakeHeld(Aid aid) => network.TakeHeld(aid);

    public void Yield(Aid aid, VirtualIdentity identity) => network.Yield(aid, identity);

    public void Announce(VirtualIdentity identity) => network.Announce(identity);

    public void Park(Aid aid, VirtualIdentity identity) => within.Run(() => network.Park(aid, identity));

    public bool IsParked(Aid aid) => network.IsParked(aid);

    public void Disconnect(Aid aid) => within.Run(() => network.Disconnect(aid));

    public void Remove(Aid aid) => within.Run(() => network.Remove(aid));

    public IReadOnlyList<Neighbour> ReadNeighbours(int initPid) => network.ReadNeighbours(initPid);

    public void LockLoopback(int initPid) => network.LockLoopback(initPid);

    public void UnlockLoopback(int initPid) => network.UnlockLoopback(initPid);

    public IReadOnlyList<string> FindPorts() => network.FindPorts();

    public void Dispose() => network.Dispose();
}
