using Vni.Actors.Identity;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Network;

/// <summary>Plugging: held frames first, then all others.</summary>
internal sealed partial class NodeNetwork
{
    private const int EthernetHeader = 14, VlanTag = 4;

    private int LongestFrame => Ready.Mtu + EthernetHeader + VlanTag;

    /// <inheritdoc />
    public int Plug(Aid aid, VirtualIdentity identity) => Plug(aid, identity, TravelledFrames.None);

    /// <inheritdoc />
    public int Plug(Aid aid, VirtualIdentity identity, TravelledFrames travelled) => NetworkFailure.Explain($"the port of '{aid}' could not be plugged", () =>
    {
        var address = new PortAddress(identity);
        var name = _names.Veth(aid);
        var index = Ready.Find(name)?.Index ?? throw new LinuxException(Libc.ENODEV, "RTM_GETLINK", name);

        // The instance may answer from here on; what is meant for it still goes to the tap, if there is one.
        Ready.Netlink.Execute(
            Rtnetlink.SetUp(index, name),
            Rtnetlink.SetMaster(index, name, Ready.Index),
            Rtnetlink.SetPort(index, name, learning: false, flooding: true, multicast: true),
            Rtnetlink.DeleteFilter(index, name, FilterHook.Ingress, ClosedPriority));

        // Delivered before the entry moves, so that new frames do not overtake held ones, and once more after it, for those
        // that came while it moved: they alone can be overtaken, and only by frames that came in the same moment.
        var tap = _parked.GetValueOrDefault(aid);
        var delivered = Deliver(travelled.Earlier, index);
        if (tap is not null) delivered += Deliver(tap, index);
        delivered += Deliver(travelled.Later, index);
        Ready.Netlink.Execute(Rtnetlink.SetForwarding(index, name, address.Mac));
        if (tap is not null)
        {
            delivered += Deliver(tap, index);
            Discard(aid);
        }

        Announce(address);
        return delivered;
    });

    private int Deliver(IReadOnlyList<ReadOnlyMemory<byte>> frames, int index)
    {
        var delivered = 0;
        foreach (var frame in frames)
        {
            if (frame.Length < EthernetHeader || frame.Length > LongestFrame) continue;
            Ready.Packets.Send(index, frame.Span);
            delivered++;
        }

        return delivered;
    }

    /// <summary>Passes waiting frames on, in order, until none waits or twice as many as fit have passed: a peer that
    /// sends without pause must not keep the port from being plugged.</summary>
    private int Deliver(Tap tap, int index)
    {
        Span<byte> frame = stackalloc byte[LongestFrame];
        for (var count = 0; count < 2 * HeldFrames; count++)
        {
            var length = tap.Read(frame);
            if (length == 0) return count;
            Ready.Packets.Send(index, frame[..length]);
        }

        return 2 * HeldFrames;
    }
}
