using System.Text;
using Vni.Actors.Registry;

namespace Vni.Cluster.Registry;

/// <summary>The keys from <paramref name="From"/> up to, not including, <paramref name="End"/>, as UTF-8 bytes.</summary>
internal readonly record struct KeyInterval(byte[] From, byte[] End)
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>A single key is the interval that ends at its successor: the key and a zero byte.</summary>
    /// <exception cref="ArgumentException">The key is empty or is not well-formed Unicode.</exception>
    public static KeyInterval Of(KeyRange range)
    {
        var from = Encode(range.Key);
        return new(from, range.End is { } end ? Encode(end) : [.. from, 0]);
    }

    /// <summary>The bytes of a key.</summary>
    /// <exception cref="ArgumentException">The key is empty or is not well-formed Unicode.</exception>
    public static byte[] Encode(string key)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        return Utf8.GetBytes(key);
    }

    /// <summary>The key of these bytes.</summary>
    public static string Decode(byte[] key) => Utf8.GetString(key);

    /// <summary>Whether a key lies in the interval.</summary>
    public bool Contains(ReadOnlySpan<byte> key) => key.SequenceCompareTo(From) >= 0 && key.SequenceCompareTo(End) < 0;
}
