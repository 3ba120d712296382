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
        foreach (var payload in netlink.Dump(Rtnetlink.GetAddresses()))
        {
            var address = InterfaceAddress.Parse(payload);
            if (address.Index == link.Index && address.Ip is { } ip && ip.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork)
            {
                return new VirtualIdentity(ip.ToString(), address.PrefixLength, string.Join(':', link.Address.Select(b => b.ToString("x2"))), "");
            }
        }

        return null;
    }
}
