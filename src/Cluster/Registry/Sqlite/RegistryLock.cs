using System.Globalization;
using System.Text;
using Vni.Actors.Registry;

namespace Vni.Cluster.Registry.Sqlite;

/// <summary>
/// Sees to it that one process serves a database: flock(2) on <c>PATH.lock</c>, which holds that process's pid. The
/// kernel gives the lock back when the process ends, however it ends; the file stays, because removing it would let two
/// processes lock two files of one name.
/// </summary>
internal sealed class RegistryLock : IDisposable
{
    private readonly FileStream _file;

    private RegistryLock(FileStream file) => _file = file;

    /// <exception cref="RegistryUnavailableException">It is served already, by whom, and what to do; or the directory is not usable.</exception>
    public static RegistryLock Take(string database)
    {
        var path = database + ".lock";
        try
        {
            // On Unix, FileShare.None is an exclusive flock and FileShare.ReadWrite takes none.
            var file = new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.OpenOrCreate,
                Access = FileAccess.ReadWrite,
                Share = FileShare.None,
                BufferSize = 0,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            });
            file.SetLength(0);
            file.Write(Encoding.ASCII.GetBytes(Environment.ProcessId.ToString(CultureInfo.InvariantCulture)));
            return new(file);
        }
        catch (IOException e) when (e is not (DirectoryNotFoundException or FileNotFoundException) && Holder(path) is { } holder)
        {
            throw new RegistryUnavailableException($"Registry {database} is being served by {holder}; stop that process first, or use another file.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RegistryUnavailableException($"Registry {database} cannot be opened: {e.Message} Its directory must exist and be writable for the daemon.", e);
        }
    }

    public void Dispose() => _file.Dispose();

    private static string? Holder(string path)
    {
        try
        {
            using var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
            var pid = reader.ReadToEnd().Trim();
            if (pid.Length == 0) return "another process";
            var name = $"/proc/{pid}/comm";
            return File.Exists(name) ? $"process {pid} ({File.ReadAllText(name).Trim()})" : $"process {pid}";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
