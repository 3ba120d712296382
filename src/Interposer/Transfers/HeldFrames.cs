using System.Buffers.Binary;

namespace Vni.Interposer.Transfers;

/// <summary>Frames as a section of a transfer: each with its length (16 bits) before it.</summary>
internal static class HeldFrames
{
    /// <summary>More than two ports hold.</summary>
    private const int Maximum = 1 << 14;

    public static byte[] Write(IReadOnlyList<ReadOnlyMemory<byte>> frames)
    {
        var data = new byte[frames.Sum(f => 2 + f.Length)];
        var rest = data.AsSpan();
        foreach (var frame in frames)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(rest, (ushort)frame.Length);
            frame.Span.CopyTo(rest[2..]);
            rest = rest[(2 + frame.Length)..];
        }

        return data;
    }

    /// <exception cref="InvalidDataException">It ends in the middle, or holds more than a port can.</exception>
    public static IReadOnlyList<ReadOnlyMemory<byte>> Read(ReadOnlyMemory<byte> data)
    {
        var frames = new List<ReadOnlyMemory<byte>>();
        while (!data.IsEmpty)
        {
            if (data.Length < 2 || BinaryPrimitives.ReadUInt16LittleEndian(data.Span) is var length && data.Length - 2 < length) throw new InvalidDataException("its held frames end in the middle");
            if (frames.Count == Maximum) throw new InvalidDataException("it holds more frames than a port can");
            frames.Add(data.Slice(2, length));
            data = data[(2 + length)..];
        }

        return frames;
    }
}
