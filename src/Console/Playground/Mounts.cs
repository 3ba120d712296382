using System.Runtime.InteropServices;
using Vni.Cli.Terminal;

namespace Vni.Cli.Playground;

/// <summary>What is mounted where, as proc_pid_mountinfo(5) has it.</summary>
internal static class Mounts
{
    private const int EINVAL = 22;
    private const string Table = "/proc/self/mountinfo";

    /// <summary>One line of the table.</summary>
    /// <param name="Root">What of the file system is mounted; for a namespace its name, <c>net:[4026532008]</c>.</param>
    /// <param name="Point">Where.</param>
    /// <param name="Type">Of the file system.</param>
    internal sealed record Mount(string Root, string Point, string Type);

    /// <summary>Parses the table.</summary>
    public static IEnumerable<Mount> Parse(IEnumerable<string> table) =>
        from line in table
        let fields = line.Split(' ')
        let dash = Array.IndexOf(fields, "-")
        where dash > 4 && dash + 1 < fields.Length
        select new Mount(fields[3], Unescape(fields[4]), fields[dash + 1]);

    /// <summary>The namespace that a file stands for; <c>null</c>: none.</summary>
    public static string? NamespaceAt(string file) => Parse(File.ReadLines(Table)).LastOrDefault(m => m.Point == file && m.Type == "nsfs")?.Root;

    /// <summary>Where hierarchies of cgroups are, that of version 2 first.</summary>
    public static IReadOnlyList<string> Cgroups() =>
        [.. Parse(File.ReadLines(Table)).Where(m => m.Type is "cgroup" or "cgroup2").OrderByDescending(m => m.Type, StringComparer.Ordinal).Select(m => m.Point).Distinct()];

    /// <summary>Unmounts all there is in a directory, the innermost first.</summary>
    public static void Clear(string directory)
    {
        foreach (var mount in Parse(File.ReadLines(Table)).Reverse().ToList())
        {
            if (mount.Point != directory && !mount.Point.StartsWith(directory + "/", StringComparison.Ordinal)) continue;
            // One inside of another goes with it.
            if (Libc.Unmount(mount.Point, Libc.MNT_DETACH) < 0 && Marshal.GetLastPInvokeError() != EINVAL) throw Libc.Error($"umount {mount.Point}");
        }
    }

    private static string Unescape(string path) =>
        path.Replace("\\040", " ").Replace("\\011", "\t").Replace("\\012", "\n").Replace("\\134", "\\");
}
