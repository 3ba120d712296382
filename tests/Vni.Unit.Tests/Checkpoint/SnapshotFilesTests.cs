using System.Security.Cryptography;
using System.Text;
using Vni.Actors;
using Vni.Actors.Applications;
using Vni.Actors.Identity;
using Vni.Actors.Resources;
using Vni.Actors.Snapshots;
using Vni.Interposer.Checkpoint;
using Vni.Unit.Tests.Fakes;
using Xunit;

namespace Vni.Unit.Tests.Checkpoint;

public sealed class SnapshotFilesTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("vni-snapshot-").FullName;

    public SnapshotFilesTests()
    {
        Directory.CreateDirectory(Path.Combine(_directory, "images"));
        File.WriteAllText(Path.Combine(_directory, "images/pages-1.img"), "many pages");
        File.WriteAllText(Path.Combine(_directory, "images/core-1.img"), "registers");
        File.WriteAllText(Path.Combine(_directory, "layer.tar"), "");
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task What_was_written_is_read_and_every_digest_holds()
    {
        var (manifest, record) = await WriteAsync();
        var read = ManifestFile.Read(_directory, record);
        Assert.Equal(manifest.Files, read.Files);
        Assert.Equal(["images/core-1.img", "images/pages-1.img", "layer.tar"], read.Files.Select(f => f.Name));
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData("many pages"u8)), read.Files[1].Sha256);
        Assert.Equal(7, Assert.Single(Assert.Single(read.Resources.Semaphores).Values));
        using var verifier = ImageVerifier.Start(_directory, read);
        await verifier.VerifyAsync("layer.tar");
        await verifier.VerifyAllAsync();
    }

    [Fact]
    public async Task An_altered_byte_is_found_by_its_files_name()
    {
        var (_, record) = await WriteAsync();
        File.WriteAllText(Path.Combine(_directory, "images/pages-1.img"), "many PAGES");
        using var verifier = ImageVerifier.Start(_directory, ManifestFile.Read(_directory, record));
        await verifier.VerifyAsync("images/core-1.img");
        foreach (var check in new[] { verifier.VerifyAsync("images/pages-1.img"), verifier.VerifyAllAsync() })
        {
            var e = await Assert.ThrowsAsync<VniException>(() => check);
            Assert.Equal(ErrorCodes.SnapshotDamaged, e.Code);
            Assert.Contains("images/pages-1.img was altered", e.Message);
        }
    }

    [Theory]
    [InlineData("missing", "images/pages-1.img is missing")]
    [InlineData("truncated", "images/pages-1.img is truncated: it has 4 bytes of 10")]
    [InlineData("longer", "images/pages-1.img was altered: it has 12 bytes and had 10")]
    [InlineData("link", "images/pages-1.img was replaced by a link")]
    [InlineData("extra", "images/remap-fpath.img is not part of it")]
    [InlineData("manifest missing", "manifest.json is missing")]
    [InlineData("manifest edited", "manifest.json was edited")]
    [InlineData("manifest truncated", "manifest.json was edited")]
    public async Task Damage_is_named_with_its_file(string damage, string expected)
    {
        var (_, record) = await WriteAsync();
        var pages = Path.Combine(_directory, "images/pages-1.img");
        var manifest = Path.Combine(_directory, "manifest.json");
        switch (damage)
        {
            case "missing": File.Delete(pages); break;
            case "truncated": File.WriteAllText(pages, "many"); break;
            case "longer": File.AppendAllText(pages, "!!"); break;
            case "link": File.Move(pages, _directory + "/../" + record.Id + ".moved"); File.CreateSymbolicLink(pages, _directory + "/../" + record.Id + ".moved"); break;
            case "extra": File.WriteAllText(Path.Combine(_directory, "images/remap-fpath.img"), "x"); break;
            case "manifest missing": File.Delete(manifest); break;
            case "manifest edited": File.WriteAllText(manifest, File.ReadAllText(manifest).Replace("\"epoch\":3", "\"epoch\":4")); break;
            case "manifest truncated": File.WriteAllText(manifest, File.ReadAllText(manifest)[..100]); break;
        }

        try
        {
            var e = Assert.Throws<VniException>(() => ManifestFile.Read(_directory, record));
            Assert.Equal(ErrorCodes.SnapshotDamaged, e.Code);
            Assert.Contains(expected, e.Message);
        }
        finally
        {
            File.Delete(_directory + "/../" + record.Id + ".moved");
        }
    }

    [Theory]
    [InlineData("../outside")]
    [InlineData("/etc/passwd")]
    [InlineData("images/../../outside")]
    [InlineData("images//core-1.img")]
    [InlineData("./layer.tar")]
    [InlineData("manifest.json")]
    [InlineData("")]
    public async Task A_name_that_leads_elsewhere_is_refused_even_if_the_registry_knows_the_manifest(string name)
    {
        var (manifest, record) = await WriteAsync();
        var digest = ManifestFile.Write(_directory, manifest with { Files = [.. manifest.Files, new SnapshotFile(name, 0, "")] });
        var e = Assert.Throws<VniException>(() => ManifestFile.Read(_directory, record with { ManifestSha256 = digest }));
        Assert.Equal(ErrorCodes.SnapshotDamaged, e.Code);
        Assert.Contains("names a file outside the snapshot", e.Message);
    }

    [Fact]
    public async Task A_name_that_comes_twice_an_other_snapshots_manifest_and_a_newer_format_are_refused()
    {
        var (manifest, record) = await WriteAsync();
        Assert.Contains("twice", Refusal(manifest with { Files = [.. manifest.Files, manifest.Files[0]] }).Message);
        Assert.Contains("belongs to snapshot shop.2", Refusal(manifest with { Id = "shop.2" }).Message);
        Assert.Equal(ErrorCodes.Incompatible, Refusal(manifest with { Format = 2 }).Code);
        VniException Refusal(SnapshotManifest m) => Assert.Throws<VniException>(() => ManifestFile.Read(_directory, record with { ManifestSha256 = ManifestFile.Write(_directory, m) }));
    }

    [Fact]
    public async Task What_is_no_manifest_is_refused_even_if_the_registry_knows_it()
    {
        var (_, record) = await WriteAsync();
        foreach (var text in new[] { "", "null", "{}", "[1]", "{\"id\":null}" })
        {
            File.WriteAllText(Path.Combine(_directory, "manifest.json"), text);
            var e = Assert.Throws<VniException>(() => ManifestFile.Read(_directory, record with { ManifestSha256 = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text))) }));
            Assert.Equal(ErrorCodes.SnapshotDamaged, e.Code);
            Assert.Contains("manifest.json is no manifest", e.Message);
        }
    }

    [Fact]
    public async Task A_file_that_grows_while_it_is_followed_has_the_digest_of_the_whole()
    {
        var clock = new ManualTimeProvider();
        var path = Path.Combine(_directory, "images/pages-2.img");
        using var hasher = ImageHasher.Start(Path.Combine(_directory, "images"), clock);
        await using (var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0))
        {
            for (var i = 0; i < 20; i++)
            {
                await file.WriteAsync(new byte[200_000 + i]);
                clock.Advance(TimeSpan.FromMilliseconds(5));
            }
        }

        var files = await hasher.FinishAsync(_directory);
        var content = await File.ReadAllBytesAsync(path);
        Assert.Equal(new SnapshotFile("images/pages-2.img", content.Length, Convert.ToHexStringLower(SHA256.HashData(content))), files.Single(f => f.Name == "images/pages-2.img"));
        Assert.Equal(4, files.Count);
    }

    private async Task<(SnapshotManifest Manifest, SnapshotRecord Record)> WriteAsync()
    {
        using var hasher = ImageHasher.Start(Path.Combine(_directory, "images"), new ManualTimeProvider());
        var aid = Aid.Parse("shop");
        var manifest = new SnapshotManifest
        {
            Id = "shop.000000000001",
            Aid = aid,
            Created = DateTimeOffset.UnixEpoch,
            Node = "n1",
            Epoch = 3,
            Declaration = new ApplicationDeclaration(),
            Identity = new VirtualIdentity("10.0.0.1", 24, "02:00:0a:00:00:01", "shop"),
            Platform = new PlatformFacts { Architecture = "x86_64", Kernel = "6.18", Criu = "4.2.1", CpuFeatures = ["avx"] },
            Resources = new ResourceTable { Semaphores = [new SemaphoreResource(0, 0x5193, [7])] },
            Files = await hasher.FinishAsync(_directory),
        };
        var digest = ManifestFile.Write(_directory, manifest);
        return (manifest, new SnapshotRecord(manifest.Id, aid, "n1", manifest.Created, 19, digest, Durable: false));
    }
}
