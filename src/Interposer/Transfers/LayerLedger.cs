using Vni.Interposer.Linux;

namespace Vni.Interposer.Transfers;

/// <summary>What tells an entry of a layer from itself after a change. The kernel sets the time of change (ctime); nobody else can.</summary>
internal readonly record struct LayerMark(int Mode, ulong Inode, ulong Size, long Modified, long Changed)
{
    public static LayerMark Of(in Libc.FileStatus status) => new(
        status.Mode, status.Inode, status.Size, Nanoseconds(status.ModifiedSeconds, status.ModifiedNanoseconds), Nanoseconds(status.ChangedSeconds, status.ChangedNanoseconds));

    private static long Nanoseconds(long seconds, uint nanoseconds) => unchecked((seconds * 1_000_000_000) + nanoseconds);
}

/// <summary>What the target has of a layer after a pass over it.</summary>
/// <param name="Began">When the pass began, in nanoseconds since 1970.</param>
/// <param name="Entries">By path. A content is bound to the inode that it was read from: the entry is the target's as long as
/// the path leads to this inode, and this has not changed. <c>null</c>: the target has something of this name, but what was
/// read may have been half of a change.</param>
internal sealed record LayerLedger(long Began, IReadOnlyDictionary<string, LayerMark?> Entries)
{
    /// <summary>By how much the kernel's time of a change may lie before the moment of the change: a tick of its slowest clock (100 Hz), twice.</summary>
    private const long Grain = 20_000_000;

    /// <summary>The target has nothing.</summary>
    public static LayerLedger Nothing { get; } = new(long.MaxValue, new Dictionary<string, LayerMark?>());

    /// <summary>Whether nothing changed while it was read.</summary>
    public bool IsWhole => !Entries.Values.Contains(null);

    /// <summary>Whether the target has this entry as it is.</summary>
    public bool Holds(string path, in LayerMark mark) => Entries.TryGetValue(path, out var known) && known == mark && mark.Changed < Began - Grain;
}

/// <summary>An entry as the walk found it.</summary>
internal readonly record struct LayerEntry(string Path, Libc.FileStatus Status)
{
    public bool IsDirectory => (Status.Mode & Libc.S_IFMT) == Libc.S_IFDIR;

    /// <summary>Path of the directory it is in; <c>null</c> for the root.</summary>
    public string? Parent => Path == "." ? null : Path.LastIndexOf('/') is >= 0 and var slash ? Path[..slash] : ".";
}
