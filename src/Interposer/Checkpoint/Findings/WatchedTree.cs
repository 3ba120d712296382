using Vni.Interposer.Linux;

namespace Vni.Interposer.Checkpoint.Findings;

/// <summary>Walks a directory of an instance without following links: the application can put anything there.</summary>
internal static class WatchedTree
{
    private static readonly EnumerationOptions Everything = new() { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint, IgnoreInaccessible = true };

    /// <summary>Inodes of a directory and of everything below; none where there is no such directory.</summary>
    /// <param name="root">Where the instance's root is.</param>
    /// <param name="directory">The directory, relative to it.</param>
    public static IEnumerable<ulong> Inodes(string root, string directory)
    {
        var path = root;
        foreach (var name in directory.Split('/'))
        {
            path = $"{path}/{name}";
            if (Libc.LookAt(path) is not { } part || (part.Mode & Libc.S_IFMT) != Libc.S_IFDIR) yield break;
        }

        if (Libc.LookAt(path) is { } top) yield return top.Inode;
        foreach (var entry in Directory.EnumerateFileSystemEntries(path, "*", Everything))
        {
            if (Libc.LookAt(entry) is { } found) yield return found.Inode;
        }
    }
}
