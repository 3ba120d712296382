using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Vni.Interposer.Linux;

/// <summary>Where a filter of <c>clsact</c> stands: minor numbers of <c>TC_H_MIN_INGRESS</c> and <c>TC_H_MIN_EGRESS</c>.</summary>
internal enum FilterHook : uint
{
    /// <summary>Frames that the interface receives.</summary>
    Ingress = 0xFFFF_FFF2,

    /// <summary>Frames that it sends.</summary>
    Egress = 0xFFFF_FFF3,
}

/// <summary>Traffic control (tc-bpf(8)): eBPF programs that decide on each frame.</summary>
internal static partial class Rtnetlink
{
    private const int TCA_KIND = 1, TCA_OPTIONS = 2, TCA_BPF_FD = 6, TCA_BPF_NAME = 7, TCA_BPF_FLAGS = 8, TCA_BPF_FLAG_ACT_DIRECT = 1;
    private const uint ClsactHandle = 0xFFFF_0000, TC_H_CLSACT = 0xFFFF_FFF1;
    private const ushort ETH_P_ALL = 3;

    /// <summary>Prepares an interface for filters; its being prepared is no error.</summary>
    public static NetlinkMessage NewClsact(int index, string name) =>
        new NetlinkMessage(RouteMessage.RTM_NEWQDISC, Create, name)
            .Fixed(new TrafficHeader { Index = index, Handle = ClsactHandle, Parent = TC_H_CLSACT })
            .Text(TCA_KIND, "clsact").Tolerate(Libc.EEXIST);

    /// <summary>Removes all filters of an interface; there being none is no error.</summary>
    public static NetlinkMessage DeleteClsact(int index, string name) =>
        new NetlinkMessage(RouteMessage.RTM_DELQDISC, 0, name)
            .Fixed(new TrafficHeader { Index = index, Handle = ClsactHandle, Parent = TC_H_CLSACT })
            .Text(TCA_KIND, "clsact").Tolerate(Libc.ENOENT, Libc.EINVAL);

    /// <summary>Attaches a program whose result is what becomes of the frame; replaces what is there at that priority.</summary>
    /// <param name="index">The interface.</param>
    /// <param name="name">Its name.</param>
    /// <param name="hook">Direction.</param>
    /// <param name="priority">The lowest is asked first; a result of <c>TC_ACT_UNSPEC</c> passes the question on.</param>
    /// <param name="program">Of type <c>BPF_PROG_TYPE_SCHED_CLS</c>.</param>
    /// <param name="label">Name shown by tc.</param>
    public static NetlinkMessage SetFilter(int index, string name, FilterHook hook, ushort priority, SafeFileHandle program, string label) =>
        new NetlinkMessage(RouteMessage.RTM_NEWTFILTER, Replace, name).Fixed(FilterHeader(index, hook, priority))
            .Text(TCA_KIND, "bpf")
            .Nest(TCA_OPTIONS, bpf => bpf.Number(TCA_BPF_FD, (int)program.DangerousGetHandle()).Text(TCA_BPF_NAME, label)
                .Number(TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT));

    /// <summary>Removes the filters of one priority; there being none is no error.</summary>
    public static NetlinkMessage DeleteFilter(int index, string name, FilterHook hook, ushort priority) =>
        new NetlinkMessage(RouteMessage.RTM_DELTFILTER, 0, name).Fixed(FilterHeader(index, hook, priority))
            .Text(TCA_KIND, "bpf").Tolerate(Libc.ENOENT, Libc.EINVAL);

    /// <summary>Handle 1, so that a second program takes the first one's place.</summary>
    private static TrafficHeader FilterHeader(int index, FilterHook hook, ushort priority) => new()
    {
        Index = index,
        Handle = 1,
        Parent = (uint)hook,
        Info = ((uint)priority << 16) | (BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(ETH_P_ALL) : ETH_P_ALL),
    };
}
