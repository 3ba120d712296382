using Microsoft.Win32.SafeHandles;
using Vni.Actors;
using Vni.Actors.Identity;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Network;

/// <summary>The node's bridge, ready for ports, and the two sockets through which everything is done to it.</summary>
internal sealed class Bridge : IDisposable
{
    private Bridge(NetlinkSocket netlink, int index, int mtu)
    {
        (Netlink, Index, Mtu) = (netlink, index, mtu);
    }

    /// <summary>In the bridge's network namespace.</summary>
    public NetlinkSocket Netlink { get; }

    /// <summary>In the bridge's network namespace.</summary>
    public LinkPacket Packets { get; } = new();

    /// <summary>The bridge's network namespace.</summary>
    public SafeFileHandle Namespace { get; } = Namespaces.OpenOwn(NamespaceKind.Network);

    /// <summary>Its interface index.</summary>
    public int Index { get; }

    /// <summary>What ports must have, or they would lose frames between each other; it is the uplink's when there is one.</summary>
    public int Mtu { get; }

    /// <summary>Uses the bridge or creates it, gives it the gateway address and sets it up, and its uplink, if there is to be one.</summary>
    public static Bridge Open(NetworkOptions options)
    {
        var (name, gateway) = (options.Bridge, options.Gateway);
        var netlink = new NetlinkSocket();
        try
        {
            netlink.Execute(Rtnetlink.SetUp(Rtnetlink.LoopbackIndex, "lo")); // In a new namespace it is down, and CRIU does not start without it.
            var found = Find(netlink, name);
            if (found is null)
            {
                var first = options.Uplink is { } port ? Find(netlink, port) : null;
                netlink.Execute(Rtnetlink.NewBridge(name, NewAddress(gateway, first)).Tolerate(Libc.EEXIST));
                Sysctl.TrySet($"net/ipv6/conf/{name}/disable_ipv6", "1"); // Who does not speak it should not chatter.
                found = Find(netlink, name) ?? throw new LinuxException(Libc.ENODEV, "RTM_GETLINK", name);
            }

            if (found.Kind != "bridge")
            {
                throw new VniException(ErrorCodes.NodeIncapable,
                    $"interface '{name}' cannot be the node's bridge: it is {(found.Kind is null ? "no virtual interface" : $"of kind {found.Kind}")}; name another bridge, or remove it and the daemon makes one");
            }

            // A bridge whose MAC nobody set takes that of its lowest port, and so changes it when ports come and go, which
            // the instances' neighbour tables do not follow. Setting the one it has pins it.
            netlink.Execute(Rtnetlink.SetAddress(found.Index, name, found.Address), Rtnetlink.SetUp(found.Index, name));
            if (gateway is not null) netlink.Execute(Rtnetlink.NewAddress(found.Index, gateway, options.PrefixLength));
            if (options.Subnet6 is { } subnet6) OpenToIpv6(netlink, found, subnet6, options);
            return new Bridge(netlink, found.Index, options.Uplink is { } uplink ? AttachUplink(netlink, found, uplink) : found.Mtu);
        }
        catch
        {
            netlink.Dispose();
            throw;
        }
    }

    /// <summary>An interface by name; <c>null</c> if there is none.</summary>
    public Link? Find(string name) => Find(Netlink, name);

    /// <inheritdoc />
    public void Dispose()
    {
        Netlink.Dispose();
        Packets.Dispose();
        Namespace.Dispose();
    }

    /// <summary>Neighbour solicitations go to groups that instances cannot tell a snooping bridge of.</summary>
    private static void OpenToIpv6(NetlinkSocket netlink, Link bridge, System.Net.IPNetwork subnet6, NetworkOptions options)
    {
        if (!Sysctl.HasIpv6)
        {
            throw new VniException(ErrorCodes.NodeIncapable,
                $"applications cannot have addresses of {subnet6}: this kernel has no IPv6; boot without ipv6.disable=1, or take network.subnet6 out of the configuration");
        }

        netlink.Execute(Rtnetlink.EndSnooping(bridge.Index, bridge.Name));
        if (options.Gateway6 is not { } gateway6) return;
        Sysctl.Set($"net/ipv6/conf/{bridge.Name}/disable_ipv6", "0");
        netlink.Execute(Rtnetlink.NewAddress(bridge.Index, gateway6, subnet6.PrefixLength));
    }

    /// <summary>A bridge whose MTU nobody set follows the smallest of its ports'; one that was set must not exceed the uplink's.</summary>
    private static int AttachUplink(NetlinkSocket netlink, Link bridge, string uplink)
    {
        var longest = Uplink.Attach(netlink, bridge, uplink);
        var mtu = Find(netlink, bridge.Name)?.Mtu ?? longest;
        if (mtu <= longest) return mtu;
        netlink.Execute(Rtnetlink.SetMtu(bridge.Index, bridge.Name, longest));
        return longest;
    }

    private static Link? Find(NetlinkSocket netlink, string name)
    {
        var get = Rtnetlink.GetLink(name);
        netlink.Execute(get);
        return Link.Parse(get.Answer);
    }

    /// <summary>The gateway's MAC follows from its address like any other, so that a bridge made anew has the old one; so has one
    /// that takes over the uplink's, with its addresses: who knows the node by them need not learn anew. With neither it is
    /// random and locally administered.</summary>
    private static byte[] NewAddress(System.Net.IPAddress? gateway, Link? uplink)
    {
        if (gateway is null && uplink is { Address.Length: 6 } && uplink.Address.AsSpan().ContainsAnyExcept((byte)0)) return uplink.Address;
        if (gateway is not null) return System.Net.NetworkInformation.PhysicalAddress.Parse(VirtualIdentity.MacOf(gateway)).GetAddressBytes();
        var mac = System.Security.Cryptography.RandomNumberGenerator.GetBytes(6);
        (mac[0], mac[1]) = (0x02, 0x01);
        return mac;
    }
}
