using Vni.Interposer.Linux;

namespace Vni.Interposer.Checkpoint.Findings;

/// <summary>Asks the kernel about the sockets of an instance: sock_diag(7), which walks the listening sockets alone where
/// <c>/proc/net/tcp</c> walks the whole table of connections (3 ms). It is opened before the freeze: that takes a thread.</summary>
internal sealed class SocketReading : IDisposable
{
    private readonly NetlinkSocket _netlink;

    private SocketReading(NetlinkSocket netlink) => _netlink = netlink;

    /// <param name="init">A process in the network namespace.</param>
    /// <exception cref="LinuxException"><c>ENOENT</c>: it has ended.</exception>
    public static SocketReading Open(int init) => new(Namespaces.Run(init, NamespaceKind.Network, NetlinkSocket.ForSockets));

    /// <param name="tcp">Whether TCP listeners are wanted.</param>
    /// <param name="unix">Whether unix sockets are wanted.</param>
    public SocketTable Read(bool tcp, bool unix) => new(
        tcp ? [.. Listeners(SocketDiagnosis.AF_INET), .. Listeners(SocketDiagnosis.AF_INET6)] : [],
        unix ? [.. _netlink.Dump(UnixDiagnosis.GetAll(queues: true)).Select(found => UnixDiagnosis.Parse(found))] : []);

    /// <inheritdoc />
    public void Dispose() => _netlink.Dispose();

    private IEnumerable<TcpListener> Listeners(byte family) => _netlink.Dump(SocketDiagnosis.GetListeners(family)).Select(found => SocketDiagnosis.ListenerOf(found));
}
