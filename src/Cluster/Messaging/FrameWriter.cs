using System.Buffers.Binary;

namespace Vni.Cluster.Messaging;

/// <summary>Makes frames of what is written; nothing is held back.</summary>
/// <param name="inner">The connection's stream; stays its owner's.</param>
internal sealed class FrameWriter(Stream inner) : FrameStream
{
    /// <summary>Up to here a copy is cheaper than a packet that has nothing but a length.</summary>
    private const int Copied = 32 << 10;

    private readonly byte[] _frame = new byte[sizeof(int) + Copied];

    public override bool CanWrite => true;

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (!buffer.IsEmpty)
        {
            var content = buffer[..Math.Min(buffer.Length, StreamWire.MaximumFrame)];
            buffer = buffer[content.Length..];
            BinaryPrimitives.WriteInt32BigEndian(_frame, content.Length);
            var copied = content.Length <= Copied ? content.Length : 0;
            content[..copied].CopyTo(_frame.AsMemory(sizeof(int)));
            await inner.WriteAsync(_frame.AsMemory(0, sizeof(int) + copied), cancellationToken);
            if (copied == 0) await inner.WriteAsync(content, cancellationToken);
        }
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);
}
