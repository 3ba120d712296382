using Vni.Interposer.Linux;

namespace Vni.Interposer.Instances;

/// <param name="IsDirectory">Whether it is a directory.</param>
/// <param name="Mode">Permission bits.</param>
/// <param name="Uid">Owner.</param>
/// <param name="Gid">Group.</param>
internal sealed record LowerEntry(bool IsDirectory, int Mode, int Uid, int Gid)
{
    /// <summary>Whether it is a regular file.</summary>
    public bool IsFile { get; init; }

    /// <summary>What a symbolic link holds; <c>null</c>: it is none.</summary>
    public string? Link { get; init; }

    /// <summary>Bytes of a regular file.</summary>
    public long Size { get; init; }

    /// <summary>Whether it lies on another mount than the root, where an overlay does not look.</summary>
    public bool IsElsewhere { get; init; }
}

/// <summary>The directory tree below an instance's layer, for looking at. Paths are absolute within it.</summary>
internal interface ILowerRoot
{
    /// <summary>What is at a path, itself; <c>null</c>: nothing.</summary>
    LowerEntry? Find(string path);

    /// <summary>The path without links and dots; <c>null</c> when there is nothing.</summary>
    string? Resolve(string path);

    /// <summary>Names in a directory; empty when there is none.</summary>
    IReadOnlyList<string> Names(string directory);

    /// <summary>Where a path is on the node.</summary>
    string OnNode(string path);
}

/// <summary>A directory of the node as the lower layer.</summary>
internal sealed class LowerRoot(string root) : ILowerRoot
{
    private ulong? _mount;

    /// <inheritdoc />
    public LowerEntry? Find(string path)
    {
        if (Libc.LookAt(OnNode(path)) is not { } status) return null;
        var type = status.Mode & Libc.S_IFMT;
        return new LowerEntry(type == Libc.S_IFDIR, status.Mode & 0xfff, status.Uid, status.Gid)
        {
            IsFile = type == Libc.S_IFREG,
            Link = type == Libc.S_IFLNK ? ProcLinks.TryReadLink(OnNode(path)) : null,
            Size = (long)status.Size,
            IsElsewhere = status.Mount != (_mount ??= Libc.LookAt(root)?.Mount ?? status.Mount),
        };
    }

    /// <inheritdoc />
    public string? Resolve(string path)
    {
        if (Libc.RealPath(OnNode(path)) is not { } real) return null;
        return root == "/" ? real : real.StartsWith(root + "/", StringComparison.Ordinal) ? real[root.Length..] : null;
    }

    /// <inheritdoc />
    public IReadOnlyList<string> Names(string directory)
    {
        try
        {
            return [.. Directory.EnumerateFileSystemEntries(OnNode(directory)).Select(p => Path.GetFileName(p))];
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
    }

    /// <inheritdoc />
    public string OnNode(string path) => root == "/" ? path : root + path;
}
