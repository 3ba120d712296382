using Vni.Actors.Registry;

namespace Vni.Cluster.Registry.Sqlite;

/// <summary>
/// Sees to it that one process serves a database: flock(2) on <c>PATH.lock</c>. The kernel gives the lock back when the
/// process ends, however it ends; the file stays, because removing it would let two processes lock two files of one name.
/// Who holds it is written to <c>PATH.pid</c>: the locked file itself cannot be opened by others.
/// </summary>
internal sealed class RegistryLock : IDisposable
{
    private readonly FileStream _file;

    private RegistryLock(FileStream file) => _file = file;

    /// <exception cref="RegistryUnavailableException">It is served already, by whom, and what to do; or the directory is not usable.</exception>
    public static RegistryLock Take(string database)
    {
        FileStream? file = null;
        try
        {
            file = Open(database + ".lock", FileShare.None); // On Unix, that is an exclusive flock.
            using var holder = new StreamWriter(Open(database + ".pid", FileShare.Read));
            holder.BaseStream.SetLength(0);
            holder.Write(Environment.ProcessId);
            return new(file);
        }
        catch (IOException e) when (file is null && e.HResult == WouldBlock)
        {
            throw new RegistryUnavailableException($"Registry {database} is being served by {Holder(database + ".pid")}; stop that process first, or use another file.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            file?.Dispose();
            throw new RegistryUnavailableException($"Registry {database} cannot be opened: {e.Message} Its directory must exist and be writable for the daemon.", e);
        }
    }

    public void Dispose() => _file.Dispose();

    // EWOULDBLOCK of asm-generic/errno.h, which .NET hands out as the HResult of a lock that is taken.
    private const int WouldBlock = 11;

    private static FileStream Open(string path, FileShare share) => new(path, new FileStreamOptions
    {
        Mode = FileMode.OpenOrCreate,
        Access = FileAccess.ReadWrite,
        Share = share,
        UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
    });

    private static string Holder(string path)
    {
        try
        {
            var pid = File.ReadAllText(path);
            return $"process {pid} ({File.ReadAllText($"/proc/{pid}/comm").Trim()})";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "another process"; // It has just taken the lock, or lives in another PID namespace.
        }
    }
}
