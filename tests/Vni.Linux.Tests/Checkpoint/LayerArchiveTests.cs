using Vni.Actors;
using Vni.Interposer.Checkpoint;
using Vni.Interposer.Linux;
using Xunit;

namespace Vni.Linux.Tests.Checkpoint;

public sealed class LayerArchiveTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("vni-layer-").FullName;
    private readonly PidfdWatcher _watcher = new();

    private string Upper => Path.Combine(_directory, "upper");

    private string Archive => Path.Combine(_directory, "layer.tar");

    public void Dispose()
    {
        _watcher.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task Everything_that_an_overlay_layer_can_hold_comes_back()
    {
        Shell("""
            mkdir -p upper/opaque upper/made
            mknod upper/whiteout c 0 0; mknod -m 660 upper/null c 1 3; mkfifo upper/fifo
            echo one > upper/file; ln upper/file upper/hard; ln -s /no/where upper/soft; chown 33:34 upper/file; chmod 4751 upper/file
            /usr/bin/python3 - <<'END'
            import os
            os.setxattr('upper/opaque', 'trusted.overlay.opaque', b'y')
            os.setxattr('upper/file', 'user.colour', b'blue')
            entry = lambda tag, rights, id=0xffffffff: tag.to_bytes(2, 'little') + rights.to_bytes(2, 'little') + id.to_bytes(4, 'little')
            os.setxattr('upper/file', 'system.posix_acl_access', b'\x02\0\0\0' + entry(1, 6) + entry(2, 4, 42) + entry(4, 5) + entry(16, 5) + entry(32, 1))
            END
            touch -d '2020-01-02 03:04:05.123456789' upper/made
            truncate -s 64M upper/sparse; echo end >> upper/sparse
            echo 'name with\backslash' > "$(printf 'upper/odd\nname')"
            """);
        var spawner = new ProcessSpawner(_watcher);
        await LayerArchive.SaveAsync(spawner, Upper, Archive);
        await LayerArchive.ExtractAsync(spawner, Archive, Directory.CreateDirectory(Path.Combine(_directory, "again")).FullName);
        Assert.Equal(Describe("upper"), Describe("again"));
        Assert.True(new FileInfo(Archive).Length < 1 << 20, "holes were written");
        Assert.Equal("2", Programs.Run("stat", "-c", "%h", Path.Combine(_directory, "again/hard")).Trim());
    }

    [Fact]
    public async Task A_socket_is_left_out_without_an_error()
    {
        Shell("mkdir upper; echo x > upper/file");
        Programs.Run("/usr/bin/python3", "-c", $"import socket; socket.socket(socket.AF_UNIX).bind('{Upper}/socket')");
        var spawner = new ProcessSpawner(_watcher);
        await LayerArchive.SaveAsync(spawner, Upper, Archive);
        await LayerArchive.ExtractAsync(spawner, Archive, Directory.CreateDirectory(Path.Combine(_directory, "again")).FullName);
        Assert.Equal(["file"], Directory.EnumerateFileSystemEntries(Path.Combine(_directory, "again")).Select(Path.GetFileName));
    }

    [Fact]
    public async Task A_full_disk_is_named()
    {
        Shell("mkdir upper small; head -c 1M /dev/urandom > upper/file; mount -t tmpfs -o size=64k tmpfs small");
        try
        {
            var e = await Assert.ThrowsAsync<VniException>(() => LayerArchive.SaveAsync(new ProcessSpawner(_watcher), Upper, Path.Combine(_directory, "small/layer.tar")));
            Assert.Contains("no space is left", e.Message);
            Assert.Equal(ErrorCodes.NoSpace, e.Code);
        }
        finally
        {
            Shell("umount small; rmdir small");
        }
    }

    [Fact]
    public async Task A_truncated_archive_is_refused()
    {
        Shell("mkdir upper; head -c 1M /dev/urandom > upper/file");
        var spawner = new ProcessSpawner(_watcher);
        await LayerArchive.SaveAsync(spawner, Upper, Archive);
        Shell("truncate -s 300K layer.tar; mkdir again");
        var e = await Assert.ThrowsAsync<VniException>(() => LayerArchive.ExtractAsync(spawner, Archive, Path.Combine(_directory, "again")));
        Assert.Equal(ErrorCodes.RestoreFailed, e.Code);
    }

    private string Describe(string name) => Programs.Run(
        "/bin/bash", "-c",
        $"cd '{_directory}/{name}' && find . -printf '%p %y %m %U:%G %s %T@ %l\\n' | LC_ALL=C sort && stat -c '%n %t:%T' whiteout null && md5sum file sparse && /usr/bin/python3 -c 'import os; [print(p, a, os.getxattr(p, a, follow_symlinks=False)) for p in sorted(os.listdir()) for a in sorted(os.listxattr(p, follow_symlinks=False))]'");

    private void Shell(string script) => Programs.Run("/bin/bash", "-ec", $"cd '{_directory}'; {script}");
}
