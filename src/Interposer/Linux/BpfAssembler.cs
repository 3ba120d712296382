namespace Vni.Interposer.Linux;

/// <summary>Registers of eBPF: R0 is the result, R1 to R5 are arguments and lost in a call, R6 to R9 are kept, R10 is the
/// read-only end of the 512 bytes of stack.</summary>
internal enum BpfRegister : byte
{
    R0,
    R1,
    R2,
    R3,
    R4,
    R5,
    R6,
    R7,
    R8,
    R9,
    R10,
}

/// <summary>Bytes of a load, as <c>BPF_SIZE</c> encodes them.</summary>
internal enum BpfSize : byte
{
    /// <summary>Four bytes.</summary>
    Word = 0x00,

    /// <summary>Two bytes.</summary>
    HalfWord = 0x08,

    /// <summary>One byte.</summary>
    Byte = 0x10,
}

/// <summary>
/// Writes eBPF instructions (RFC 9669): what the few small programs of this project need. Labels are targets of forward
/// jumps; comparisons look at the lower 32 bits.
/// </summary>
internal sealed class BpfAssembler
{
    private const byte BPF_LDX = 0x01, BPF_ALU = 0x04, BPF_JMP = 0x05, BPF_JMP32 = 0x06, BPF_ALU64 = 0x07, BPF_MEM = 0x60;
    private const byte BPF_ADD = 0x00, BPF_OR = 0x40, BPF_RSH = 0x70, BPF_MOV = 0xb0, BPF_END = 0xd0, BPF_TO_BE = 0x08, BPF_X = 0x08;
    private const byte BPF_JEQ = 0x10, BPF_JNE = 0x50, BPF_JLT = 0xa0, BPF_JA = 0x00, BPF_CALL = 0x80, BPF_EXIT = 0x90;

    /// <summary>What the fields of registers hold that an instruction does not use.</summary>
    private const BpfRegister None = BpfRegister.R0;

    private readonly List<ulong> _code = [];
    private readonly Dictionary<string, int> _labels = [];
    private readonly List<(int At, string Label)> _jumps = [];

    /// <summary>target = *(source + offset), zero-extended.</summary>
    public BpfAssembler Load(BpfSize size, BpfRegister target, BpfRegister source, short offset) =>
        Emit((byte)(BPF_LDX | BPF_MEM | (byte)size), target, source, offset, 0);

    /// <summary>target = value.</summary>
    public BpfAssembler Set(BpfRegister target, int value) => Emit(BPF_ALU64 | BPF_MOV, target, None, 0, value);

    /// <summary>target = source.</summary>
    public BpfAssembler Copy(BpfRegister target, BpfRegister source) => Emit(BPF_ALU64 | BPF_MOV | BPF_X, target, source, 0, 0);

    /// <summary>target += value, also for pointers.</summary>
    public BpfAssembler Add(BpfRegister target, int value) => Emit(BPF_ALU64 | BPF_ADD, target, None, 0, value);

    /// <summary>target |= source.</summary>
    public BpfAssembler Or(BpfRegister target, BpfRegister source) => Emit(BPF_ALU64 | BPF_OR | BPF_X, target, source, 0, 0);

    /// <summary>target &gt;&gt;= bits, of 32 bits.</summary>
    public BpfAssembler ShiftRight(BpfRegister target, int bits) => Emit(BPF_ALU | BPF_RSH, target, None, 0, bits);

    /// <summary>Four bytes in network order become a number.</summary>
    public BpfAssembler FromNetwork(BpfRegister target) => Emit(BPF_ALU | BPF_END | BPF_TO_BE, target, None, 0, 32);

    /// <summary>Jumps if the register equals the value.</summary>
    public BpfAssembler IfEqual(BpfRegister register, int value, string label) => Jump(BPF_JMP32 | BPF_JEQ, register, value, label);

    /// <summary>Jumps unless the register equals the value.</summary>
    public BpfAssembler IfNotEqual(BpfRegister register, int value, string label) => Jump(BPF_JMP32 | BPF_JNE, register, value, label);

    /// <summary>Jumps if the register, without sign, is less than the value.</summary>
    public BpfAssembler IfLess(BpfRegister register, int value, string label) => Jump(BPF_JMP32 | BPF_JLT, register, value, label);

    /// <summary>Jumps.</summary>
    public BpfAssembler Jump(string label) => Jump(BPF_JMP | BPF_JA, None, 0, label);

    /// <summary>R0 = helper(R1 to R5), by its number in <c>linux/bpf.h</c>.</summary>
    public BpfAssembler Call(int helper) => Emit(BPF_JMP | BPF_CALL, None, None, 0, helper);

    /// <summary>Ends with a result.</summary>
    public BpfAssembler Return(int value) => Set(BpfRegister.R0, value).Emit(BPF_JMP | BPF_EXIT, None, None, 0, 0);

    /// <summary>Names the next instruction.</summary>
    public BpfAssembler Label(string label)
    {
        _labels.Add(label, _code.Count);
        return this;
    }

    /// <summary>The program, with its jumps resolved.</summary>
    public ulong[] Assemble()
    {
        foreach (var (at, label) in _jumps) _code[at] |= (ulong)(ushort)(_labels[label] - at - 1) << 16;
        _jumps.Clear();
        return [.. _code];
    }

    private BpfAssembler Jump(byte operation, BpfRegister register, int value, string label)
    {
        _jumps.Add((_code.Count, label));
        return Emit(operation, register, None, 0, value);
    }

    /// <summary><c>struct bpf_insn</c>: operation, registers, offset, immediate; the halves of the second byte change
    /// places with the byte order of the machine, which is little endian on all that this project runs on.</summary>
    private BpfAssembler Emit(byte operation, BpfRegister target, BpfRegister source, short offset, int immediate)
    {
        _code.Add(operation | ((ulong)target << 8) | ((ulong)source << 12) | ((ulong)(ushort)offset << 16) | ((ulong)(uint)immediate << 32));
        return this;
    }
}
