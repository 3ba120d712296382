using System.Buffers.Binary;
using Google.Protobuf;
using Vni.Interposer.Checkpoint.Images;

namespace Vni.Interposer.Checkpoint.Queues;

/// <summary>
/// Tells CRIU's images where open message queues are found at a restore. CRIU knows no queues, and refuses their file system when
/// there are any: at the dump it takes both for somebody else's, at the restore they are a mount and files like others.
/// </summary>
internal static class QueueFiles
{
    /// <summary>What CRIU is told to take the mount for.</summary>
    public const string ExternalMount = $"mnt[{QueueImage.MountPoint}]:{MountKey}";

    private const string MountKey = "vni-queues", Files = "files.img", Mounts = "mountpoints-*.img";

    /// <summary>Two magic numbers stand before the entries; each entry is a 32-bit length and a message.</summary>
    private const int HeaderSize = 8;

    /// <summary>Changes the images of a dump that has just succeeded.</summary>
    public static void Name(string imagesDirectory, IReadOnlyList<OpenQueue> queues)
    {
        foreach (var path in Directory.EnumerateFiles(imagesDirectory, Mounts)) Change(path, image => OwnMount(image));
        if (queues.Count > 0) Change(Path.Combine(imagesDirectory, Files), image => NameFiles(image, queues));
    }

    /// <summary>The image of open files with the queues' names in it.</summary>
    internal static byte[] NameFiles(ReadOnlySpan<byte> image, IReadOnlyList<OpenQueue> queues)
    {
        var names = queues.DistinctBy(q => q.ExternalId).ToDictionary(q => q.ExternalId, q => $"{QueueImage.MountPoint}/{q.Name}", StringComparer.Ordinal);
        return Change(image, FileEntry.Parser, entry =>
        {
            if (entry.Reg is not { Ext: true } file || !names.TryGetValue(file.Name, out var name)) return;
            file.Name = name;
            file.ClearExt();
        });
    }

    /// <summary>The image of mounts in which the queues' mount is the instance's own.</summary>
    internal static byte[] OwnMount(ReadOnlySpan<byte> image) => Change(image, MountEntry.Parser, entry =>
    {
        if (entry.ExtKey == MountKey) entry.ClearExtKey();
    });

    private static void Change(string path, Func<byte[], byte[]> change) => File.WriteAllBytes(path, change(File.ReadAllBytes(path)));

    private static byte[] Change<T>(ReadOnlySpan<byte> image, MessageParser<T> parser, Action<T> change)
        where T : IMessage<T>
    {
        using var result = new MemoryStream(image.Length);
        result.Write(image[..HeaderSize]);
        Span<byte> length = stackalloc byte[sizeof(int)];
        for (var rest = image[HeaderSize..]; rest.Length > 0;)
        {
            var size = BinaryPrimitives.ReadInt32LittleEndian(rest);
            var entry = parser.ParseFrom(rest.Slice(sizeof(int), size));
            change(entry);
            var bytes = entry.ToByteArray();
            BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
            result.Write(length);
            result.Write(bytes);
            rest = rest[(sizeof(int) + size)..];
        }

        return result.ToArray();
    }
}
