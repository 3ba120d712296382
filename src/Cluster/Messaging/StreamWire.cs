using System.Buffers.Binary;
using System.Text.Json;
using Vni.Actors.Messaging;

namespace Vni.Cluster.Messaging;

/// <summary>
/// A stream on a connection of its own (<c>docs/messaging.md</c>). The sender: an envelope as <see cref="PeerWire.Frame"/> makes it,
/// frames (4 bytes length, most significant first, then as many bytes), a length of 0 as the mark of the end. The receiver, at any
/// time: lengths of 0 as signs of life, then the length of a <see cref="PeerReply"/> and the reply. After both ends the next may follow.
/// </summary>
internal static class StreamWire
{
    /// <summary>What TLS negotiates (ALPN).</summary>
    internal const string Protocol = "vni-stream/1";

    /// <summary>Largest frame, in bytes.</summary>
    internal const int MaximumFrame = 256 << 10;

    /// <summary>How often a receiver that has not answered yet says that it lives.</summary>
    internal static readonly TimeSpan SignOfLife = TimeSpan.FromSeconds(10);

    /// <summary>What leads a connection without TLS.</summary>
    internal static ReadOnlySpan<byte> Preface => "VNI-STREAM/1\n"u8;

    /// <summary>The mark of a stream's end, or a sign of life.</summary>
    internal static ReadOnlyMemory<byte> Zero { get; } = new byte[sizeof(int)];

    /// <summary>A reply led by its length.</summary>
    internal static byte[] Frame(PeerReply reply)
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(reply, PeerJson.Default.PeerReply);
        var frame = new byte[sizeof(int) + json.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, json.Length);
        json.CopyTo(frame, sizeof(int));
        return frame;
    }

    /// <summary>Waits for the reply.</summary>
    /// <exception cref="IOException">The connection ended.</exception>
    /// <exception cref="InvalidDataException">It is none.</exception>
    /// <exception cref="JsonException">It is none.</exception>
    internal static async Task<PeerReply> ReadReplyAsync(Stream stream, CancellationToken cancellationToken)
    {
        var length = new byte[sizeof(int)];
        int size;
        do
        {
            await stream.ReadExactlyAsync(length, cancellationToken);
            size = BinaryPrimitives.ReadInt32BigEndian(length);
        }
        while (size == 0);
        if (size is < 0 or > PeerWire.MaximumReply) throw new InvalidDataException($"the answer says to have {size} bytes; it may have 1 to {PeerWire.MaximumReply}");
        var json = new byte[size];
        await stream.ReadExactlyAsync(json, cancellationToken);
        return JsonSerializer.Deserialize(json, PeerJson.Default.PeerReply) ?? throw new InvalidDataException("the answer is null");
    }
}
