using System.Buffers.Binary;
using System.Text.Json;
using Vni.Actors;
using Vni.Actors.Messaging;

namespace Vni.Cluster.Messaging;

/// <summary>
/// What both ends of a connection between nodes agree on. A question is a <see cref="PeerEnvelope"/> as the body of a POST. A
/// stream begins with an envelope, led by its length (4 bytes, most significant first); see <see cref="StreamWire"/>. Both are
/// answered by a <see cref="PeerReply"/>.
/// </summary>
public static class PeerWire
{
    /// <summary>Where questions are sent.</summary>
    public const string AsksPath = "/v1/peer/asks";

    /// <summary>Largest envelope of a question, in bytes.</summary>
    public const int MaximumAsk = 16 << 20;

    /// <summary>Largest envelope before a stream, in bytes.</summary>
    public const int MaximumHeader = 1 << 20;

    /// <summary>Largest answer, in bytes: frames that a port held come in one.</summary>
    public const int MaximumReply = 64 << 20;

    /// <summary>How long the other side of a stream may neither take nor give a byte.</summary>
    public static readonly TimeSpan StallLimit = TimeSpan.FromSeconds(30);

    /// <summary>An envelope as it leads a stream.</summary>
    public static byte[] Frame(PeerEnvelope header)
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(header, PeerJson.Default.PeerEnvelope);
        var frame = new byte[sizeof(int) + json.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, json.Length);
        json.CopyTo(frame, sizeof(int));
        return frame;
    }

    /// <summary>Reads the envelope that leads a stream.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.InvalidArgument"/>.</exception>
    /// <exception cref="EndOfStreamException">There is less.</exception>
    public static async Task<PeerEnvelope> ReadFrameAsync(Stream stream, CancellationToken cancellationToken)
    {
        var length = new byte[sizeof(int)];
        await stream.ReadExactlyAsync(length, cancellationToken);
        var size = BinaryPrimitives.ReadInt32BigEndian(length);
        if (size is <= 0 or > MaximumHeader)
            throw new VniException(ErrorCodes.InvalidArgument, $"the header of a stream says to have {size} bytes; it may have 1 to {MaximumHeader}");
        var json = new byte[size];
        await stream.ReadExactlyAsync(json, cancellationToken);
        return Parse(json);
    }

    /// <summary>Parses an envelope.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.InvalidArgument"/>.</exception>
    public static PeerEnvelope Parse(ReadOnlySpan<byte> json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, PeerJson.Default.PeerEnvelope) ?? throw new JsonException("it is null");
        }
        catch (JsonException e)
        {
            throw new VniException(ErrorCodes.InvalidArgument, $"a message of another node is no envelope: {e.Message.Split(" LineNumber:")[0].TrimEnd('.')}", e);
        }
    }

    /// <summary>Reads to the end, but no more than <paramref name="limit"/> bytes.</summary>
    /// <exception cref="InvalidDataException">There is more.</exception>
    public static async Task<ReadOnlyMemory<byte>> ReadToEndAsync(Stream stream, int limit, CancellationToken cancellationToken)
    {
        var buffer = new byte[8192];
        var count = 0;
        while (await stream.ReadAsync(buffer.AsMemory(count), cancellationToken) is var read and > 0)
        {
            count += read;
            if (count > limit) throw new InvalidDataException($"more than {limit} bytes");
            if (count == buffer.Length) Array.Resize(ref buffer, count * 2);
        }

        return buffer.AsMemory(0, count);
    }
}
