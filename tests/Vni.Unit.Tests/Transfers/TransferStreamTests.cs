using System.Text;
using Vni.Actors;
using Vni.Actors.Identity;
using Vni.Interposer.Transfers;
using Xunit;

namespace Vni.Unit.Tests.Transfers;

public sealed class TransferStreamTests
{
    private static readonly Aid Web = Aid.Parse("web");

    [Fact]
    public async Task What_is_written_in_turns_is_read_by_section_with_the_same_digests()
    {
        var stream = new MemoryStream();
        using var writer = new TransferWriter(stream);
        await writer.BeginAsync(default);
        var large = new byte[700_000];
        Random.Shared.NextBytes(large);
        await writer.WriteAsync("images/pages-1.img", default, large, default);
        await writer.WriteAsync("layer/0", "he"u8.ToArray(), "llo"u8.ToArray(), default);
        await writer.WriteAsync("images/pages-1.img", default, large, default);
        await writer.CompleteAsync("layer/0", default);
        await writer.EndAsync("manifest"u8.ToArray(), default);
        Assert.Equal(stream.Length, writer.Bytes);

        var sink = new Sink();
        stream.Position = 0;
        using var reader = new TransferReader(Web, stream, long.MaxValue, sink);
        Assert.Equal("manifest"u8.ToArray(), await reader.ReadAsync(default));
        Assert.Equal(writer.Complete(), reader.Sections);
        Assert.Equal([.. large, .. large], sink.Content["images/pages-1.img"].ToArray());
        Assert.Equal("hello", Encoding.ASCII.GetString(sink.Content["layer/0"].ToArray()));
        Assert.Equal(["layer/0"], sink.Complete);
    }

    [Fact]
    public async Task A_stream_that_ends_anywhere_but_at_its_end_is_refused()
    {
        var whole = await WholeAsync();
        for (var length = 0; length < whole.Length; length++) await RefusedAsync(whole[..length]);
    }

    [Fact]
    public async Task A_stream_in_which_a_bit_is_turned_is_refused_or_has_another_digest()
    {
        var whole = await WholeAsync();
        using var untouched = new TransferReader(Web, new MemoryStream(whole), 1000, new Sink());
        var manifest = await untouched.ReadAsync(default);
        for (var at = 0; at < whole.Length; at++)
        {
            byte[] altered = [.. whole];
            altered[at] ^= 1;
            using var reader = new TransferReader(Web, new MemoryStream(altered), 1000, new Sink());
            try
            {
                var read = await reader.ReadAsync(default);
                Assert.False(read is not null && read.AsSpan().SequenceEqual(manifest) && reader.Sections.SequenceEqual(untouched.Sections), $"byte {at} was turned and nobody would notice");
            }
            catch (VniException e)
            {
                Assert.Equal(ErrorCodes.SnapshotDamaged, e.Code);
            }
        }
    }

    [Theory]
    [InlineData("../etc/passwd")]
    [InlineData("images/../../x")]
    [InlineData("images/.hidden")]
    [InlineData("images/a/b")]
    [InlineData("images/")]
    [InlineData("/images/x")]
    [InlineData("layer/1")]
    [InlineData("manifest.json")]
    [InlineData("")]
    public async Task A_name_that_is_no_image_is_refused(string name)
    {
        var stream = new MemoryStream();
        using var writer = new TransferWriter(stream);
        await writer.BeginAsync(default);
        await writer.WriteAsync(name, default, "x"u8.ToArray(), default);
        await writer.EndAsync("manifest"u8.ToArray(), default);
        Assert.Contains("no place in it", await RefusedAsync(stream.ToArray()));
    }

    [Fact]
    public async Task A_stream_without_end_is_refused_when_it_has_more_than_was_announced()
    {
        var stream = new MemoryStream();
        using var writer = new TransferWriter(stream);
        await writer.BeginAsync(default);
        for (var i = 0; i < 11; i++) await writer.WriteAsync("images/pages-1.img", default, new byte[100], default);
        await writer.EndAsync(null, default);
        Assert.Contains("larger than was announced", await RefusedAsync(stream.ToArray()));
    }

    [Fact]
    public async Task A_frame_that_claims_to_be_huge_takes_no_memory()
    {
        byte[] huge = [.. TransferStream.Magic, 3, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3];
        var before = GC.GetAllocatedBytesForCurrentThread();
        await RefusedAsync(huge);
        await RefusedAsync([.. TransferStream.Magic, 1, 1, 0, 0, 0xff, 0xff, 0xff, 0x7f, 0, 0, 0, 0, 0, 0, 0, 0, (byte)'x']);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 8 << 20);
    }

    [Fact]
    public void Held_frames_come_back_in_order_and_a_cut_one_is_refused()
    {
        ReadOnlyMemory<byte>[] frames = [new byte[] { 1, 2, 3 }, new byte[1514], Array.Empty<byte>()];
        var data = HeldFrames.Write(frames);
        Assert.Equal(frames.Select(f => f.ToArray()), HeldFrames.Read(data).Select(f => f.ToArray()));
        Assert.Throws<InvalidDataException>(() => HeldFrames.Read(data.AsMemory(0, 100)));
        Assert.Throws<InvalidDataException>(() => HeldFrames.Read(data.AsMemory(0, 1)));
    }

    private static async Task<byte[]> WholeAsync()
    {
        var stream = new MemoryStream();
        using var writer = new TransferWriter(stream);
        await writer.BeginAsync(default);
        await writer.WriteAsync("layer/0", default, "layer"u8.ToArray(), default);
        await writer.CompleteAsync("layer/0", default);
        await writer.WriteAsync("images/core-1.img", default, "core"u8.ToArray(), default);
        await writer.EndAsync("manifest"u8.ToArray(), default);
        return stream.ToArray();
    }

    private static async Task<string> RefusedAsync(byte[] stream)
    {
        using var reader = new TransferReader(Web, new MemoryStream(stream), 1000, new Sink());
        var refused = await Assert.ThrowsAsync<VniException>(() => reader.ReadAsync(default));
        Assert.Equal(ErrorCodes.SnapshotDamaged, refused.Code);
        return refused.Message;
    }

    private sealed class Sink : ITransferSink
    {
        public Dictionary<string, MemoryStream> Content { get; } = [];

        public List<string> Complete { get; } = [];

        public bool Accepts(string section) => section == "layer/0" || TransferStream.IsImage(section);

        public ValueTask AddAsync(string section, long offset, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
        {
            if (!Content.TryGetValue(section, out var content)) Content[section] = content = new MemoryStream();
            Assert.Equal(content.Length, offset);
            content.Write(data.Span);
            return ValueTask.CompletedTask;
        }

        public ValueTask CompleteAsync(string section, CancellationToken cancellationToken)
        {
            Complete.Add(section);
            return ValueTask.CompletedTask;
        }
    }
}
