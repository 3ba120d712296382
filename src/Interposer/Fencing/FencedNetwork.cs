using Vni.Actors.Identity;
using Vni.Actors.Snapshots;
using Vni.Interposer.Network;

namespace Vni.Interposer.Fencing;

/// <summary>The network plane behind the gate: while that is closed, ports that are to be plugged are parked.</summary>
internal sealed partial class FencedNetwork(INodeNetwork network, FenceGate gate) : INodeNetwork
{
    /// <inheritdoc />
    public void Start() => network.Start();

    /// <inheritdoc />
    public void Connect(Aid aid, VirtualIdentity identity, int initPid, IReadOnlyList<Neighbour> neighbours) => network.Connect(aid, identity, initPid, neighbours);

    /// <inheritdoc />
    public int Plug(Aid aid, VirtualIdentity identity) => gate.Plug(aid, () => network.Plug(aid, identity), () => network.Park(aid, identity));

    /// <inheritdoc />
    public void Park(Aid aid, VirtualIdentity identity) => network.Park(aid, identity);

    /// <inheritdoc />
    public bool IsParked(Aid aid) => network.IsParked(aid);

    /// <inheritdoc />
    public void Disconnect(Aid aid)
    {
        gate.Forget(aid);
        network.Disconnect(aid);
    }

    /// <inheritdoc />
    public void Remove(Aid aid)
    {
        gate.Forget(aid);
        network.Remove(aid);
    }

    /// <inheritdoc />
    public IReadOnlyList<Neighbour> ReadNeighbours(int initPid) => network.ReadNeighbours(initPid);

    /// <inheritdoc />
    public void LockLoopback(int initPid) => network.LockLoopback(initPid);

    /// <inheritdoc />
    public void UnlockLoopback(int initPid) => network.UnlockLoopback(initPid);

    /// <inheritdoc />
    public IReadOnlyList<string> FindPorts() => network.FindPorts();

    /// <inheritdoc />
    public void Dispose() => network.Dispose();
}
