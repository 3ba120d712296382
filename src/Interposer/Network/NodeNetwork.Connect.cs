using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using Vni.Actors;
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
            var name = _names.Veth(aid);
            AwaitDisconnected(aid);
            Ready.Netlink.Execute(Rtnetlink.DeleteLink(name));
            using var inside = MakePair(name, address, initPid);
            try
            {
                // The outer end comes up first: then the inner one has its carrier, and can send, as soon as it is up.
                SetUpOutside(aid, name, address);
                inside.Execute([.. SetUpInside(address, identity, neighbours)]);
            }
            catch
            {
                Disconnect(aid);
                throw;
            }
        });

    /// <summary>Makes the pair from within the instance's namespace, and leaves a socket there through which the rest is
    /// done without going in again.</summary>
    private NetlinkSocket MakePair(string name, PortAddress address, int initPid)
    {
        var groups = GroupRange(initPid);
        return Namespaces.Run(initPid, NamespaceKind.Network, () =>
        {
            var netlink = new NetlinkSocket();
            try
            {
                netlink.Execute(Rtnetlink.NewVeth(InnerIndex, Inner, address.Mac, Ready.Mtu, name, Ready.Namespace));
                if (address.Ip6 is null) Sysctl.TrySet($"net/ipv6/conf/{Inner}/disable_ipv6", "1"); // Before it is up: it would take a link-local address.
                else AllowIpv6();
                Sysctl.Set("net/ipv4/ip_unprivileged_port_start", "0"); // All ports are the instance's own.
                Sysctl.Set("net/ipv4/ping_group_range", groups);
                return netlink;
            }
            catch
            {
                netlink.Execute(Rtnetlink.DeleteLink(Inner));
                netlink.Dispose();
                throw;
            }
        });
    }

    /// <summary>In the instance's namespace, before the interface is up: no address but the one that it is given, by nobody else.</summary>
    private static void AllowIpv6()
    {
        if (!Sysctl.HasIpv6) throw new VniException(ErrorCodes.NodeIncapable, "an application with an IPv6 address cannot live here: this kernel has no IPv6; boot without ipv6.disable=1");
        Sysctl.TrySet("net/ipv6/conf/lo/disable_ipv6", "0");
        const int noLinkLocal = 1; // IN6_ADDR_GEN_MODE_NONE, linux/if_link.h.
        Sysctl.Set($"net/ipv6/conf/{Inner}/addr_gen_mode", $"{noLinkLocal}");
        Sysctl.Set($"net/ipv6/conf/{Inner}/accept_ra", "0");
        Sysctl.Set($"net/ipv6/conf/{Inner}/autoconf", "0");
        Sysctl.Set($"net/ipv6/conf/{Inner}/disable_ipv6", "0");
    }

    private void SetUpOutside(Aid aid, string name, PortAddress address)
    {
        var index = Ready.Find(name)?.Index ?? throw new LinuxException(Libc.ENODEV, "RTM_GETLINK", name);
        Sysctl.TrySet($"net/ipv6/conf/{name}/disable_ipv6", "1"); // The node has no address on a port.
        using var own = LoadClassifier(FrameFilters.Own(address), "vni_own");

        // Up although it is unplugged: the carrier, which the kernel notices a moment later, is there when it is needed.
        Ready.Netlink.Execute(
            Rtnetlink.SetAlias(name, _names.Alias(aid)),
            Rtnetlink.NewClsact(index, name),
            Rtnetlink.SetFilter(index, name, FilterHook.Ingress, OwnPriority, own, "vni_own"),
            Rtnetlink.SetFilter(index, name, FilterHook.Ingress, ClosedPriority, _closed.Value, "vni_closed"),
            Rtnetlink.SetUp(index, name));
    }

    private List<NetlinkMessage> SetUpInside(PortAddress address, VirtualIdentity identity, IReadOnlyList<Neighbour> neighbours)
    {
        List<NetlinkMessage> messages =
        [
            Rtnetlink.SetUp(Rtnetlink.LoopbackIndex, "lo"),
            Rtnetlink.SetUp(InnerIndex, Inner),
            Rtnetlink.NewAddress(InnerIndex, address.Ip, identity.PrefixLength),
        ];
        if (options.Gateway is { } gateway && !gateway.Equals(address.Ip)) messages.Add(Rtnetlink.NewDefaultRoute(InnerIndex, gateway));
        if (address.Ip6 is { } ip6)
        {
            messages.Add(Rtnetlink.NewAddress(InnerIndex, ip6, identity.PrefixLength6 ?? 128));
            if (options.Gateway6 is { } gateway6 && options.Subnet6?.Contains(ip6) == true && !gateway6.Equals(ip6)) messages.Add(Rtnetlink.NewDefaultRoute(InnerIndex, gateway6));
        }

        foreach (var neighbour in neighbours)
        {
            // What an instance knew of its peers is a hint; one that makes no sense is not worth a failed restore.
            if (IPAddress.TryParse(neighbour.Ip, out var peer) && (peer.GetAddressBytes().Length == 4 || address.Ip6 is not null)
                && PhysicalAddress.TryParse(neighbour.Mac, out var mac) && mac.GetAddressBytes().Length == 6)
            {
                messages.Add(Rtnetlink.NewNeighbour(InnerIndex, peer, mac.GetAddressBytes()).Tolerate(Libc.EINVAL, Libc.ENOBUFS));
            }
        }

        return messages;
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
