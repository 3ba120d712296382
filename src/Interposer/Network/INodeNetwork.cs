using Vni.Actors.Identity;
using Vni.Actors.Snapshots;

namespace Vni.Interposer.Network;

/// <summary>
/// The node's side of all virtual identities: the bridge, and per instance a port on it. Every method may be called from
/// any thread, for different applications at the same time, for one application one call after the other. Failures are
/// <see cref="Vni.Actors.VniException"/>.
/// </summary>
/// <remarks>
/// A port is at most two interfaces: a veth pair, whose inner end is the instance's <c>eth0</c>, and a tap, which exists
/// while the port is parked. Whichever of them receives is named by one static forwarding entry for the instance's MAC;
/// moving that entry is what parking and plugging are.
/// </remarks>
internal interface INodeNetwork : IDisposable
{
    /// <summary>Uses the bridge if it exists, else creates it; gives it the gateway address, if one is configured, and
    /// sets it up. Repeating it changes nothing.</summary>
    void Start();

    /// <summary>
    /// Makes the veth pair of an instance and everything its network namespace needs; the port stays unplugged: frames
    /// from the instance go nowhere until <see cref="Plug"/>. A pair that an earlier activation left is replaced.
    /// </summary>
    /// <param name="aid">The instance.</param>
    /// <param name="identity">Its addresses and MAC.</param>
    /// <param name="initPid">A process in its network namespace, as a pid of the node.</param>
    /// <param name="neighbours">Peers it knew before, entered as stale, so that it need not wait for an answer;
    /// empty for a new instance.</param>
    void Connect(Aid aid, VirtualIdentity identity, int initPid, IReadOnlyList<Neighbour> neighbours);

    /// <summary>
    /// Lets frames flow: first those that the parked port holds, in the order in which they came, then all others; then
    /// announces the address. Without a parked port it just opens the port.
    /// </summary>
    /// <returns>Number of held frames that were delivered.</returns>
    int Plug(Aid aid, VirtualIdentity identity) => Plug(aid, identity, TravelledFrames.None);

    /// <summary>The same, with frames that were held elsewhere; those that are no frames of this link are left out.</summary>
    int Plug(Aid aid, VirtualIdentity identity, TravelledFrames travelled);

    /// <summary>Holds frames for the instance from now on; frames from it, if it still exists, go nowhere. Repeating it
    /// changes nothing.</summary>
    void Park(Aid aid, VirtualIdentity identity);

    /// <summary>Takes what a parked port holds, in order; it goes on holding. Empty when the port is not parked.</summary>
    IReadOnlyList<ReadOnlyMemory<byte>> TakeHeld(Aid aid);

    /// <summary>Another node holds frames for the instance from now on: frames for it that are sent on this node's bridge leave by
    /// the uplink. What the parked port holds stays, and <see cref="Plug(Aid, VirtualIdentity)"/> or <see cref="Park"/> end it.</summary>
    void Yield(Aid aid, VirtualIdentity identity);

    /// <summary>Tells switches and neighbours that the address is on this node.</summary>
    void Announce(VirtualIdentity identity);

    /// <summary>Whether frames for the instance are being held.</summary>
    bool IsParked(Aid aid);

    /// <summary>Takes the veth pair away, if it still exists, without waiting for it: <see cref="Connect"/> does if it must.
    /// A parked port goes on holding.</summary>
    void Disconnect(Aid aid);

    /// <summary>Takes the veth pair and the parked port with what it holds away.</summary>
    void Remove(Aid aid);

    /// <summary>The peers of which the instance knows the MAC, IPv4 and IPv6.</summary>
    IReadOnlyList<Neighbour> ReadNeighbours(int initPid);

    /// <summary>
    /// From now on the loopback of the instance passes only packets with CRIU's mark, so that data in flight between two
    /// of its own sockets is not sent before the second one is restored.
    /// </summary>
    void LockLoopback(int initPid);

    /// <summary>Ends <see cref="LockLoopback"/>; does nothing when it is not locked.</summary>
    void UnlockLoopback(int initPid);

    /// <summary>AIDs of all ports on this node that belong to this bridge, plugged or parked, whoever made them.</summary>
    IReadOnlyList<string> FindPorts();
}

/// <summary>Frames for an instance that another node, or an earlier port, has held.</summary>
/// <param name="Earlier">Came before those that the port here holds.</param>
/// <param name="Later">Came after them.</param>
internal sealed record TravelledFrames(IReadOnlyList<ReadOnlyMemory<byte>> Earlier, IReadOnlyList<ReadOnlyMemory<byte>> Later)
{
    public static TravelledFrames None { get; } = new([], []);
}
