using Vni.Interposer.Linux;

namespace Vni.Interposer.Instances;

/// <param name="IsDirectory">Whether it is a directory.</param>
/// <param name="Mode">Permission bits.</param>
/// <param name="Uid">Owner.</param>
/// <param name="Gid">Group.</param>
internal sealed record LowerEntry(bool IsDirectory, int Mode, int Uid, int Gid);

/// <summary>The directory tree below an instance's layer, for looking at. Paths are absolute within it.</summary>
internal interface ILowerRoot
{
    /// <summary>What is at a path, itself; <c>null</c>: nothing.</summary>
    LowerEntry? Find(string path);

    /// <summary>The path without links and dots; <c>null</c> when there is nothing.</summary>
    string? Resolve(string path);

    /// <summary>Names in a directory; empty when there is none.</summary>
    IReadOnlyList<string> Names(string directory);
}

/// <summary>A directory of the node as the lower layer.</summary>
internal sealed class LowerRoot(string root) : ILowerRoot
{
    /// <inheritdoc />
    public LowerEntry? Find(string path)
    {
        if (Libc.LookAt(On(path)) is not { } status) return null;
        return new LowerEntry((status.Mode & Libc.S_IFMT) == Libc.S_IFDIR, status.Mode & 0xfff, status.Uid, status.Gid);
    }

    /// <inheritdoc />
    public string? Resolve(string path)
    {
        if (Libc.RealPath(On(path)) is not { } real) return null;
        return root == "/" ? real : real.StartsWith(root + "/", StringComparison.Ordinal) ? real[root.Length..] : null;
    }

    /// <inheritdoc />
    public IReadOnlyList<string> Names(string directory)
    {
        try
        {
            return [.. Directory.EnumerateFileSystemEntries(On(directory)).Select(p => Path.GetFileName(p))];
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
    }

    private string On(string path) => root == "/" ? path : root + path;
}
