using System.Runtime.InteropServices;
using System.Text;

namespace Vni.Interposer.Linux;

/// <summary>The attributes of a reply: each is length (with these four bytes), type, value, padded to four bytes. What is
/// cut off or has an impossible length ends the list.</summary>
internal readonly ref struct NetlinkAttributes(ReadOnlySpan<byte> data)
{
    private const ushort NLA_TYPE_MASK = 0x3fff;
    private readonly ReadOnlySpan<byte> _data = data;

    /// <summary>The value of the first attribute of a type; empty if there is none.</summary>
    public ReadOnlySpan<byte> Find(int type)
    {
        var rest = _data;
        while (rest.Length >= 4)
        {
            var length = MemoryMarshal.Read<ushort>(rest);
            if (length < 4 || length > rest.Length) break;
            if ((MemoryMarshal.Read<ushort>(rest[2..]) & NLA_TYPE_MASK) == type) return rest[4..length];
            rest = rest[Math.Min((length + 3) & ~3, rest.Length)..];
        }

        return default;
    }

    /// <summary>A number of four bytes; <c>null</c> if there is none.</summary>
    public int? Number(int type) => Find(type) is { Length: >= 4 } value ? MemoryMarshal.Read<int>(value) : null;

    /// <summary>UTF-8 up to its final zero; <c>null</c> if there is none.</summary>
    public string? Text(int type) => Find(type) is { Length: > 0 } value ? Encoding.UTF8.GetString(value.TrimEnd((byte)0)) : null;
}
