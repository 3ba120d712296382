using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace Vni.Interposer.Transfers;

/// <summary>The build id of a program or library: a note of type NT_GNU_BUILD_ID in a PT_NOTE segment (elf(5)), which differs
/// whenever what was linked differs.</summary>
internal static class ElfBuildId
{
    private const int HeaderSize = 64, ProgramHeaderSize = 56, MaximumHeaders = 256, MaximumNotes = 64 << 10;
    private const uint PT_NOTE = 4, NT_GNU_BUILD_ID = 3;

    /// <summary>Lower-case hexadecimal; <c>null</c>: none, or no 64-bit little-endian ELF file.</summary>
    public static string? Read(SafeFileHandle file)
    {
        Span<byte> header = stackalloc byte[HeaderSize];
        if (RandomAccess.Read(file, header, 0) < HeaderSize || !header.StartsWith("\x7f"u8) || !header[1..].StartsWith("ELF\x02\x01"u8)) return null;
        var (offset, size, count) = (
            BinaryPrimitives.ReadInt64LittleEndian(header[32..]), BinaryPrimitives.ReadUInt16LittleEndian(header[54..]), BinaryPrimitives.ReadUInt16LittleEndian(header[56..]));
        if (size != ProgramHeaderSize || count > MaximumHeaders || offset < 0) return null;
        Span<byte> segment = stackalloc byte[ProgramHeaderSize];
        for (var i = 0; i < count; i++)
        {
            if (RandomAccess.Read(file, segment, offset + (i * ProgramHeaderSize)) < ProgramHeaderSize) return null;
            if (BinaryPrimitives.ReadUInt32LittleEndian(segment) != PT_NOTE) continue;
            var (at, length) = (BinaryPrimitives.ReadInt64LittleEndian(segment[8..]), BinaryPrimitives.ReadInt64LittleEndian(segment[32..]));
            if (at < 0 || length is < 0 or > MaximumNotes) continue;
            var notes = new byte[length];
            if (RandomAccess.Read(file, notes, at) == length && Find(notes) is { } id) return id;
        }

        return null;
    }

    /// <summary>Size of the name, size of the content, type, then both, each padded to four bytes.</summary>
    internal static string? Find(ReadOnlySpan<byte> notes)
    {
        while (notes.Length >= 12)
        {
            var (name, content, type) = (
                BinaryPrimitives.ReadUInt32LittleEndian(notes), BinaryPrimitives.ReadUInt32LittleEndian(notes[4..]), BinaryPrimitives.ReadUInt32LittleEndian(notes[8..]));
            notes = notes[12..];
            var (paddedName, paddedContent) = (Padded(name), Padded(content));
            if (paddedName + paddedContent > notes.Length) return null;
            if (type == NT_GNU_BUILD_ID && notes[..(int)name].SequenceEqual("GNU\0"u8)) return Convert.ToHexStringLower(notes.Slice((int)paddedName, (int)content));
            notes = notes[(int)(paddedName + paddedContent)..];
        }

        return null;
    }

    private static long Padded(uint size) => (size + 3L) & ~3L;
}
