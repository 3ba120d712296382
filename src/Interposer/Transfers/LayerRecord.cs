using System.Buffers.Binary;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Transfers;

/// <summary>What a part of a section <c>layer/N</c> says: each part is one record.</summary>
internal enum LayerRecordKind : byte
{
    /// <summary>A directory; also one that is there, of which something else has changed.</summary>
    Directory = (byte)'d',

    /// <summary>A regular file begins, as empty.</summary>
    File = (byte)'f',

    /// <summary>Content of the file that has begun, at an offset; what no content comes for is a hole.</summary>
    Content = (byte)'c',

    /// <summary>The file is complete, and has this size.</summary>
    FileEnd = (byte)'e',

    /// <summary>Another name of a file that came before.</summary>
    HardLink = (byte)'h',

    /// <summary>A symbolic link.</summary>
    Link = (byte)'l',

    /// <summary>A device or FIFO.</summary>
    Node = (byte)'n',

    /// <summary>There is no entry of this name any more, nor anything below it.</summary>
    Deleted = (byte)'x',
}

/// <summary>Builds records. All numbers are little-endian; lengths stand before what they measure.</summary>
internal sealed class LayerRecordWriter
{
    private byte[] _buffer = new byte[4096];
    private int _length;

    public ReadOnlyMemory<byte> Record => _buffer.AsMemory(0, _length);

    public LayerRecordWriter Begin(LayerRecordKind kind)
    {
        _length = 0;
        Room(1)[0] = (byte)kind;
        return this;
    }

    public LayerRecordWriter Number(uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(Room(4), value);
        return this;
    }

    public LayerRecordWriter Number(long value)
    {
        BinaryPrimitives.WriteInt64LittleEndian(Room(8), value);
        return this;
    }

    public LayerRecordWriter Bytes(ReadOnlySpan<byte> bytes)
    {
        Number((uint)bytes.Length);
        bytes.CopyTo(Room(bytes.Length));
        return this;
    }

    /// <summary>A path, or any other name of the kernel's.</summary>
    public LayerRecordWriter Name(string name) => Bytes(ByteName.Bytes(name));

    /// <summary>Mode, owner, group, times, attributes.</summary>
    public LayerRecordWriter Properties(in Libc.FileStatus status, List<(byte[] Name, byte[] Value)> attributes)
    {
        Number((uint)status.Mode).Number((uint)status.Uid).Number((uint)status.Gid)
            .Number(status.AccessedSeconds).Number(status.AccessedNanoseconds).Number(status.ModifiedSeconds).Number(status.ModifiedNanoseconds)
            .Number((uint)attributes.Count);
        foreach (var (name, value) in attributes) Bytes(name).Bytes(value);
        return this;
    }

    private Span<byte> Room(int size)
    {
        if (_buffer.Length - _length < size) Array.Resize(ref _buffer, Math.Max(_buffer.Length * 2, _length + size));
        _length += size;
        return _buffer.AsSpan(_length - size, size);
    }
}

/// <summary>Reads a record; one that ends early, or goes on, is an <see cref="InvalidDataException"/>.</summary>
internal ref struct LayerRecordReader(ReadOnlySpan<byte> record)
{
    private const int MaximumPath = 4095, MaximumName = 255, MaximumAttributes = 1024;
    private ReadOnlySpan<byte> _rest = record;

    public LayerRecordKind Kind() => (LayerRecordKind)Take(1)[0];

    public uint Number() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    public long LongNumber() => BinaryPrimitives.ReadInt64LittleEndian(Take(8));

    public byte[] Bytes() => Take(Number()).ToArray();

    /// <summary>A path that stays below the root: <c>.</c>, or names with single slashes between them.</summary>
    public string Path()
    {
        var bytes = Take(Number());
        if (bytes.SequenceEqual("."u8)) return ".";
        var start = 0;
        for (var i = 0; i <= bytes.Length; i++)
        {
            if (i < bytes.Length && bytes[i] != '/') continue;
            var name = bytes[start..i];
            if (name.Length is 0 or > MaximumName || name.SequenceEqual("."u8) || name.SequenceEqual(".."u8)) throw new InvalidDataException("the layer names a path outside itself");
            start = i + 1;
        }

        return bytes.Length > MaximumPath || bytes.Contains((byte)0) ? throw new InvalidDataException("the layer names an impossible path") : ByteName.Of(bytes);
    }

    public LayerProperties Properties()
    {
        var (mode, uid, gid) = (Number(), Number(), Number());
        var (accessed, accessedNanoseconds, modified, modifiedNanoseconds) = (LongNumber(), Number(), LongNumber(), Number());
        var count = Number();
        if (mode > ushort.MaxValue || accessedNanoseconds > 999_999_999 || modifiedNanoseconds > 999_999_999 || count > MaximumAttributes) throw new InvalidDataException("an entry of the layer has impossible properties");
        var attributes = new List<(byte[] Name, byte[] Value)>();
        for (var i = 0; i < count; i++) attributes.Add((Bytes(), Bytes()));
        return new LayerProperties((int)mode, uid, gid, accessed, accessedNanoseconds, modified, modifiedNanoseconds, attributes);
    }

    /// <summary>What is left.</summary>
    public ReadOnlySpan<byte> Rest()
    {
        var rest = _rest;
        _rest = [];
        return rest;
    }

    public readonly void End()
    {
        if (!_rest.IsEmpty) throw new InvalidDataException("a record of the layer is longer than it should be");
    }

    private ReadOnlySpan<byte> Take(uint size)
    {
        if (size > (uint)_rest.Length) throw new InvalidDataException("a record of the layer ends early");
        var taken = _rest[..(int)size];
        _rest = _rest[(int)size..];
        return taken;
    }
}

/// <summary>What an entry has beside its content.</summary>
internal sealed record LayerProperties(
    int Mode, uint Uid, uint Gid, long Accessed, uint AccessedNanoseconds, long Modified, uint ModifiedNanoseconds, IReadOnlyList<(byte[] Name, byte[] Value)> Attributes)
{
    public int Type => Mode & Libc.S_IFMT;
}
