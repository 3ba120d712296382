using System.Globalization;
using Vni.Actors.Interposition;

namespace Vni.Interposer.Checkpoint.Findings;

/// <summary>
/// Files that are watched with inotify(7) or fanotify(7). The layer's file system opens no file by its handle, so CRIU looks for a
/// watched file in a few directories (its <c>irmap</c>), and refuses what is elsewhere. That search is dear, here as there: it is made
/// while the instance runs.
/// </summary>
internal static class Watches
{
    /// <summary>Where CRIU looks, with everything below.</summary>
    private static readonly string[] Searched =
        ["etc", "var/spool", "var/log", "usr/share/dbus-1/system-services", "var/lib/polkit-1/localauthority", "usr/share/polkit-1/actions", "lib/udev"];

    /// <summary>Files that are looked at, at most.</summary>
    private const int Most = 20_000;

    /// <param name="proc">What is known of processes.</param>
    /// <param name="init">The instance's first process.</param>
    /// <param name="suspects">Its processes.</param>
    /// <param name="inodesBelow">Inodes of a directory and of everything below, by the path of the root and its own.</param>
    public static void Find(IProcReader proc, int init, IEnumerable<Suspect> suspects, Func<string, string, IEnumerable<ulong>> inodesBelow)
    {
        HashSet<ulong>? found = null;
        var searched = false;
        foreach (var suspect in suspects)
        {
            for (var fd = 0; fd < suspect.Status.DescriptorSlots; fd++)
            {
                if (proc.ReadLink(suspect.Pid, $"fd/{fd}") is not ("anon_inode:inotify" or "anon_inode:[fanotify]")) continue;
                var watched = Watched(proc.Read(suspect.Pid, $"fdinfo/{fd}") ?? "");
                if (watched.Count == 0) continue;
                if (!searched) (searched, found) = (true, Search(proc, init, inodesBelow));
                if (found is not null && watched.Count(inode => !found.Contains(inode)) is > 0 and var lost)
                {
                    suspect.Add(
                        FindingKinds.Watch,
                        $"watches {(lost == 1 ? "a file" : $"{lost} files")} that could not be found again, outside /etc, /var/log and /var/spool (fd {fd})",
                        "configure it to poll instead of inotify");
                }
            }
        }
    }

    /// <summary>Inodes in <c>inotify wd:1 ino:2c sdev:2d mask:..</c> and <c>fanotify ino:2c sdev:2d ..</c>; see proc_pid_fdinfo(5).</summary>
    private static List<ulong> Watched(string text)
    {
        var inodes = new List<ulong>();
        foreach (var line in text.Split('\n'))
        {
            if (!line.StartsWith("inotify ", StringComparison.Ordinal) && !line.StartsWith("fanotify ", StringComparison.Ordinal)) continue;
            if (Array.Find(line.Split(' '), field => field.StartsWith("ino:", StringComparison.Ordinal)) is { } field
                && ulong.TryParse(field.AsSpan(4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var inode)) inodes.Add(inode);
        }

        return inodes;
    }

    private static HashSet<ulong>? Search(IProcReader proc, int init, Func<string, string, IEnumerable<ulong>> inodesBelow)
    {
        var found = new HashSet<ulong>();
        if (proc.Look(init, "root/.") is { } root) found.Add(root.Inode);
        foreach (var inode in Searched.SelectMany(directory => inodesBelow($"/proc/{init}/root", directory)))
        {
            found.Add(inode);
            if (found.Count == Most) return null; // Too much to say anything: CRIU will.
        }

        return found;
    }
}
