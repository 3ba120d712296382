using System.Runtime.InteropServices;

namespace Vni.Interposer.Linux;

/// <summary>
/// One instruction of classic BPF, <c>struct sock_filter</c> of <c>linux/filter.h</c>. Loads from the frame give numbers
/// in network order; a load beyond its end ends the program with 0.
/// </summary>
/// <param name="Code">Operation.</param>
/// <param name="IfTrue">Instructions to skip if a comparison holds.</param>
/// <param name="IfFalse">Instructions to skip if it does not.</param>
/// <param name="Value">Offset, number to compare with, or result.</param>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct ClassicBpf(ushort Code, byte IfTrue, byte IfFalse, uint Value)
{
    /// <summary>Accumulator = four bytes at an offset.</summary>
    public static ClassicBpf LoadWord(uint offset) => new(0x20, 0, 0, offset);

    /// <summary>Accumulator = two bytes at an offset.</summary>
    public static ClassicBpf LoadHalf(uint offset) => new(0x28, 0, 0, offset);

    /// <summary>Accumulator = one byte at an offset.</summary>
    public static ClassicBpf LoadByte(uint offset) => new(0x30, 0, 0, offset);

    /// <summary>Compares the accumulator.</summary>
    public static ClassicBpf JumpIfEqual(uint value, byte ifTrue, byte ifFalse) => new(0x15, ifTrue, ifFalse, value);

    /// <summary>Ends; the result is how many bytes of the frame are kept, 0 for none of it.</summary>
    public static ClassicBpf Return(uint bytes) => new(0x06, 0, 0, bytes);
}
