using System.Net;
using Vni.Actors.Identity;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Network;

/// <summary>
/// TCP connections of an instance that goes on from an older state than its peers have seen. Their sequence numbers are of that time:
/// a peer would acknowledge what was never sent, get an acknowledgement back, and both would wait until they give up, a quarter of an
/// hour. After a reset each knows at once.
/// </summary>
internal static class StaleConnections
{
    /// <summary>Resets all connections that leave the instance; those between its own processes are as old as it is.</summary>
    /// <returns>How many.</returns>
    public static int Reset(int initPid, VirtualIdentity identity)
    {
        var address = new PortAddress(identity);
        return Namespaces.Run(initPid, NamespaceKind.Network, () => Reset(address));
    }

    private static int Reset(PortAddress own)
    {
        using var netlink = NetlinkSocket.ForSockets();
        NetlinkMessage[] stale = [.. new[] { SocketDiagnosis.AF_INET, SocketDiagnosis.AF_INET6 }
            .SelectMany(family => netlink.Dump(SocketDiagnosis.GetConnections(family)))
            .Where(found => SocketDiagnosis.RemoteOf(found) is var remote && !IPAddress.IsLoopback(remote) && !remote.Equals(own.Ip) && !remote.Equals(own.Ip6))
            .Select(found => SocketDiagnosis.Destroy(found))];
        netlink.Execute(stale);
        return stale.Length;
    }
}
