using Vni.Actors.Identity;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Instances;

/// <summary>The logs of an instance, in its layer.</summary>
internal static class ChainLogs
{
    /// <summary>Opens a process's log for reading, seekable; <c>null</c> when there is none, or when something else than a
    /// regular file is in its place.</summary>
    public static Stream? Open(InstancePaths paths, string process)
    {
        if (!DnsLabel.IsValid(process) || !Directory.Exists(paths.Upper)) return null;
        using var layer = new RootedDirectory(paths.Upper);
        return layer.TryOpenRead($"var/log/vni/{process}.log") is { } file ? new FileStream(file, FileAccess.Read) : null;
    }
}
