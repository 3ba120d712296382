using Vni.Actors.Identity;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Network;

/// <summary>Parking: frames for the instance wait in a tap.</summary>
internal sealed partial class NodeNetwork
{
    /// <summary>Frames that a parked port holds; more are dropped. Room for what a few peers with windows of a megabyte
    /// have in flight; the empty queue costs 8 bytes for each.</summary>
    private const int HeldFrames = 4096;

    /// <inheritdoc />
    public void Park(Aid aid, VirtualIdentity identity) => NetworkFailure.Explain($"the port of '{aid}' could not be parked", () =>
    {
        var address = new PortAddress(identity);
        var tap = _names.Tap(aid);
        var made = _parked.ContainsKey(aid) ? null : MakeTap(aid, address);
        try
        {
            var (getTap, getVeth) = (Rtnetlink.GetLink(tap), Rtnetlink.GetLink(_names.Veth(aid)));
            Ready.Netlink.Execute(getTap, getVeth);
            var index = Link.Parse(getTap.Answer)?.Index ?? throw new LinuxException(Libc.ENODEV, "RTM_GETLINK", tap);
            List<NetlinkMessage> messages =
            [
                Rtnetlink.SetQueue(index, tap, HeldFrames, Ready.Mtu),
                Rtnetlink.SetUp(index, tap),
                Rtnetlink.SetMaster(index, tap, Ready.Index),
                Rtnetlink.SetPort(index, tap, learning: false, flooding: false, multicast: address.Ip6 is not null),
                Rtnetlink.SetForwarding(index, tap, address.Mac),
            ];
            if (Link.Parse(getVeth.Answer) is { } veth)
            {
                // Off the bridge, the node's own stack would hear what the instance's kernel still says.
                messages.Add(Rtnetlink.SetFilter(veth.Index, veth.Name, FilterHook.Ingress, ClosedPriority, _closed.Value, "vni_closed"));
                messages.Add(Rtnetlink.SetMaster(veth.Index, veth.Name, 0));
            }

            Ready.Netlink.Execute([.. messages]);
            if (made is not null) _parked[aid] = made;
        }
        catch
        {
            made?.Dispose();
            throw;
        }
    });

    /// <inheritdoc />
    public bool IsParked(Aid aid) => _parked.ContainsKey(aid);

    /// <inheritdoc />
    public IReadOnlyList<ReadOnlyMemory<byte>> TakeHeld(Aid aid) => NetworkFailure.Explain($"what the port of '{aid}' holds could not be read", () =>
    {
        var taken = new List<ReadOnlyMemory<byte>>();
        if (!_parked.TryGetValue(aid, out var tap)) return taken;
        Span<byte> frame = stackalloc byte[LongestFrame];
        while (taken.Count < 2 * HeldFrames && tap.Read(frame) is > 0 and var length) taken.Add(frame[..length].ToArray());
        return taken;
    });

    /// <inheritdoc />
    public void Yield(Aid aid, VirtualIdentity identity) => NetworkFailure.Explain($"the port of '{aid}' could not be given up", () =>
    {
        // The bridge may have moved the entry to the uplink already, having heard the other node: only an entry that is here can
        // be removed. The link's next frame teaches it anew, and then it ages as it should.
        var (name, mac) = (_names.Tap(aid), new PortAddress(identity).Mac);
        if (Ready.Find(name) is { } tap) Ready.Netlink.Execute(Rtnetlink.SetForwarding(tap.Index, name, mac), Rtnetlink.DeleteForwarding(tap.Index, name, mac));
    });

    /// <inheritdoc />
    public void Announce(VirtualIdentity identity) =>
        NetworkFailure.Explain($"address {identity.Ip} could not be announced", () => Announce(new PortAddress(identity)));

    private void Announce(PortAddress address)
    {
        foreach (var frame in address.Announcements()) Ready.Packets.Send(Ready.Index, frame);
    }

    private Tap MakeTap(Aid aid, PortAddress address)
    {
        AwaitDiscarded(aid);
        var tap = Tap.Create(_names.Tap(aid), FrameFilters.Held(address));
        try
        {
            Sysctl.TrySet($"net/ipv6/conf/{tap.Name}/disable_ipv6", "1");
            Ready.Netlink.Execute(Rtnetlink.SetAlias(tap.Name, _names.Alias(aid)));
            return tap;
        }
        catch
        {
            tap.Dispose();
            throw;
        }
    }
}
