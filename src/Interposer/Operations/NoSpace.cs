using Vni.Actors;
using Vni.Actors.Identity;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Operations;

/// <summary>Recognises a full disk under whatever exception it comes.</summary>
internal static class NoSpace
{
    private const int ENOSPC = 28, EDQUOT = 122;

    public static bool Is(Exception e) => e switch
    {
        VniException { Code: ErrorCodes.NoSpace } => false, // said already
        LinuxException { Errno: ENOSPC or EDQUOT } => true,
        IOException io => (io.HResult & 0xffff) is ENOSPC or EDQUOT,
        _ => false,
    };

    public static VniException Of(Aid aid, string directory, Exception e) => new(
        ErrorCodes.NoSpace,
        $"no space is left for a snapshot of application {aid} under {Path.GetDirectoryName(directory)}; free some, or remove applications that keep snapshots there",
        e);
}
