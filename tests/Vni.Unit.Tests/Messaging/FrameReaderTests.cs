using System.Buffers.Binary;
using Vni.Cluster.Messaging;
using Xunit;

namespace Vni.Unit.Tests.Messaging;

/// <summary>Frames of a stream, as they were written and as nobody should write them.</summary>
public sealed class FrameReaderTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(32 << 10)]
    [InlineData((32 << 10) + 1)]
    [InlineData(1_000_000)]
    public async Task What_is_written_is_read(int size)
    {
        var content = new byte[size];
        Random.Shared.NextBytes(content);
        using var wire = new MemoryStream();
        await using var writer = new FrameWriter(wire);
        await writer.WriteAsync(content);
        await writer.WriteAsync(ReadOnlyMemory<byte>.Empty);
        await writer.WriteAsync(content);
        await wire.WriteAsync(StreamWire.Zero);
        wire.Position = 0;
        using var read = new MemoryStream();
        await new FrameReader(wire).CopyToAsync(read, 10_000);
        Assert.Equal([.. content, .. content], read.ToArray());
        Assert.Equal(wire.Length, wire.Position);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(9)]
    [InlineData(14)]
    public async Task A_stream_that_is_cut_has_no_end(int size)
    {
        using var whole = new MemoryStream();
        await using var writer = new FrameWriter(whole);
        await writer.WriteAsync(new byte[10]);
        var cut = new FrameReader(new MemoryStream(whole.ToArray()[..size]));
        await Assert.ThrowsAsync<EndOfStreamException>(() => cut.CopyToAsync(Stream.Null));
        await Assert.ThrowsAsync<IOException>(() => cut.CopyToAsync(Stream.Null));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(int.MinValue)]
    [InlineData(StreamWire.MaximumFrame + 1)]
    [InlineData(int.MaxValue)]
    public async Task A_length_that_no_frame_has_breaks_the_stream(int length)
    {
        var wire = new byte[100];
        BinaryPrimitives.WriteInt32BigEndian(wire, length);
        var reader = new FrameReader(new MemoryStream(wire));
        await Assert.ThrowsAsync<IOException>(() => reader.CopyToAsync(Stream.Null));
        await Assert.ThrowsAsync<IOException>(() => reader.CopyToAsync(Stream.Null));
    }
}
