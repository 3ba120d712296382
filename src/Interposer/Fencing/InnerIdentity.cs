using System.Net.Sockets;
using Vni.Actors.Identity;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Fencing;

/// <summary>The identity of an instance as its own network namespace has it: a fence must know it also when no daemon has
/// told it, because the registry, which could, cannot be reached.</summary>
internal static class InnerIdentity
{
    private const string Interface = "eth0";

    /// <summary><c>null</c>: the process has ended, or its namespace has no interface with an address yet.</summary>
    public static VirtualIdentity? Read(int initPid)
    {
        try
        {
            return Namespaces.Run(initPid, NamespaceKind.Network, Read);
        }
        catch (LinuxException e) when (e.Errno is Libc.ENOENT or Libc.ESRCH)
        {
            return null;
        }
    }

    private static VirtualIdentity? Read()
    {
        using var netlink = new NetlinkSocket();
        var get = Rtnetlink.GetLink(Interface);
        netlink.Execute(get);
        if (Link.Parse(get.Answer) is not { } link) return null;
        var own = netlink.Dump(Rtnetlink.GetAddresses()).Select(payload => InterfaceAddress.Parse(payload)).Where(a => a.Index == link.Index && a.Ip is not null).ToList();
        var (four, six) = (own.Find(a => a.Ip!.AddressFamily == AddressFamily.InterNetwork), own.Find(a => a.Ip!.AddressFamily == AddressFamily.InterNetworkV6));
        return four is null ? null : new VirtualIdentity(four.Ip!.ToString(), four.PrefixLength, string.Join(':', link.Address.Select(b => b.ToString("x2"))), "")
        {
            Ip6 = six?.Ip!.ToString(),
            PrefixLength6 = six?.PrefixLength,
        };
    }
}
