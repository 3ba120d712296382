using System.Globalization;
using Vni.Actors.Interposition;

namespace Vni.Interposer.Checkpoint.Findings;

/// <summary>
/// Locks and leases on the instance's files that processes outside hold, from <c>/proc/locks</c>, see proc_locks(5): after a restore
/// the lock would not be there, and both would work on what it protects. A lock of an open file description (F_OFD_SETLK) names no
/// process there; whose it is cannot be told.
/// </summary>
internal static class Locks
{
    /// <param name="locks">Content of <c>/proc/locks</c>.</param>
    /// <param name="proc">What is known of processes.</param>
    /// <param name="mounts">The instance's.</param>
    /// <param name="known">Processes whose locks need no mention: the instance's, and visitors.</param>
    /// <param name="findings">Where what is found goes.</param>
    public static void Find(string locks, IProcReader proc, Mounts mounts, IReadOnlySet<int> known, List<Finding> findings)
    {
        Span<Range> fields = stackalloc Range[9];
        foreach (var line in locks.AsSpan().EnumerateLines())
        {
            // 1: FLOCK  ADVISORY  WRITE 708 00:2d:1234 0 EOF; one that waits has an arrow after its number.
            if (line.Split(fields, ' ', StringSplitOptions.RemoveEmptyEntries) < 6 || line[fields[1]] is "->") continue;
            if (!int.TryParse(line[fields[4]], CultureInfo.InvariantCulture, out var holder) || holder <= 0 || known.Contains(holder)) continue;
            if (TryParseFile(line[fields[5]], out var major, out var minor, out var inode) && mounts.Has(major, minor) && proc.Read(holder, "comm") is { } name)
            {
                var kind = line[fields[1]] is "LEASE" or "DELEG" ? "a lease" : "a lock";
                findings.Add(new Finding(
                    null, holder, name.TrimEnd(), FindingKinds.OutsideLock, $"holds {kind} on {NameOf(proc, holder, inode)} of the instance", "end it, or let it release the file"));
            }
        }
    }

    private static bool TryParseFile(ReadOnlySpan<char> text, out uint major, out uint minor, out ulong inode)
    {
        (major, minor, inode) = (0, 0, 0);
        Span<Range> parts = stackalloc Range[4];
        return text.Split(parts, ':') == 3
            && uint.TryParse(text[parts[0]], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out major)
            && uint.TryParse(text[parts[1]], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out minor)
            && ulong.TryParse(text[parts[2]], CultureInfo.InvariantCulture, out inode);
    }

    /// <summary>The name that the holder has the file open by.</summary>
    private static string NameOf(IProcReader proc, int holder, ulong inode)
    {
        var slots = proc.Read(holder, "status") is { } status ? new ProcStatus(status).DescriptorSlots : 0;
        for (var fd = 0; fd < slots; fd++)
        {
            if (proc.Look(holder, $"fd/{fd}") is { } look && look.Inode == inode && proc.ReadLink(holder, $"fd/{fd}") is { } path) return path;
        }

        return $"file {inode}";
    }
}
