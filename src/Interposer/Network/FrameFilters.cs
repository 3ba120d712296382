using System.Buffers.Binary;
using System.Net;
using System.Runtime.InteropServices;
using Vni.Interposer.Linux;
using static Vni.Interposer.Linux.BpfRegister;
using static Vni.Interposer.Linux.BpfSize;

namespace Vni.Interposer.Network;

/// <summary>The programs that decide on frames. Addresses are constants in the code: there are no maps.</summary>
internal static class FrameFilters
{
    /// <summary>What CRIU marks the packets with that it sends while it restores (<c>SOCCR_MARK</c>).</summary>
    public const int CriuMark = 0xC114;

    /// <summary>Results, from <c>linux/pkt_cls.h</c>: pass and drop; either ends the search for filters.</summary>
    private const int TC_ACT_OK = 0, TC_ACT_SHOT = 2;

    /// <summary>Offsets in <c>struct __sk_buff</c>.</summary>
    private const short SkbLength = 0, SkbMark = 8, SkbVlanPresent = 20;

    /// <summary>Helper <c>bpf_skb_load_bytes</c>, and where it puts the frame: the end of the stack minus 42, which aligns
    /// the Ethernet header's successor to four bytes, as the verifier demands of the stack.</summary>
    private const int LoadBytes = 26, Frame = -42;

    /// <summary>Ethernet header, then an IPv4 header without options.</summary>
    private const int Ipv4Length = 34, ArpLength = 42;

    private const int EtherTypeOffset = 12, EtherTypeIpv4 = 0x0800, EtherTypeArp = 0x0806;

    /// <summary>
    /// Passes what the instance may send [D8]: frames from its MAC that are IPv4 from its address, or ARP whose sender is
    /// its MAC and address. All else is dropped: other addresses, IPv6, VLAN tags, frames shorter than their headers.
    /// </summary>
    public static ulong[] Own(PortAddress address)
    {
        // The kernel compares in the byte order of the machine; reading the constants in it too makes both agree.
        var ip = address.Ip.GetAddressBytes();
        ReadOnlySpan<byte> arpOfIpv4 = [0x00, 0x01, 0x08, 0x00, 6, 4];
        var program = new BpfAssembler()
            .Copy(R6, R1)
            .Load(Word, R2, R6, SkbVlanPresent).IfNotEqual(R2, 0, "drop") // The kernel has taken the tag off the frame.
            .Load(Word, R7, R6, SkbLength)
            .Set(R2, 0).Copy(R3, R10).Add(R3, Frame).Set(R4, Ipv4Length).Call(LoadBytes)
            .IfNotEqual(R0, 0, "drop");
        Expect(program, 6, address.Mac);
        program.Load(HalfWord, R2, R10, Frame + EtherTypeOffset)
            .IfEqual(R2, Wire(EtherTypeArp), "arp")
            .IfNotEqual(R2, Wire(EtherTypeIpv4), "drop");
        Expect(program, 26, ip);
        program.Return(TC_ACT_OK)
            .Label("arp").IfLess(R7, ArpLength, "drop");
        Expect(program, 14, arpOfIpv4);
        Expect(program, 22, address.Mac);
        Expect(program, 28, ip);
        return program.Return(TC_ACT_OK).Label("drop").Return(TC_ACT_SHOT).Assemble();
    }

    /// <summary>Passes nothing.</summary>
    public static ulong[] Closed() => new BpfAssembler().Return(TC_ACT_SHOT).Assemble();

    /// <summary>Passes what CRIU sends.</summary>
    public static ulong[] CriuOnly() => new BpfAssembler()
        .Load(Word, R2, R1, SkbMark).IfNotEqual(R2, CriuMark, "drop")
        .Return(TC_ACT_OK)
        .Label("drop").Return(TC_ACT_SHOT)
        .Assemble();

    /// <summary>
    /// What a parked port holds: frames for the instance's MAC, and ARP for its address. It may be parked for days, and
    /// the broadcasts of the segment would fill its queue.
    /// </summary>
    public static ClassicBpf[] Held(PortAddress address)
    {
        const uint wholeFrame = 0x40000;
        return
        [
            ClassicBpf.LoadWord(0),
            ClassicBpf.JumpIfEqual(BinaryPrimitives.ReadUInt32BigEndian(address.Mac), 0, 2),
            ClassicBpf.LoadHalf(4),
            ClassicBpf.JumpIfEqual(BinaryPrimitives.ReadUInt16BigEndian(address.Mac.AsSpan(4)), 4, 0),
            ClassicBpf.LoadHalf(EtherTypeOffset),
            ClassicBpf.JumpIfEqual(EtherTypeArp, 0, 3),
            ClassicBpf.LoadWord(38), // Target address of ARP for IPv4.
            ClassicBpf.JumpIfEqual(PortAddress.Number(address.Ip), 0, 1),
            ClassicBpf.Return(wholeFrame),
            ClassicBpf.Return(0),
        ];
    }

    /// <summary>Drops the frame unless it has these bytes, an even number, at an offset; loads are as wide as alignment allows.</summary>
    private static void Expect(BpfAssembler program, int offset, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            var wide = bytes.Length >= 4 && (Frame + offset) % 4 == 0;
            program.Load(wide ? Word : HalfWord, R2, R10, (short)(Frame + offset))
                .IfNotEqual(R2, wide ? MemoryMarshal.Read<int>(bytes) : MemoryMarshal.Read<ushort>(bytes), "drop");
            offset += wide ? 4 : 2;
            bytes = bytes[(wide ? 4 : 2)..];
        }
    }

    /// <summary>How a number of two bytes in network order reads on this machine.</summary>
    private static int Wire(ushort value) => (ushort)IPAddress.HostToNetworkOrder((short)value);
}
