using Vni.Interposer.Linux;

namespace Vni.Interposer.Operations;

/// <summary>Brings all files of a snapshot to disk, then the names of its directories.</summary>
internal static class SnapshotSync
{
    public static void Run(string directory)
    {
        foreach (var path in Directory.EnumerateFiles(directory, "*", SearchOption.AllDirectories))
        {
            using var file = File.OpenHandle(path);
            Libc.Sync(file, path);
        }

        foreach (var path in Directory.EnumerateDirectories(directory, "*", SearchOption.AllDirectories)) Libc.SyncDirectory(path);
        Libc.SyncDirectory(directory);
        Libc.SyncDirectory(Path.GetDirectoryName(directory)!);
    }
}
