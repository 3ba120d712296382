using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Vni.Interposer.Linux;

/// <summary>Kinds of program, <c>enum bpf_prog_type</c>.</summary>
internal enum BpfProgramType
{
    /// <summary>Traffic control; its argument is <c>struct __sk_buff</c>.</summary>
    SchedCls = 3,

    /// <summary>Addresses given to bind and connect; its argument is <c>struct bpf_sock_addr</c>.</summary>
    CgroupSockAddr = 18,
}

/// <summary>Places of a cgroup program, <c>enum bpf_attach_type</c>.</summary>
internal enum BpfAttachType
{
    /// <summary>Nothing to attach to, or not by bpf(2).</summary>
    None = 0,

    /// <summary>bind(2) of an IPv4 socket.</summary>
    CgroupInet4Bind = 8,

    /// <summary>bind(2) of an IPv6 socket.</summary>
    CgroupInet6Bind = 9,
}

/// <summary>bpf(2). Programs live as long as a descriptor or something they are attached to.</summary>
internal static partial class Bpf
{
    private const int BPF_PROG_LOAD = 5, BPF_PROG_ATTACH = 8;
    private const int LogSize = 65536;

    /// <summary>__NR_bpf.</summary>
    private static readonly nint Number = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 280 : 321;

    /// <summary>Has the kernel check and compile a program.</summary>
    /// <param name="type">Its kind.</param>
    /// <param name="place">Where it will be attached, for kinds that depend on it.</param>
    /// <param name="code">Instructions.</param>
    /// <param name="name">At most 15 letters, digits and underscores; shown by bpftool.</param>
    /// <exception cref="LinuxException"><c>EPERM</c>: CAP_BPF and CAP_NET_ADMIN are missing. <c>EINVAL</c> or
    /// <c>EACCES</c>: the verifier refuses it; the message ends with the last lines of its log.</exception>
    public static unsafe SafeFileHandle Load(BpfProgramType type, BpfAttachType place, ReadOnlySpan<ulong> code, string name)
    {
        var attribute = new LoadAttribute { Type = (uint)type, InstructionCount = (uint)code.Length, ExpectedAttachType = (uint)place };
        Encoding.ASCII.GetBytes(name, new Span<byte>(attribute.Name, 15));
        fixed (ulong* instructions = code)
        fixed (byte* license = "Apache-2.0\0"u8)
        {
            attribute.Instructions = (ulong)instructions;
            attribute.License = (ulong)license;
            int descriptor, errno = 0, attempts = 0;
            do
            {
                // The verifier gives up when a signal is pending, and the runtime sends its threads signals.
                descriptor = Call(Number, BPF_PROG_LOAD, &attribute, (uint)sizeof(LoadAttribute));
                if (descriptor >= 0) return new SafeFileHandle(descriptor, ownsHandle: true);
                errno = Marshal.GetLastPInvokeError();
            }
            while (errno is Libc.EAGAIN or Libc.EINTR && ++attempts < Attempts);

            throw new LinuxException(errno, "bpf BPF_PROG_LOAD", name, errno == Libc.EPERM ? null : Explain(&attribute));
        }
    }

    /// <summary>
    /// Attaches a program to a cgroup for all processes in it, now and later; it stays until the cgroup is removed. It
    /// takes the place of the one that is there, and cgroups below cannot add or change any: that is what no flags mean.
    /// </summary>
    public static unsafe void Attach(SafeFileHandle program, SafeFileHandle cgroup, BpfAttachType place, string path)
    {
        var attribute = new AttachAttribute
        {
            Target = (uint)cgroup.DangerousGetHandle(),
            Program = (uint)program.DangerousGetHandle(),
            AttachType = (uint)place,
        };
        Libc.Check(Call(Number, BPF_PROG_ATTACH, &attribute, (uint)sizeof(AttachAttribute)), "bpf BPF_PROG_ATTACH", path);
    }

    /// <summary>Signals come one after the other at most as fast as they are handled.</summary>
    private const int Attempts = 100;

    /// <summary>Loads once more, with a log: keeping one costs time, so the first attempt has none.</summary>
    private static unsafe string? Explain(LoadAttribute* attribute)
    {
        var log = new byte[LogSize];
        fixed (byte* buffer = log)
        {
            attribute->LogLevel = 1;
            attribute->LogBuffer = (ulong)buffer;
            attribute->LogSize = LogSize;
            var descriptor = Call(Number, BPF_PROG_LOAD, attribute, (uint)sizeof(LoadAttribute));
            if (descriptor >= 0) new SafeFileHandle(descriptor, ownsHandle: true).Dispose();
        }

        var lines = Encoding.UTF8.GetString(log).TrimEnd('\0').Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return lines.Length == 0 ? null : string.Join(" | ", lines.TakeLast(4));
    }

    /// <summary>The part of <c>union bpf_attr</c> for BPF_PROG_LOAD, up to <c>expected_attach_type</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private unsafe struct LoadAttribute
    {
        public uint Type;
        public uint InstructionCount;
        public ulong Instructions;
        public ulong License;
        public uint LogLevel;
        public uint LogSize;
        public ulong LogBuffer;
        public uint KernelVersion;
        public uint Flags;
        public fixed byte Name[16];
        public uint InterfaceIndex;
        public uint ExpectedAttachType;
    }

    /// <summary>The part for BPF_PROG_ATTACH.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct AttachAttribute
    {
        public uint Target;
        public uint Program;
        public uint AttachType;
        public uint Flags;
    }

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static unsafe partial int Call(nint number, nint command, void* attribute, nuint size);
}
