using Vni.Interposer.Linux;

namespace Vni.Interposer.Checkpoint.Findings;

/// <summary>Asks the kernel about the sockets of an instance: sock_diag(7), which walks the listening sockets alone where
/// <c>/proc/net/tcp</c> walks the whole table of connections (3 ms).</summary>
internal static class SocketReading
{
    /// <param name="init">A process in the network namespace.</param>
    /// <param name="tcp">Whether TCP listeners are wanted.</param>
    /// <param name="unix">Whether unix sockets are wanted.</param>
    public static SocketTable Read(int init, bool tcp, bool unix) => !tcp && !unix ? new SocketTable([], []) : Namespaces.Run(init, NamespaceKind.Network, () =>
    {
        using var netlink = NetlinkSocket.ForSockets();
        return new SocketTable(
            tcp ? [.. ListenersOf(netlink, SocketDiagnosis.AF_INET), .. ListenersOf(netlink, SocketDiagnosis.AF_INET6)] : [],
            unix ? [.. netlink.Dump(UnixDiagnosis.GetAll()).Select(found => UnixDiagnosis.Parse(found))] : []);
    });

    private static IEnumerable<TcpListener> ListenersOf(NetlinkSocket netlink, byte family) =>
        netlink.Dump(SocketDiagnosis.GetListeners(family)).Select(found => SocketDiagnosis.ListenerOf(found));
}
