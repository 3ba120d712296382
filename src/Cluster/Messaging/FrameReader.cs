using System.Buffers.Binary;

namespace Vni.Cluster.Messaging;

/// <summary>The content of a stream's frames, up to the mark of its end; a connection that ends without it throws.</summary>
/// <param name="inner">The connection's stream; stays its owner's.</param>
internal sealed class FrameReader(Stream inner) : FrameStream
{
    private readonly byte[] _length = new byte[sizeof(int)];
    private int _left;
    private bool _ended;
    private bool _broken;

    public override bool CanRead => true;

    /// <inheritdoc />
    /// <exception cref="IOException">The stream was cut, or is none.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_broken) throw new IOException("the stream was broken before");
        if (_ended || buffer.IsEmpty) return 0;
        _broken = true; // Until this read has gone well: what was half read cannot be read on.
        if (_left == 0) _left = await NextAsync(cancellationToken);
        _ended = _left == 0;
        var count = _ended ? 0 : await inner.ReadAsync(buffer[..Math.Min(_left, buffer.Length)], cancellationToken);
        if (count == 0 && !_ended) throw new EndOfStreamException("the sender went away in the middle of the stream");
        _left -= count;
        _broken = false;
        return count;
    }

    private async ValueTask<int> NextAsync(CancellationToken cancellationToken)
    {
        await inner.ReadExactlyAsync(_length, cancellationToken);
        return BinaryPrimitives.ReadInt32BigEndian(_length) is var size and >= 0 and <= StreamWire.MaximumFrame
            ? size
            : throw new IOException($"a frame of a stream says to have {BinaryPrimitives.ReadInt32BigEndian(_length)} bytes; it may have 0 to {StreamWire.MaximumFrame}");
    }
}
