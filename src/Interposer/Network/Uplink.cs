using Vni.Actors;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Network;

/// <summary>
/// The interface through which the node's bridge reaches those of other nodes. A port of a bridge has no addresses of its
/// own, so the ones it had, and the routes through it, become the bridge's: the node stays reachable. Each step can be
/// repeated, and after each the node has what it had.
/// </summary>
/// <remarks>
/// Instances' MACs are static entries of their ports, but the bridge moves even those when a frame from that MAC comes in by
/// the uplink: an announcement by another node is enough to send frames there. Plugging and parking move them back.
/// </remarks>
internal static class Uplink
{
    /// <summary>An address that is valid on one link only: the kernel makes it anew.</summary>
    private const byte LinkScope = 253;

    /// <summary>Makes an interface the uplink of a bridge.</summary>
    /// <returns>What its frames may carry, in bytes.</returns>
    /// <exception cref="VniException"><see cref="ErrorCodes.NodeIncapable"/>: there is no such interface, or it is in use.</exception>
    public static int Attach(NetlinkSocket netlink, Link bridge, string name)
    {
        var get = Rtnetlink.GetLink(name);
        netlink.Execute(get);
        var uplink = Link.Parse(get.Answer) ?? throw Refused(bridge, name, "there is none of that name in the daemon's network namespace");
        if (uplink.Index == bridge.Index) throw Refused(bridge, name, "it is that bridge");
        if (uplink.Index == Rtnetlink.LoopbackIndex) throw Refused(bridge, name, "it is the loopback");
        if (uplink.Kind == "bridge") throw Refused(bridge, name, "it is a bridge itself, and bridges cannot be ports of each other");
        if (uplink.Master != 0 && uplink.Master != bridge.Index) throw Refused(bridge, name, $"it is a port of '{NameOf(netlink, uplink.Master)}' already");

        CopyAddresses(netlink, uplink.Index, bridge);
        netlink.Execute(Rtnetlink.SetMaster(uplink.Index, name, bridge.Index), Rtnetlink.SetUp(uplink.Index, name));
        MoveRoutes(netlink, uplink.Index, bridge.Index);
        foreach (var address in AddressesOf(netlink, uplink.Index)) netlink.Execute(Rtnetlink.DeleteAddress(address));
        return uplink.Mtu;
    }

    private static void CopyAddresses(NetlinkSocket netlink, int uplink, Link bridge)
    {
        var addresses = AddressesOf(netlink, uplink);
        if (addresses.Exists(a => InterfaceAddress.Parse(a).Ip?.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6)) Sysctl.TrySet($"net/ipv6/conf/{bridge.Name}/disable_ipv6", "0");
        foreach (var address in addresses) netlink.Execute(Rtnetlink.CopyAddress(address, bridge.Index));
    }

    /// <summary>While both interfaces have the addresses, so that the gateways of the routes can be reached through either.</summary>
    private static void MoveRoutes(NetlinkSocket netlink, int uplink, int bridge)
    {
        foreach (var route in netlink.Dump(Rtnetlink.GetRoutes()))
        {
            if (Rtnetlink.IsRouteOf(route, uplink)) netlink.Execute(Rtnetlink.MoveRoute(route, bridge), Rtnetlink.DeleteRoute(route));
        }
    }

    private static List<byte[]> AddressesOf(NetlinkSocket netlink, int index) => netlink.Dump(Rtnetlink.GetAddresses()).FindAll(payload =>
    {
        var address = InterfaceAddress.Parse(payload);
        return address.Index == index && address.Scope < LinkScope && address.Ip is not null;
    });

    private static string NameOf(NetlinkSocket netlink, int index) =>
        netlink.Dump(Rtnetlink.GetLinks()).Select(l => Link.Parse(l)!).FirstOrDefault(l => l.Index == index)?.Name ?? $"interface {index}";

    private static VniException Refused(Link bridge, string name, string why) => new(
        ErrorCodes.NodeIncapable, $"interface '{name}' cannot be the uplink of bridge '{bridge.Name}': {why}; name another interface, or none on a machine of its own");
}
