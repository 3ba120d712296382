using System.Security.Cryptography;
using System.Text.Json;
using Vni.Actors;
using Vni.Actors.Messages;
using Vni.Actors.Snapshots;

namespace Vni.Interposer.Checkpoint;

/// <summary>
/// <c>manifest.json</c>. It is written last and renamed into place, so one that is there was written to its end. It is not
/// synced here: that would hold up the commit until all images are on disk. <see cref="SnapshotRecord.Durable"/> says whether
/// they are; until then the former snapshot is kept, and after a power failure size, digest and registry tell a damaged one.
/// </summary>
internal static class ManifestFile
{
    /// <summary>Name of the file in a snapshot's directory.</summary>
    public const string Name = "manifest.json";

    /// <summary>Bytes that no manifest exceeds.</summary>
    public const int MaximumSize = 64 << 20;

    private const int Format = 1;

    /// <summary>Writes the manifest of a complete snapshot; its digest, lower-case hexadecimal, for the registry.</summary>
    public static string Write(string directory, SnapshotManifest manifest)
    {
        var data = JsonSerializer.SerializeToUtf8Bytes(manifest, VniJson.Default.SnapshotManifest);
        var temporary = Path.Combine(directory, Name + ".new");
        File.WriteAllBytes(temporary, data);
        File.Move(temporary, Path.Combine(directory, Name), overwrite: true);
        return Convert.ToHexStringLower(SHA256.HashData(data));
    }

    /// <summary>
    /// Reads and checks a manifest: that it is the one the registry knows, that every name is a plain path within the
    /// directory, and that the directory holds exactly these files in these sizes. Digests of files are
    /// <see cref="ImageVerifier"/>'s.
    /// </summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.SnapshotDamaged"/>, which names the file and what is wrong with it;
    /// <see cref="ErrorCodes.Incompatible"/>: written by a newer version.</exception>
    public static SnapshotManifest Read(string directory, SnapshotRecord record)
    {
        var manifest = Parse(ReadBytes(directory, record.Id), record);
        CheckFiles(directory, manifest);
        return manifest;
    }

    /// <summary>The same without a look at the files.</summary>
    /// <exception cref="VniException">As <see cref="Read"/>.</exception>
    public static SnapshotManifest Parse(byte[] data, SnapshotRecord record)
    {
        if (Convert.ToHexStringLower(SHA256.HashData(data)) != record.ManifestSha256) throw Damaged(record.Id, Name, "was edited after the snapshot was taken");
        SnapshotManifest manifest;
        try
        {
            manifest = JsonSerializer.Deserialize(data, VniJson.Default.SnapshotManifest) ?? throw new JsonException();
        }
        catch (JsonException e)
        {
            throw Damaged(record.Id, Name, $"is no manifest ({e.Message})", e);
        }

        if (manifest.Format != Format) throw new VniException(ErrorCodes.Incompatible, $"snapshot {record.Id} has format {manifest.Format} and this version reads {Format}; restore it with the version that took it");
        if (manifest.Id != record.Id || manifest.Aid != record.Aid) throw Damaged(record.Id, Name, $"belongs to snapshot {manifest.Id} of application {manifest.Aid}");
        CheckNames(manifest);
        return manifest;
    }

    /// <summary>The bytes of a snapshot's manifest, unchecked.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.SnapshotDamaged"/>: there are none, or too many.</exception>
    public static byte[] ReadBytes(string directory, string id)
    {
        try
        {
            var file = new FileInfo(Path.Combine(directory, Name));
            return file.Length <= MaximumSize ? File.ReadAllBytes(file.FullName) : throw Damaged(id, Name, $"has {file.Length} bytes, which no manifest has");
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw Damaged(id, Name, "is missing", e);
        }
    }

    /// <summary>Every file of a snapshot's directory but the manifest, by name within it, in ordinal order.</summary>
    public static IReadOnlyList<string> FilesIn(string directory) =>
    [
        .. Directory.EnumerateFiles(directory, "*", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(directory, path))
            .Where(name => name != Name)
            .Order(StringComparer.Ordinal),
    ];

    internal static VniException Damaged(string id, string file, string how, Exception? inner = null) =>
        new(ErrorCodes.SnapshotDamaged, $"snapshot {id} is damaged: {file} {how}; restore another snapshot", inner);

    private static void CheckNames(SnapshotManifest manifest)
    {
        var known = new HashSet<string>(StringComparer.Ordinal);
        foreach (var file in manifest.Files)
        {
            if (!IsPlain(file.Name)) throw Damaged(manifest.Id, Name, $"names a file outside the snapshot, '{file.Name}'");
            if (!known.Add(file.Name)) throw Damaged(manifest.Id, Name, $"names '{file.Name}' twice");
            if (file.Size < 0) throw Damaged(manifest.Id, Name, $"gives '{file.Name}' {file.Size} bytes");
        }
    }

    private static void CheckFiles(string directory, SnapshotManifest manifest)
    {
        foreach (var file in manifest.Files)
        {
            var found = new FileInfo(Path.Combine(directory, file.Name));
            if (!found.Exists) throw Damaged(manifest.Id, file.Name, "is missing");
            if (found.LinkTarget is not null) throw Damaged(manifest.Id, file.Name, "was replaced by a link");
            if (found.Length < file.Size) throw Damaged(manifest.Id, file.Name, $"is truncated: it has {found.Length} bytes of {file.Size}");
            if (found.Length > file.Size) throw Damaged(manifest.Id, file.Name, $"was altered: it has {found.Length} bytes and had {file.Size}");
        }

        // CRIU would read an image that the manifest does not list.
        var known = manifest.Files.Select(f => f.Name).ToHashSet(StringComparer.Ordinal);
        if (FilesIn(directory).FirstOrDefault(name => !known.Contains(name)) is { } extra) throw Damaged(manifest.Id, extra, "is not part of it");
    }

    private static bool IsPlain(string name) =>
        name.Length is > 0 and <= 4096 && name[0] != '/' && name.Split('/').All(part => part is not ("" or "." or "..") && part.Length <= 255) && !name.Contains('\0') && name != Name;
}
