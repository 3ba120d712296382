using System.Runtime.InteropServices;
using System.Text;

namespace Vni.Interposer.Linux;

/// <summary>
/// One request: header (netlink(7)), the fixed structure of its kind, attributes (rtnetlink(7)) padded to four bytes.
/// Numbers are in the byte order of the machine unless a method says otherwise.
/// </summary>
internal sealed class NetlinkMessage
{
    /// <summary>Bytes of <c>struct nlmsghdr</c>: length, type, flags, sequence number, port.</summary>
    public const int HeaderSize = 16;

    /// <summary>Flags of <c>linux/netlink.h</c>.</summary>
    public const ushort NLM_F_REQUEST = 0x1, NLM_F_ACK = 0x4, NLM_F_DUMP = 0x300, NLM_F_REPLACE = 0x100, NLM_F_EXCL = 0x200, NLM_F_CREATE = 0x400;

    private const ushort NLA_F_NESTED = 0x8000;
    private readonly List<int> _tolerated = [];
    private byte[] _data = new byte[128];

    /// <summary>One of route netlink.</summary>
    /// <param name="type">What is asked.</param>
    /// <param name="flags">Beyond <see cref="NLM_F_REQUEST"/>.</param>
    /// <param name="subject">What errors say it was applied to.</param>
    public NetlinkMessage(RouteMessage type, ushort flags, string subject) : this((ushort)type, type.ToString(), flags, subject)
    {
    }

    /// <param name="type">Number of what is asked.</param>
    /// <param name="name">The kernel's name for it.</param>
    /// <param name="flags">Beyond <see cref="NLM_F_REQUEST"/>.</param>
    /// <param name="subject">What errors say it was applied to.</param>
    public NetlinkMessage(ushort type, string name, ushort flags, string subject)
    {
        Name = name;
        Subject = subject;
        Length = HeaderSize;
        Set(4, type);
        Set(6, (ushort)(flags | NLM_F_REQUEST));
    }

    /// <summary>What is asked.</summary>
    public string Name { get; }

    /// <summary>What it is applied to.</summary>
    public string Subject { get; }

    /// <summary>Bytes so far; a multiple of four.</summary>
    public int Length { get; private set; }

    /// <summary>Payload of the kernel's reply to a request that reads one object; <c>null</c>: none, or an error that is
    /// tolerated.</summary>
    public byte[]? Answer { get; set; }

    /// <summary>An error that says no more than that things are already as they should be.</summary>
    public NetlinkMessage Tolerate(params ReadOnlySpan<int> errnos)
    {
        foreach (var errno in errnos) _tolerated.Add(errno);
        return this;
    }

    /// <summary>Whether <see cref="Tolerate"/> named it.</summary>
    public bool Tolerates(int errno) => _tolerated.Contains(errno);

    /// <summary>Appends the fixed structure.</summary>
    public NetlinkMessage Fixed<T>(in T value) where T : unmanaged
    {
        MemoryMarshal.Write(Grow(Marshal.SizeOf<T>()), in value);
        return this;
    }

    /// <summary>Appends an attribute of any bytes.</summary>
    public NetlinkMessage Bytes(int type, ReadOnlySpan<byte> value)
    {
        var start = Length;
        var target = Grow(4 + value.Length);
        value.CopyTo(target[4..]);
        Set(start, (ushort)(4 + value.Length));
        Set(start + 2, (ushort)type);
        return this;
    }

    /// <summary>Appends an attribute of one byte.</summary>
    public NetlinkMessage Byte(int type, byte value) => Bytes(type, [value]);

    /// <summary>Appends an attribute of four bytes.</summary>
    public NetlinkMessage Number(int type, int value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        MemoryMarshal.Write(bytes, in value);
        return Bytes(type, bytes);
    }

    /// <summary>Appends an attribute of UTF-8 with a final zero.</summary>
    public NetlinkMessage Text(int type, string value) => Bytes(type, Encoding.UTF8.GetBytes(value + '\0'));

    /// <summary>Appends an attribute that holds what <paramref name="content"/> appends.</summary>
    public NetlinkMessage Nest(int type, Action<NetlinkMessage> content)
    {
        var start = Length;
        Grow(4);
        content(this);
        Set(start, (ushort)(Length - start));
        Set(start + 2, (ushort)(type | NLA_F_NESTED));
        return this;
    }

    /// <summary>The finished bytes.</summary>
    /// <param name="sequence">By which the replies are recognised.</param>
    /// <param name="extraFlags">Added to the flags.</param>
    public ReadOnlySpan<byte> Finish(int sequence, ushort extraFlags)
    {
        MemoryMarshal.Write(_data.AsSpan(0), Length);
        Set(6, (ushort)(MemoryMarshal.Read<ushort>(_data.AsSpan(6)) | extraFlags));
        MemoryMarshal.Write(_data.AsSpan(8), in sequence);
        return _data.AsSpan(0, Length);
    }

    private Span<byte> Grow(int size)
    {
        var start = Length;
        Length += (size + 3) & ~3;
        if (Length > _data.Length) Array.Resize(ref _data, Math.Max(Length, _data.Length * 2));
        return _data.AsSpan(start, size);
    }

    private void Set(int offset, ushort value) => MemoryMarshal.Write(_data.AsSpan(offset), in value);
}
