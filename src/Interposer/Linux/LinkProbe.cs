using System.Runtime.InteropServices;

namespace Vni.Interposer.Linux;

/// <summary>Tries, in a network namespace that exists for that alone, whether the kernel can make what ports consist of.</summary>
internal static partial class LinkProbe
{
    private const int CLONE_NEWNET = 0x4000_0000, ProbeIndex = 99, ProbeMtu = 1500;

    /// <summary><c>null</c>: it can; else what it said.</summary>
    public static string? Try()
    {
        string? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                // For this thread alone, with which the namespace ends.
                Libc.Check(Unshare(CLONE_NEWNET), "unshare", "network namespace");
                using var here = Namespaces.OpenOwn(NamespaceKind.Network);
                using var netlink = new NetlinkSocket();
                netlink.Execute(
                    Rtnetlink.NewBridge("probe0", [2, 0, 0, 0, 0, 1]),
                    Rtnetlink.NewVeth(ProbeIndex, "probe1", [2, 0, 0, 0, 0, 2], ProbeMtu, "probe2", here));
                Tap.Create("probe3", [ClassicBpf.Return(uint.MaxValue)]).Dispose();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                failure = e.Message;
            }
        }) { IsBackground = true, Name = "link probe" };
        thread.Start();
        thread.Join();
        return failure;
    }

    [LibraryImport("libc", EntryPoint = "unshare", SetLastError = true)]
    private static partial int Unshare(int flags);
}
