using Vni.Actors;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Network;

/// <summary>Turns what the kernel refused into a sentence with a remedy.</summary>
internal static class NetworkFailure
{
    /// <summary>Does something; a refused system call becomes a <see cref="VniException"/>.</summary>
    /// <param name="what">A clause without a full stop: <c>the port of 'web' could not be parked</c>.</param>
    /// <param name="work">What is done.</param>
    public static T Explain<T>(string what, Func<T> work)
    {
        try
        {
            return work();
        }
        catch (LinuxException e)
        {
            throw Explain(what, e);
        }
    }

    /// <inheritdoc cref="Explain{T}" />
    public static void Explain(string what, Action work) => Explain(what, () =>
    {
        work();
        return true;
    });

    private static VniException Explain(string what, LinuxException e) => e.Errno switch
    {
        Libc.EPERM or Libc.EACCES => new VniException(ErrorCodes.NodeIncapable,
            $"{what}: {e.Message}; run the daemon as root, or with CAP_NET_ADMIN, CAP_NET_RAW, CAP_SYS_ADMIN, CAP_SYS_PTRACE and CAP_BPF", e),
        Libc.ENOTSUP or Libc.ENODEV => Incapable(what, e),
        Libc.ENOENT when !IsProcess(e) => Incapable(what, e),
        Libc.ENOENT => new VniException(ErrorCodes.Internal, $"{what}: {e.Message}; the process has ended", e),
        _ => new VniException(ErrorCodes.Internal, $"{what}: {e.Message}", e),
    };

    private static VniException Incapable(string what, LinuxException e) => new(ErrorCodes.NodeIncapable,
        $"{what}: {e.Message}; the kernel needs bridge, veth, tun, sch_ingress and cls_bpf (modprobe loads those that are modules)", e);

    private static bool IsProcess(LinuxException e) => e.Object?.StartsWith("/proc/", StringComparison.Ordinal) == true;
}
