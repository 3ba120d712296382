using Vni.Actors.Snapshots;
using Vni.Interposer.Checkpoint;
using Xunit;

namespace Vni.Unit.Tests.Checkpoint;

/// <summary>A file is not read again only while nothing about it has changed.</summary>
public sealed class KnownDigestsTests : IDisposable
{
    private const int Large = 2 << 20;
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vni-known-");
    private readonly KnownDigests _known = new();

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public void A_file_that_nobody_changed_is_known_by_its_digest()
    {
        var path = Remember(Large);
        Assert.True(_known.Holds(path, "d1"));
        Assert.False(_known.Holds(path, "d2"));
    }

    [Fact]
    public void A_file_that_was_written_in_place_is_not_known_even_with_its_old_times()
    {
        var path = Remember(Large);
        var written = File.GetLastWriteTimeUtc(path);
        using (var file = File.OpenHandle(path, FileMode.Open, FileAccess.Write)) RandomAccess.Write(file, "x"u8, 1000);
        File.SetLastWriteTimeUtc(path, written);
        Assert.False(_known.Holds(path, "d1"));
    }

    [Fact]
    public void A_file_that_was_replaced_or_removed_is_not_known()
    {
        var path = Remember(Large);
        var copy = path + ".copy";
        File.Copy(path, copy);
        File.Move(copy, path, overwrite: true);
        Assert.False(_known.Holds(path, "d1"));
        File.Delete(path);
        Assert.False(_known.Holds(path, "d1"));
    }

    [Fact]
    public void Small_files_and_forgotten_snapshots_are_read_again()
    {
        Assert.False(_known.Holds(Remember(1000), "d1"));
        var path = Remember(Large);
        _known.Forget(_directory.FullName);
        Assert.False(_known.Holds(path, "d1"));
    }

    private string Remember(int size)
    {
        var path = Path.Combine(_directory.FullName, "pages-1.img");
        File.WriteAllBytes(path, new byte[size]);
        _known.Remember(_directory.FullName, [new SnapshotFile("pages-1.img", size, "d1")]);
        return path;
    }
}
