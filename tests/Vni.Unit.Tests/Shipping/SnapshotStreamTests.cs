using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Vni.Actors;
using Vni.Actors.Applications;
using Vni.Actors.Identity;
using Vni.Actors.Resources;
using Vni.Actors.Snapshots;
using Vni.Interposer.Checkpoint;
using Vni.Interposer.Shipping;
using Xunit;

namespace Vni.Unit.Tests.Shipping;

/// <summary>What a hostile peer could send in a snapshot's place.</summary>
public sealed class SnapshotStreamTests : IDisposable
{
    private readonly string _scratch = Directory.CreateTempSubdirectory("vni-shipping-").FullName;
    private readonly string _source;
    private readonly string _target;
    private readonly SnapshotManifest _manifest;
    private readonly SnapshotRecord _record;

    public SnapshotStreamTests()
    {
        var aid = Aid.Parse("shop");
        _source = Path.Combine(_scratch, "shop.000000000001");
        _target = Directory.CreateDirectory(Path.Combine(_scratch, "target")).FullName;
        Directory.CreateDirectory(Path.Combine(_source, "images"));
        File.WriteAllText(Path.Combine(_source, "images/core-1.img"), "registers");
        File.WriteAllText(Path.Combine(_source, "images/none.img"), "");
        File.WriteAllBytes(Path.Combine(_source, "images/pages-1.img"), new byte[700_001]);
        _manifest = new SnapshotManifest
        {
            Id = "shop.000000000001",
            Aid = aid,
            Created = DateTimeOffset.UnixEpoch,
            Node = "n1",
            Epoch = 3,
            Declaration = new ApplicationDeclaration(),
            Identity = new VirtualIdentity("10.0.0.1", 24, "02:00:0a:00:00:01", "shop"),
            Platform = new PlatformFacts { Architecture = "x86_64", Kernel = "6.18", Criu = "4.2.1", CpuFeatures = ["avx"] },
            Resources = new ResourceTable(),
            Files = [.. ManifestFile.FilesIn(_source).Select(Describe)],
        };
        _record = new SnapshotRecord(_manifest.Id, aid, "n1", _manifest.Created, 700_010, ManifestFile.Write(_source, _manifest), Durable: true);
    }

    public void Dispose() => Directory.Delete(_scratch, recursive: true);

    [Fact]
    public async Task What_is_sent_arrives_whole_and_nothing_else_is_there()
    {
        var manifest = await ReadAsync(await WriteAsync(), _record);
        Assert.Equal(_manifest.Files, manifest.Files);
        var copy = Path.Combine(_target, _record.Id);
        Assert.Equal([copy], Directory.EnumerateFileSystemEntries(_target));
        using var verifier = ImageVerifier.Start(copy, ManifestFile.Read(copy, _record));
        await verifier.VerifyAllAsync();
    }

    [Fact]
    public async Task A_stream_that_is_cut_anywhere_is_refused_and_leaves_nothing()
    {
        var whole = await WriteAsync();
        foreach (var length in new[] { 0, 5, 11, 12, 100, whole.Length - 700_020, whole.Length - 700_001, whole.Length - 350_000, whole.Length - 1 })
        {
            await RefusedAsync(whole[..length], _record, "it ends");
        }
    }

    [Fact]
    public async Task A_stream_that_goes_on_is_refused()
    {
        var whole = await WriteAsync();
        await RefusedAsync([.. whole, 0], _record, "it goes on after its end");
    }

    [Fact]
    public async Task One_bit_anywhere_is_noticed()
    {
        var whole = await WriteAsync();
        foreach (var (at, sentence) in new[] { (3, "does not begin"), (8, "which no manifest has"), (600, "manifest.json was edited"), (whole.Length - 700_005, "core-1.img was altered"), (whole.Length - 5, "pages-1.img was altered") })
        {
            var altered = whole.ToArray();
            altered[at] ^= 0x80;
            await RefusedAsync(altered, _record, sentence);
        }
    }

    [Fact]
    public async Task A_manifest_whose_length_nobody_could_believe_is_not_read()
    {
        var whole = await WriteAsync();
        foreach (var length in new[] { 0, -1, int.MinValue, int.MaxValue, ManifestFile.MaximumSize + 1 })
        {
            BinaryPrimitives.WriteInt32BigEndian(whole.AsSpan(8), length);
            await RefusedAsync(whole, _record, "which no manifest has");
        }
    }

    [Theory]
    [InlineData("../shop.000000000009/core-1.img", "names a file outside")]
    [InlineData("/etc/vni-test-mark", "names a file outside")]
    [InlineData("images/../../mark", "names a file outside")]
    [InlineData("manifest.json", "names a file outside")]
    [InlineData("images/core-1.img", "twice")]
    public async Task Not_even_a_manifest_that_the_registry_knows_writes_elsewhere_or_twice(string name, string sentence)
    {
        var (manifest, record) = With(_manifest with { Files = [.. _manifest.Files, new SnapshotFile(name, 0, Digest([]))] }, _record.Size);
        await RefusedAsync([.. Head(manifest), .. Contents()], record, sentence);
    }

    [Theory]
    [InlineData(-1, "-1 bytes")]
    [InlineData(1L << 40, "the registry says 700010")]
    public async Task Files_larger_than_the_registry_says_are_not_begun(long size, string sentence)
    {
        var (manifest, record) = With(_manifest with { Files = [.. _manifest.Files, new SnapshotFile("images/z.img", size, Digest([]))] }, _record.Size);
        await RefusedAsync(Head(manifest), record, sentence);
    }

    [Fact]
    public async Task A_copy_that_is_there_already_stays()
    {
        await ReadAsync(await WriteAsync(), _record);
        await ReadAsync(await WriteAsync(), _record);
        Assert.Single(Directory.EnumerateFileSystemEntries(_target));
    }

    private async Task<byte[]> WriteAsync()
    {
        var stream = new MemoryStream();
        await SnapshotStream.WriteAsync(_source, _record, stream, CancellationToken.None);
        return stream.ToArray();
    }

    private async Task<SnapshotManifest> ReadAsync(byte[] stream, SnapshotRecord record) => await SnapshotStream.ReadAsync(new MemoryStream(stream), record, _target, CancellationToken.None);

    private async Task RefusedAsync(byte[] stream, SnapshotRecord record, string sentence)
    {
        var e = await Assert.ThrowsAsync<VniException>(() => ReadAsync(stream, record));
        Assert.Equal(ErrorCodes.SnapshotDamaged, e.Code);
        Assert.Contains(sentence, e.Message);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_target));
    }

    private (byte[] Manifest, SnapshotRecord Record) With(SnapshotManifest manifest, long size)
    {
        var directory = Directory.CreateDirectory(Path.Combine(_scratch, "other")).FullName;
        var record = _record with { ManifestSha256 = ManifestFile.Write(directory, manifest), Size = size };
        return (ManifestFile.ReadBytes(directory, record.Id), record);
    }

    private static byte[] Head(byte[] manifest)
    {
        var length = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, manifest.Length);
        return [.. Encoding.ASCII.GetBytes("VNISNAP1"), .. length, .. manifest];
    }

    private byte[] Contents() => [.. _manifest.Files.SelectMany(f => File.ReadAllBytes(Path.Combine(_source, f.Name)))];

    private SnapshotFile Describe(string name)
    {
        var data = File.ReadAllBytes(Path.Combine(_source, name));
        return new SnapshotFile(name, data.Length, Digest(data));
    }

    private static string Digest(byte[] data) => Convert.ToHexStringLower(SHA256.HashData(data));
}
