using System.Buffers.Binary;
using Google.Protobuf;
using Vni.Interposer.Checkpoint.Images;
using Vni.Interposer.Checkpoint.Queues;
using Xunit;

namespace Vni.Unit.Tests.Checkpoint.Queues;

public sealed class QueueFilesTests
{
    private static readonly byte[] Header = [1, 2, 3, 4, 5, 6, 7, 8];

    /// <summary>What this project does not know of an entry: its type (1), its id (2), a file's flags (2), position (3) and owner (5).</summary>
    private static readonly byte[] UnknownOfEntry = [0x08, 0x01, 0x10, 0x2a], UnknownOfFile = [0x08, 0x2a, 0x10, 0x82, 0x01, 0x18, 0x00, 0x2a, 0x02, 0x08, 0x07];

    private readonly OpenQueue _queue = new("/proc/107/fd/3", 0x1f, 0x2b, "orders", IsUnlinked: false);

    [Fact]
    public void A_queue_gets_a_path_and_everything_else_stays_as_it_was()
    {
        Assert.Equal("file[1f:2b]", _queue.ExternalId);
        byte[] other = Entry("file[1f:2c]", ext: true), plain = Entry("file[1f:2b]", ext: null), image = Image(other, Entry("file[1f:2b]", ext: true), plain, [0x08, 0x02]);
        Assert.Equal(Canonical(Image(other, Entry("/dev/mqueue/orders", ext: null), plain, [0x08, 0x02])), Canonical(QueueFiles.NameFiles(image, [_queue, _queue with { Path = "/proc/108/fd/3" }])));
        Assert.Equal(Header, QueueFiles.NameFiles(image, [_queue])[..8]);
    }

    [Fact]
    public void The_mount_is_the_instances_own_and_all_others_are_as_they_were()
    {
        byte[] mqueue = [0x08, 14, 0x10, 31], plain = [0x08, 5, 0x10, 32, .. new MountEntry { ExtKey = "else" }.ToByteArray()];
        var image = Image([.. mqueue, .. new MountEntry { ExtKey = "vni-queues" }.ToByteArray()], plain);
        Assert.Equal(Image(mqueue, plain)[..20], QueueFiles.OwnMount(image)[..20]);
        Assert.Equal("mnt[/dev/mqueue]:vni-queues", QueueFiles.ExternalMount);
    }

    private static byte[] Entry(string name, bool? ext)
    {
        var file = new RegularFile { Name = name };
        if (ext is { } value) file.Ext = value;
        byte[] body = [.. UnknownOfFile, .. file.ToByteArray()];
        return [.. UnknownOfEntry, 0x1a, (byte)body.Length, .. body];
    }

    private static byte[] Image(params byte[][] entries) => [.. Header, .. entries.SelectMany(e => (byte[])[(byte)e.Length, 0, 0, 0, .. e])];

    /// <summary>The order of fields in a message means nothing.</summary>
    private static IEnumerable<FileEntry> Canonical(byte[] image)
    {
        for (var rest = image.AsMemory(8); rest.Length > 0;)
        {
            var size = BinaryPrimitives.ReadInt32LittleEndian(rest.Span);
            yield return FileEntry.Parser.ParseFrom(rest.Slice(4, size).Span);
            rest = rest[(4 + size)..];
        }
    }
}
