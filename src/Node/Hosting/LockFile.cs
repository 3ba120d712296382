using Vni.Actors;

namespace Vni.Node.Hosting;

/// <summary>
/// What only one daemon may hold at a time, as an advisory lock (flock(2), which is what <see cref="FileShare.None"/> is
/// on Linux): the kernel releases it when the process ends, however it ends. The file itself stays.
/// </summary>
internal sealed class LockFile : IDisposable
{
    private readonly FileStream _file;

    private LockFile(FileStream file) => _file = file;

    /// <summary>Takes the lock at once or refuses.</summary>
    /// <param name="path">Absolute path; made if missing.</param>
    /// <param name="refusal">The sentence when another process holds it.</param>
    /// <exception cref="VniException"><see cref="ErrorCodes.Conflict"/>.</exception>
    internal static LockFile Take(string path, string refusal)
    {
        try
        {
            return new LockFile(new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.OpenOrCreate,
                Access = FileAccess.ReadWrite,
                Share = FileShare.None,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            }));
        }
        catch (IOException e) when (e.HResult == WouldBlock)
        {
            throw new VniException(ErrorCodes.Conflict, refusal, e);
        }
    }

    /// <inheritdoc />
    public void Dispose() => _file.Dispose();

    /// <summary><c>EWOULDBLOCK</c>, as .NET puts it into <see cref="Exception.HResult"/>.</summary>
    private const int WouldBlock = 11;
}
