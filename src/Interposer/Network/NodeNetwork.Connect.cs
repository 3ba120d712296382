using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using Microsoft.Win32.SafeHandles;
using Vni.Actors.Identity;
using Vni.Actors.Snapshots;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Network;

/// <summary>Connecting: the veth pair, and what stands in the instance's network namespace.</summary>
internal sealed partial class NodeNetwork
{
    /// <summary>Order of the filters on the outer end: while the first is there, the second is not asked.</summary>
    private const ushort ClosedPriority = 1, OwnPriority = 2;

    /// <inheritdoc />
    public void Connect(Aid aid, VirtualIdentity identity, int initPid, IReadOnlyList<Neighbour> neighbours) =>
        NetworkFailure.Explain($"the network of '{aid}' could not be connected", () =>
        {
            var address = new PortAddress(identity);
            using var inside = Namespaces.Open(initPid, NamespaceKind.Network);
            ConnectOutside(aid, address, inside);
            try
            {
                var groups = GroupRange(initPid);
                Namespaces.Run(inside, NamespaceKind.Network, () => ConnectInside(address.Ip, identity.PrefixLength, groups, neighbours));
            }
            catch
            {
                Disconnect(aid);
                throw;
            }
        });

    private void ConnectOutside(Aid aid, PortAddress address, SafeFileHandle inside)
    {
        var name = _names.Veth(aid);
        var get = Rtnetlink.GetLink(name);
        Ready.Netlink.Execute(
            Rtnetlink.DeleteLink(name),
            Rtnetlink.NewVeth(name, Ready.Mtu, Inner, InnerIndex, address.Mac, inside),
            Rtnetlink.SetAlias(name, _names.Alias(aid)),
            get);
        var index = Link.Parse(get.Answer)?.Index ?? throw new LinuxException(Libc.ENODEV, "RTM_GETLINK", name);
        Sysctl.TrySet($"net/ipv6/conf/{name}/disable_ipv6", "1"); // The node has no address on a port.
        using var own = LoadClassifier(FrameFilters.Own(address), "vni_own");

        // Up although it is unplugged: the carrier, which the kernel notices a moment later, is there when it is needed.
        Ready.Netlink.Execute(
            Rtnetlink.NewClsact(index, name),
            Rtnetlink.SetFilter(index, name, FilterHook.Ingress, OwnPriority, own, "vni_own"),
            Rtnetlink.SetFilter(index, name, FilterHook.Ingress, ClosedPriority, _closed.Value, "vni_closed"),
            Rtnetlink.SetUp(index, name));
    }

    /// <summary>Runs in the instance's network namespace.</summary>
    private void ConnectInside(IPAddress ip, int prefixLength, string groups, IReadOnlyList<Neighbour> neighbours)
    {
        Sysctl.TrySet($"net/ipv6/conf/{Inner}/disable_ipv6", "1"); // Before it is up: it would take a link-local address.
        Sysctl.Set("net/ipv4/ip_unprivileged_port_start", "0"); // All ports are the instance's own.
        Sysctl.Set("net/ipv4/ping_group_range", groups);

        List<NetlinkMessage> messages =
        [
            Rtnetlink.SetUp(LoopbackIndex, "lo"),
            Rtnetlink.SetUp(InnerIndex, Inner),
            Rtnetlink.NewAddress(InnerIndex, ip, prefixLength),
        ];
        if (options.Gateway is { } gateway && !gateway.Equals(ip)) messages.Add(Rtnetlink.NewDefaultRoute(InnerIndex, gateway));
        foreach (var neighbour in neighbours)
        {
            // What an instance knew of its peers is a hint; one that makes no sense is not worth a failed restore.
            if (IPAddress.TryParse(neighbour.Ip, out var peer) && peer.GetAddressBytes().Length == 4
                && PhysicalAddress.TryParse(neighbour.Mac, out var mac) && mac.GetAddressBytes().Length == 6)
            {
                messages.Add(Rtnetlink.NewNeighbour(InnerIndex, peer, mac.GetAddressBytes()).Tolerate(Libc.EINVAL, Libc.ENOBUFS));
            }
        }

        using var netlink = new NetlinkSocket();
        netlink.Execute([.. messages]);
    }

    /// <summary>All groups that exist in the instance, as the node numbers them: who is in one of them may send pings.</summary>
    private static string GroupRange(int initPid)
    {
        // user_namespaces(7): first id inside, first id outside, number of ids.
        var map = (ProcFile.TryRead($"/proc/{initPid}/gid_map") ?? "").Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        if (map.Length < 3) throw new LinuxException(Libc.ENOENT, "read", $"/proc/{initPid}/gid_map");
        var first = long.Parse(map[1], CultureInfo.InvariantCulture);
        var last = Math.Min(first + long.Parse(map[2], CultureInfo.InvariantCulture) - 1, int.MaxValue);
        return $"{first} {last}";
    }
}
