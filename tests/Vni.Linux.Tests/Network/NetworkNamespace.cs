using System.Diagnostics;
using System.Net.Sockets;
using Vni.Interposer.Linux;
using Xunit;

namespace Vni.Linux.Tests.Network;

/// <summary>A network namespace from which nothing leads out, held by a process that ends with this one.</summary>
internal sealed class NetworkNamespace : IDisposable
{
    private readonly Process _holder;

    /// <param name="ownUser">Whether it belongs to a user namespace of its own, as an instance's does.</param>
    public NetworkNamespace(bool ownUser = false)
    {
        var start = new ProcessStartInfo("unshare") { RedirectStandardInput = true, RedirectStandardOutput = true, UseShellExecute = false };
        string[] user = ownUser ? ["--user", "--map-root-user"] : [];
        foreach (var argument in (string[])["--net", .. user, "sh", "-c", "echo ready; exec cat"]) start.ArgumentList.Add(argument);
        _holder = Process.Start(start)!;
        Assert.Equal("ready", _holder.StandardOutput.ReadLine());
    }

    public int Pid => _holder.Id;

    public T Run<T>(Func<T> work) => Namespaces.Run(Pid, NamespaceKind.Network, work);

    public void Run(Action work) => Run(() =>
    {
        work();
        return true;
    });

    /// <summary>A socket of this namespace; it may be used from anywhere, and gives up after ten seconds.</summary>
    public Socket Open(SocketType type) => Run(() => new Socket(AddressFamily.InterNetwork, type, ProtocolType.Unspecified)
    {
        ReceiveTimeout = 10_000,
        SendTimeout = 10_000,
    });

    /// <summary>Hears all frames that interfaces of this namespace receive from now on; gives up after ten seconds.</summary>
    public RawSocket Listen()
    {
        const int allProtocols = 0x0300; // htons(ETH_P_ALL)
        var ears = Run(() => new RawSocket(RawSocket.AF_PACKET, allProtocols, "test"));
        ReadOnlySpan<long> tenSeconds = [10, 0];
        ears.SetOption(1, 20, System.Runtime.InteropServices.MemoryMarshal.AsBytes(tenSeconds)); // SOL_SOCKET, SO_RCVTIMEO
        return ears;
    }

    public Link? Find(string name) => Run(() =>
    {
        using var netlink = new NetlinkSocket();
        var get = Rtnetlink.GetLink(name);
        netlink.Execute(get);
        return Link.Parse(get.Answer);
    });

    public List<Link> Links() => Run(() =>
    {
        using var netlink = new NetlinkSocket();
        return netlink.Dump(Rtnetlink.GetLinks()).ConvertAll(payload => Link.Parse(payload)!);
    });

    public void Dispose()
    {
        _holder.Kill();
        _holder.WaitForExit();
        _holder.Dispose();
    }
}
