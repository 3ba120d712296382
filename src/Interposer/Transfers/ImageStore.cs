using Microsoft.Win32.SafeHandles;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Transfers;

/// <summary>Where images are on their way: memory that this process alone can find, of limited size.</summary>
internal sealed class ImageStore : IDisposable
{
    /// <summary>What a state may have beyond the memory that was counted: it goes on running until it is frozen.</summary>
    private const long Margin = 64 << 20;

    private readonly MemoryFileSystem _memory;

    private ImageStore(MemoryFileSystem memory)
    {
        _memory = memory;
        Directory.CreateDirectory(Images);
    }

    /// <summary>Directory of CRIU's images.</summary>
    public string Images => Path.Combine(_memory.Path, "images");

    /// <summary>Bytes that fit in.</summary>
    public long Capacity => _memory.Capacity;

    /// <summary>Makes an empty one for processes that use <paramref name="memory"/> bytes.</summary>
    public static ImageStore Create(long memory) => new(MemoryFileSystem.Create(CapacityFor(memory)));

    /// <summary>How much is let in of an instance that was announced with <paramref name="announced"/> bytes, of memory or of layer.</summary>
    public static long CapacityFor(long announced) => announced + (announced / 4) + Margin;

    /// <summary>Opens an image to write to it; a new one must not exist.</summary>
    public SafeFileHandle OpenImage(string name, bool isNew) =>
        File.OpenHandle(Path.Combine(Images, name), isNew ? FileMode.CreateNew : FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);

    /// <inheritdoc />
    public void Dispose() => _memory.Dispose();
}
