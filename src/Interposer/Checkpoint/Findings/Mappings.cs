using System.Globalization;
using Vni.Actors.Interposition;

namespace Vni.Interposer.Checkpoint.Findings;

/// <summary>What a process has in memory; see proc_pid_maps(5). A mapping stays in being when its descriptor is closed.</summary>
internal static class Mappings
{
    public static void Find(Suspect suspect, Mounts mounts)
    {
        if (suspect.Proc.Read(suspect.Pid, "maps") is not { } maps) return;
        if (maps.Contains("anon_inode:[io_uring]", StringComparison.Ordinal) && !suspect.Has(FindingKinds.IoUring))
        {
            suspect.Add(FindingKinds.IoUring, "has an io_uring instance mapped", "configure it to use another way of input and output");
        }

        if (maps.Contains(" /secretmem (deleted)", StringComparison.Ordinal) && !suspect.Has(FindingKinds.SecretMemory))
        {
            suspect.Add(FindingKinds.SecretMemory, "has secret memory mapped", "let it give that back before the snapshot");
        }

        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var line in maps.AsSpan().EnumerateLines()) FindOutside(suspect, line, mounts, seen);
    }

    /// <summary>Only where the device is none of the instance's is the mount asked for: that is dear, and older kernels show of an
    /// overlay's file the device that is below it.</summary>
    private static void FindOutside(Suspect suspect, ReadOnlySpan<char> line, Mounts mounts, HashSet<string> seen)
    {
        // Address, permissions, offset, device, inode, and after blanks the path.
        var slash = line.IndexOf('/');
        if (slash < 0) return;
        Span<Range> fields = stackalloc Range[6];
        if (line[..slash].Split(fields, ' ', StringSplitOptions.RemoveEmptyEntries) < 5) return;
        var path = line[slash..];
        if (path.StartsWith("/memfd:") || path.StartsWith("/dev/zero (deleted)") || path.StartsWith("/SYSV") || path.StartsWith("/secretmem") || path.StartsWith("/[aio]")
            || path.StartsWith("/anon_hugepage")) return;
        var device = line[fields[3]];
        if (device.IndexOf(':') is not (> 0 and var colon)
            || !uint.TryParse(device[..colon], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var major)
            || !uint.TryParse(device[(colon + 1)..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var minor)
            || mounts.Has(major, minor) || !seen.Add(path.ToString())) return;
        if (suspect.Proc.Look(suspect.Pid, $"map_files/{line[fields[0]]}") is { } look && !mounts.Has(suspect, look))
        {
            suspect.Add(FindingKinds.OutsideFile, $"has {path}, which is on no mount of the instance, mapped", "let it unmap the file before the snapshot");
        }
    }
}
