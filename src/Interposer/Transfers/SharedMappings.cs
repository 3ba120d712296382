using System.Globalization;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Transfers;

/// <summary>A line of <c>/proc/PID/maps</c> that names a file; see proc_pid_maps(5).</summary>
/// <param name="IsSharedWritable">Whether the process may change the file by writing to memory.</param>
/// <param name="Path">Absolute, in the instance, a byte a character; a file that was deleted is none.</param>
internal readonly record struct MappedFile(bool IsSharedWritable, string Path)
{
    private const string Deleted = " (deleted)";

    /// <summary>The files that a process has mapped; none when it has ended.</summary>
    public static IEnumerable<MappedFile> Of(int pid)
    {
        byte[] maps;
        try
        {
            maps = File.ReadAllBytes($"/proc/{pid}/maps");
        }
        catch (IOException)
        {
            return [];
        }

        return Parse(ByteName.Of(maps));
    }

    internal static IEnumerable<MappedFile> Parse(string maps)
    {
        foreach (var line in maps.Split('\n'))
        {
            // Address, permissions, offset, device, inode, and after blanks the path, in which a newline is "\012".
            var slash = line.IndexOf('/', StringComparison.Ordinal);
            if (slash < 0 || line.IndexOf(' ', StringComparison.Ordinal) is not (> 0 and var space) || line.EndsWith(Deleted, StringComparison.Ordinal)) continue;
            yield return new MappedFile(line.AsSpan(space + 1).StartsWith("rw") && line[space + 4] == 's', line[slash..].Replace("\\012", "\n"));
        }
    }
}

/// <summary>Files of the layer that may have been written through a mapping: their times tell nothing of that.</summary>
internal static class SharedMappings
{
    /// <summary>Paths as <see cref="LayerEntry"/> has them.</summary>
    public static HashSet<string> Of(IReadOnlyList<int> pids) =>
        [.. pids.SelectMany(MappedFile.Of).Where(f => f.IsSharedWritable).Select(f => f.Path[1..])];
}

/// <summary>How much memory a dump of processes may take.</summary>
internal static class MemoryUse
{
    /// <summary>An upper bound for the moment, in bytes: anonymous and shared memory, what is swapped out, deleted files that are
    /// still open, and the instance's own <c>/dev/shm</c>.</summary>
    /// <param name="pids">The processes, by pid of the node.</param>
    /// <param name="init">One of them, for the mounts that they share.</param>
    public static long Of(IReadOnlyList<int> pids, int init)
    {
        const long perProcess = 1 << 20; // Everything but pages: descriptors, registers, sockets with what waits in them.
        var ghosts = new Dictionary<(ulong, ulong), long>();
        var sum = 0L;
        foreach (var pid in pids)
        {
            sum += perProcess + Resident(pid);
            foreach (var (identity, size) in DeletedFiles(pid)) ghosts[identity] = size;
        }

        return sum + ghosts.Values.Sum() + MountedBytes($"/proc/{init}/root/dev/shm");
    }

    private static long Resident(int pid)
    {
        var sum = 0L;
        foreach (var line in (ProcFile.TryRead($"/proc/{pid}/status") ?? "").Split('\n'))
        {
            if (!line.StartsWith("RssAnon:", StringComparison.Ordinal) && !line.StartsWith("RssShmem:", StringComparison.Ordinal) && !line.StartsWith("VmSwap:", StringComparison.Ordinal)) continue;
            sum += 1024 * long.Parse(line[(line.IndexOf(':') + 1)..].Trim().Split(' ')[0], CultureInfo.InvariantCulture);
        }

        return sum;
    }

    private static IEnumerable<((ulong, ulong) Identity, long Size)> DeletedFiles(int pid)
    {
        var slots = ProcFile.TryRead($"/proc/{pid}/status") is { } status ? new Checkpoint.ProcStatus(status).DescriptorSlots : 0;
        for (var fd = 0; fd < slots; fd++)
        {
            var link = $"/proc/{pid}/fd/{fd}";
            if (ProcLinks.TryReadLink(link)?.EndsWith(" (deleted)", StringComparison.Ordinal) != true) continue;
            if (Libc.FollowAndLook(link) is { } found && (found.Mode & Libc.S_IFMT) == Libc.S_IFREG)
            {
                yield return ((((ulong)found.DeviceMajor << 32) | found.DeviceMinor, found.Inode), (long)found.Size);
            }
        }
    }

    private static long MountedBytes(string path)
    {
        try
        {
            var drive = new DriveInfo(path);
            return drive.DriveFormat == "tmpfs" ? drive.TotalSize - drive.TotalFreeSpace : 0;
        }
        catch (Exception e) when (e is IOException or ArgumentException or UnauthorizedAccessException)
        {
            return 0;
        }
    }
}
