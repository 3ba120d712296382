using Vni.Actors.Identity;
using Vni.Interposer.Network;

namespace Vni.Interposer.Fencing;

/// <summary>What moving an instance needs.</summary>
internal sealed partial class FencedNetwork
{
    /// <inheritdoc />
    public int Plug(Aid aid, VirtualIdentity identity, TravelledFrames travelled) =>
        gate.Plug(aid, () => network.Plug(aid, identity, travelled), () => network.Park(aid, identity));

    /// <inheritdoc />
    public IReadOnlyList<ReadOnlyMemory<byte>> TakeHeld(Aid aid) => network.TakeHeld(aid);

    /// <inheritdoc />
    public void Yield(Aid aid, VirtualIdentity identity) => network.Yield(aid, identity);

    /// <inheritdoc />
    public void Announce(VirtualIdentity identity) => network.Announce(identity);
}
