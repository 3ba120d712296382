using Vni.Interposer.Linux;

namespace Vni.Node.Hosting;

/// <summary>
/// The directory in which CRIU keeps what it has learned of the kernel. CRIU trusts and uses it on a tmpfs only (what it
/// says must not outlive a reboot), so if the runtime directory is on a disk, one of the daemon's own is made in
/// <c>/dev/shm</c>.
/// </summary>
internal sealed class CriuCache : IDisposable
{
    private readonly bool _own;

    private CriuCache(string path, bool own) => (Path, _own) = (path, own);

    /// <summary>Absolute path, mode 0700 or better protected.</summary>
    internal string Path { get; }

    /// <summary>Makes the directory; the caller holds the lock of the node's name.</summary>
    /// <param name="runtime">The runtime directory, which exists.</param>
    /// <param name="node">Name of the node.</param>
    /// <param name="shared">A directory on a tmpfs that every user may write to.</param>
    internal static CriuCache Open(string runtime, string node, string shared = "/dev/shm")
    {
        if (IsTmpfs(runtime)) return new CriuCache(runtime, own: false);
        var path = System.IO.Path.Combine(shared, $"vniakka-{node}");

        // Everybody may make names there: what a killed daemon or somebody else left is never used.
        Remove(path);
        DaemonProcess.MakePrivateDirectory(path);
        return new CriuCache(path, own: true);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        if (_own) Remove(Path);
    }

    private static bool IsTmpfs(string path) => new DriveInfo(path).DriveFormat is "tmpfs" or "ramfs";

    private static void Remove(string path)
    {
        var isDirectory = Directory.Exists(path) && new DirectoryInfo(path).LinkTarget is null;
        if (isDirectory) Directory.Delete(path, recursive: true);
        else if (File.Exists(path) || new FileInfo(path).LinkTarget is not null) File.Delete(path);
    }
}
