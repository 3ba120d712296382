using Vni.Actors;

namespace Vni.Cli.Playground;

/// <summary>One command at a time changes a farm.</summary>
internal sealed class FarmLock : IDisposable
{
    private readonly FileStream _file;

    private FarmLock(FileStream file) => _file = file;

    /// <exception cref="VniException"><see cref="ErrorCodes.Busy"/>: another one is at it.</exception>
    public static FarmLock Take(string name)
    {
        try
        {
            Directory.CreateDirectory("/run/lock");
            return new FarmLock(new FileStream($"/run/lock/vniakka-farm-{name}.lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException)
        {
            throw new VniException(ErrorCodes.Busy, $"another command is changing farm '{name}': wait for it");
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        // Who has opened it meanwhile has been refused.
        File.Delete(_file.Name);
        _file.Dispose();
    }
}
