using System.Text;
using Vni.Actors;
using Vni.Interposer.Checkpoint.Queues;
using Vni.Interposer.Linux;
using Xunit;

namespace Vni.Linux.Tests.Checkpoint;

/// <summary>The image of POSIX message queues, which may come from another node.</summary>
public sealed class QueueImageTests
{
    private static readonly byte[] Magic = [.. "VNIMQ\0\0\u0001"u8];

    [Fact]
    public async Task Queues_are_made_as_the_image_says_and_saving_them_again_gives_the_same_image()
    {
        await using var instance = await TestInstance.StartAsync(["/bin/sleep", "1000"]);
        byte[] image = [.. Magic, .. Queue("orders", 0x1a0, 7, 8, 10, 64, (9, "urgent"), (5, "first"), (5, "second"), (0, ""))];
        var (first, second) = (Write(instance, "first", image), instance.NewDirectory("second"));
        await instance.Queues(first).RestoreAsync(instance.InitPid);
        Assert.Equal(["/orders"], Names(instance));
        for (var round = 0; round < 2; round++)
        {
            await instance.Queues(second).SaveAsync(instance.InitPid, [], TestInstance.Cgroup2);
            Assert.Equal(image, await File.ReadAllBytesAsync(Path.Combine(second, QueueImage.Name)));
            File.Delete(Path.Combine(second, QueueImage.Name));
        }
    }

    [Fact]
    public async Task What_is_not_whole_or_leads_elsewhere_makes_nothing()
    {
        await using var instance = await TestInstance.StartAsync(["/bin/sleep", "1000"]);
        var whole = Queue("whole", 0x180, 0, 0, 10, 64, (1, "text"));
        byte[][] bad =
        [
            [], Magic[..7], [.. "VNIMQ\0\0\u0002"u8], [.. Magic, .. whole[..^1]], [.. Magic, .. whole[..31]], [.. Magic, .. whole, 0],
            [.. Magic, .. Queue("../etc", 0x180, 0, 0, 10, 64)], [.. Magic, .. Queue("..", 0x180, 0, 0, 10, 64)], [.. Magic, .. Queue("", 0x180, 0, 0, 10, 64)],
            [.. Magic, .. Queue("a\0b", 0x180, 0, 0, 10, 64)], [.. Magic, .. Queue(new string('x', 256), 0x180, 0, 0, 10, 64)],
            [.. Magic, .. Queue("many", 0x180, 0, 0, 1, 64, (1, "a"), (1, "b"))], [.. Magic, .. Queue("long", 0x180, 0, 0, 10, 2, (1, "abc"))],
        ];
        foreach (var (content, i) in bad.Select((content, i) => (content, i)))
        {
            var e = await Assert.ThrowsAsync<VniException>(() => instance.Queues(Write(instance, $"bad{i}", content)).RestoreAsync(instance.InitPid));
            Assert.Equal(ErrorCodes.RestoreFailed, e.Code);
            Assert.Empty(Names(instance));
        }
    }

    private static IReadOnlyList<string> Names(TestInstance instance) => Namespaces.Run(instance.InitPid, NamespaceKind.Ipc, MessageQueueNames.Read);

    private static string Write(TestInstance instance, string directory, byte[] image)
    {
        var path = instance.NewDirectory(directory);
        File.WriteAllBytes(Path.Combine(path, QueueImage.Name), image);
        return path;
    }

    private static byte[] Queue(string name, uint mode, uint uid, uint gid, uint maximum, uint size, params (uint Priority, string Text)[] messages) =>
    [
        .. new[] { (uint)name.Length, mode, uid, gid, maximum, size, (uint)messages.Length, 0u }.SelectMany(BitConverter.GetBytes),
        .. Encoding.ASCII.GetBytes(name),
        .. messages.SelectMany(m => (byte[])[.. BitConverter.GetBytes(m.Priority), .. BitConverter.GetBytes((uint)m.Text.Length), .. Encoding.ASCII.GetBytes(m.Text)]),
    ];
}
