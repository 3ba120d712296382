using System.Buffers.Binary;
using Vni.Actors.Snapshots;
using Vni.Interposer.Checkpoint;

namespace Vni.Interposer.Shipping;

/// <summary>
/// A snapshot as a stream: eight bytes <c>VNISNAP1</c>, the manifest's length (four bytes, big-endian), the manifest, then
/// the contents of all files in the manifest's order, and nothing between or after them. The reader knows the manifest's
/// digest from the registry, and with the manifest every name, size and digest before the first byte of a file comes, so a
/// peer has nothing to choose.
/// </summary>
internal static class SnapshotStream
{
    private const int HeaderSize = 12, BlockSize = 1 << 18;

    private static ReadOnlySpan<byte> Magic => "VNISNAP1"u8;

    /// <summary>Writes a snapshot of this node.</summary>
    public static async Task WriteAsync(string directory, SnapshotRecord snapshot, Stream to, CancellationToken cancellationToken)
    {
        var manifest = ManifestFile.Read(directory, snapshot);
        var bytes = ManifestFile.ReadBytes(directory, snapshot.Id);
        await to.WriteAsync(Header(bytes.Length), cancellationToken).ConfigureAwait(false);
        await to.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
        foreach (var file in manifest.Files)
        {
            using var from = OpenFile(directory, file);
            await from.CopyToAsync(to, BlockSize, cancellationToken).ConfigureAwait(false);
        }

        await to.FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Reads a snapshot into a directory of snapshots; what it consists of.</summary>
    /// <exception cref="Vni.Actors.VniException">It is not the one that the record names; nothing is left of it.</exception>
    public static async Task<SnapshotManifest> ReadAsync(Stream from, SnapshotRecord snapshot, string all, CancellationToken cancellationToken)
    {
        var bytes = await ReadManifestAsync(from, snapshot.Id, cancellationToken).ConfigureAwait(false);
        var manifest = Check(bytes, snapshot);
        using var draft = new SnapshotDraft(all, snapshot.Id);
        foreach (var file in manifest.Files) await draft.WriteAsync(file, from, cancellationToken).ConfigureAwait(false);
        if (await from.ReadAsync(new byte[1], cancellationToken).ConfigureAwait(false) != 0) throw ShippingFailure.Refused(snapshot.Id, "it goes on after its end");
        draft.Publish(bytes);
        return manifest;
    }

    /// <summary>Copies a snapshot from one directory of snapshots to another.</summary>
    public static async Task<SnapshotManifest> CopyAsync(string directory, SnapshotRecord snapshot, string all, CancellationToken cancellationToken)
    {
        ManifestFile.Read(directory, snapshot);
        var bytes = ManifestFile.ReadBytes(directory, snapshot.Id);
        var manifest = Check(bytes, snapshot);
        using var draft = new SnapshotDraft(all, snapshot.Id);
        foreach (var file in manifest.Files)
        {
            using var from = OpenFile(directory, file);
            await draft.WriteAsync(file, from, cancellationToken).ConfigureAwait(false);
        }

        draft.Publish(bytes);
        return manifest;
    }

    private static byte[] Header(int length)
    {
        var header = new byte[HeaderSize];
        Magic.CopyTo(header);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(Magic.Length), length);
        return header;
    }

    private static async Task<byte[]> ReadManifestAsync(Stream from, string id, CancellationToken cancellationToken)
    {
        try
        {
            var header = new byte[HeaderSize];
            await from.ReadExactlyAsync(header, cancellationToken).ConfigureAwait(false);
            if (!header.AsSpan().StartsWith(Magic)) throw ShippingFailure.Refused(id, "it does not begin like a snapshot of this version");
            var length = BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(Magic.Length));
            if (length is <= 0 or > ManifestFile.MaximumSize) throw ShippingFailure.Refused(id, $"its manifest would have {length} bytes, which no manifest has");
            var manifest = new byte[length];
            await from.ReadExactlyAsync(manifest, cancellationToken).ConfigureAwait(false);
            return manifest;
        }
        catch (EndOfStreamException e)
        {
            throw ShippingFailure.Refused(id, "it ends within its manifest", e);
        }
    }

    private static SnapshotManifest Check(byte[] bytes, SnapshotRecord snapshot)
    {
        var manifest = ManifestFile.Parse(bytes, snapshot);
        var size = manifest.Files.Aggregate(0L, (sum, file) => checked(sum + file.Size));
        return size == snapshot.Size ? manifest : throw ShippingFailure.Refused(snapshot.Id, $"its files have {size} bytes and the registry says {snapshot.Size}");
    }

    /// <summary>An empty file is not opened: in a shared directory it might have become something that is waited for.</summary>
    private static Stream OpenFile(string directory, SnapshotFile file) => file.Size == 0
        ? Stream.Null
        : new FileStream(Path.Combine(directory, file.Name), new FileStreamOptions { Mode = FileMode.Open, Access = FileAccess.Read, Share = FileShare.ReadWrite | FileShare.Delete, BufferSize = 0 });
}
