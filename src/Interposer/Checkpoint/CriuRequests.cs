using System.Runtime.InteropServices;
using Vni.Interposer.Checkpoint.Rpc;

namespace Vni.Interposer.Checkpoint;

/// <summary>What dump and restore must agree on.</summary>
internal static class CriuRequests
{
    /// <summary>Of <c>linux/sched.h</c>. The network namespace is re-created empty: its content is the shell's business.</summary>
    private const uint CLONE_NEWNET = 0x40000000;

    /// <summary>Warnings and errors. What every step did (4) costs time in the freeze and tells nothing when all goes well.</summary>
    private const int LogLevel = 2;

    /// <summary>Bytes of a deleted file that is still open, up to which it travels in the images.</summary>
    internal const uint GhostLimit = 1u << 30;

    /// <summary>Options of both directions.</summary>
    /// <param name="images">Directory of the image files, open in this process: CRIU finds it through <c>/proc</c>, so it
    /// does not matter what CRIU's own mount namespace hides.</param>
    /// <param name="logs">Directory of the log, likewise, so that nothing but images is among the images.</param>
    /// <param name="logName">Name of the log.</param>
    public static CriuOptions Options(SafeHandle images, SafeHandle logs, string logName) => new()
    {
        ImagesDirFd = (int)images.DangerousGetHandle(),
        WorkDirFd = (int)logs.DangerousGetHandle(),
        LogFile = logName,
        LogLevel = LogLevel,
        TcpEstablished = true,
        FileLocks = true,
        LinkRemap = true,
        GhostLimit = GhostLimit,
        ManageCgroups = false,
        ManageCgroupsMode = CgroupMode.Ignore,
        EmptyNs = CLONE_NEWNET,
        NetworkLock = NetworkLock.Skip,
    };
}
