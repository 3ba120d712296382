using Vni.Actors;

namespace Vni.Node.Hosting;

/// <summary>
/// What only one daemon may hold at a time, as an advisory lock (flock(2), which is what <see cref="FileShare.None"/> is
/// on Linux): the kernel releases it when the process ends, however it ends. A graceful end takes the file away, too.
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
        while (true)
        {
            try
            {
                var file = new FileStream(path, new FileStreamOptions
                {
                    Mode = FileMode.OpenOrCreate,
                    Access = FileAccess.ReadWrite,
                    Share = FileShare.None,
                    UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
                });
                if (IsInPlace(file)) return new LockFile(file);
                file.Dispose(); // Its former holder took it away between our opening and locking it.
            }
            catch (IOException e) when (e.HResult == WouldBlock)
            {
                throw new VniException(ErrorCodes.Conflict, refusal, e);
            }
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        if (File.Exists(_file.Name)) File.Delete(_file.Name); // While it is locked: nobody else can hold a file of this name yet.
        _file.Dispose();
    }

    /// <summary>Whether the open file still has its name; proc(5): the link of one without ends in <c>(deleted)</c>.</summary>
    private static bool IsInPlace(FileStream file) =>
        new FileInfo($"/proc/self/fd/{file.SafeFileHandle.DangerousGetHandle()}").LinkTarget?.EndsWith(" (deleted)", StringComparison.Ordinal) == false;

    /// <summary><c>EWOULDBLOCK</c>, as .NET puts it into <see cref="Exception.HResult"/>.</summary>
    private const int WouldBlock = 11;
}
