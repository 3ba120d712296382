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

    /// <summary>Helper <c>bpf_skb_load_bytes</c>, and where it puts the frame: the end of the stack minus 86, which aligns
    /// the Ethernet header's successor to four bytes, as the verifier demands of the stack.</summary>
    private const int LoadBytes = 26, Frame = -86;

    /// <summary>Ethernet header, then an IPv4 header without options; or an IPv6 header; then one of fragments.</summary>
    private const int Ipv4Length = 34, ArpLength = 42, Ipv6Length = 54, FragmentLength = 62;

    /// <summary>A neighbour solicitation or advertisement without options, and with the one that holds a link-layer address.</summary>
    private const int NeighbourLength = 78, NeighbourWithMacLength = 86;

    private const int EtherTypeOffset = 12, EtherTypeIpv4 = 0x0800, EtherTypeArp = 0x0806, EtherTypeIpv6 = 0x86dd;
    private const int NextHeaderOffset = 20, Source6Offset = 22, MessageOffset = 54, TargetOffset = 62, OptionOffset = 78;

    /// <summary>Protocols, as IANA numbers them; only these are passed over IPv6.</summary>
    private const int Tcp = 6, Udp = 17, Fragment = 44, Icmp6 = 58, Sctp = 132, UdpLite = 136;

    /// <summary>Types of ICMPv6 messages. Those of errors are 1 to 4.</summary>
    private const int FirstInformation = 5, EchoRequest = 128, EchoReply = 129, Solicitation = 135, Advertisement = 136;

    /// <summary>
    /// Passes what the instance may send [D8]: frames from its MAC that are IPv4 from its address, ARP whose sender is
    /// its MAC and address, or IPv6 as <see cref="Ipv6"/> says. All else is dropped: other addresses, VLAN tags, frames
    /// shorter than their headers, IPv6 where it has no such address.
    /// </summary>
    public static ulong[] Own(PortAddress address)
    {
        // The kernel compares in the byte order of the machine; reading the constants in it too makes both agree.
        var ip = address.Ip.GetAddressBytes();
        ReadOnlySpan<byte> arpOfIpv4 = [0x00, 0x01, 0x08, 0x00, 6, 4];
        var program = new BpfAssembler()
            .Copy(R6, R1)
            .Load(Word, R2, R6, SkbVlanPresent).IfNotEqual(R2, 0, "drop") // The kernel has taken the tag off the frame.
            .Load(Word, R7, R6, SkbLength);
        Fetch(program, Ipv4Length);
        Expect(program, 6, address.Mac);
        program.Load(HalfWord, R2, R10, Frame + EtherTypeOffset).IfEqual(R2, Wire(EtherTypeArp), "arp");
        if (address.Ip6 is not null) program.IfEqual(R2, Wire(EtherTypeIpv6), "ipv6");
        program.IfNotEqual(R2, Wire(EtherTypeIpv4), "drop");
        Expect(program, 26, ip);
        program.Return(TC_ACT_OK)
            .Label("arp").IfLess(R7, ArpLength, "drop");
        Expect(program, 14, arpOfIpv4);
        Expect(program, 22, address.Mac);
        Expect(program, 28, ip);
        program.Return(TC_ACT_OK);
        if (address.Ip6 is { } ip6) Ipv6(program, ip6.GetAddressBytes(), address.Mac);
        return program.Label("drop").Return(TC_ACT_SHOT).Assemble();
    }

    /// <summary>
    /// Passes IPv6 from the own address: TCP, UDP, UDP-Lite and SCTP, their fragments, and of ICMPv6 errors, echo, solicitations,
    /// and advertisements of the own address, the latter two with no other option than the own MAC. So an instance is no router
    /// and answers for nobody else. Other extension headers are dropped: they could hide any of this, and need privileges
    /// that instances do not have; so are fragments of ICMPv6.
    /// </summary>
    private static void Ipv6(BpfAssembler program, byte[] ip, byte[] mac)
    {
        Fetch(program.Label("ipv6"), Ipv6Length);
        Expect(program, Source6Offset, ip);
        program.Load(BpfSize.Byte, R2, R10, Frame + NextHeaderOffset).IfEqual(R2, Icmp6, "icmp");
        PassTransports(program).IfNotEqual(R2, Fragment, "drop");
        Fetch(program, FragmentLength);
        PassTransports(program.Load(BpfSize.Byte, R2, R10, Frame + MessageOffset)).Jump("drop");

        Fetch(program.Label("icmp"), Ipv6Length + 4);
        program.Load(BpfSize.Byte, R2, R10, Frame + MessageOffset)
            .IfEqual(R2, 0, "drop").IfLess(R2, FirstInformation, "pass")
            .IfEqual(R2, EchoRequest, "pass").IfEqual(R2, EchoReply, "pass")
            .IfEqual(R2, Solicitation, "solicitation").IfNotEqual(R2, Advertisement, "drop");
        Fetch(program, NeighbourLength);
        Expect(program, TargetOffset, ip);
        PassOption(program, [2, 1, .. mac]);
        PassOption(program.Label("solicitation"), [1, 1, .. mac]);
        program.Label("pass").Return(TC_ACT_OK);
    }

    private static BpfAssembler PassTransports(BpfAssembler program) =>
        program.IfEqual(R2, Tcp, "pass").IfEqual(R2, Udp, "pass").IfEqual(R2, UdpLite, "pass").IfEqual(R2, Sctp, "pass");

    private static void PassOption(BpfAssembler program, byte[] option)
    {
        program.IfEqual(R7, NeighbourLength, "pass").IfNotEqual(R7, NeighbourWithMacLength, "drop");
        Fetch(program, NeighbourWithMacLength);
        Expect(program, OptionOffset, option);
        program.Jump("pass");
    }

    /// <summary>Brings the frame's beginning to the stack; drops it if it is shorter.</summary>
    private static void Fetch(BpfAssembler program, int length) => program
        .Copy(R1, R6).Set(R2, 0).Copy(R3, R10).Add(R3, Frame).Set(R4, length).Call(LoadBytes)
        .IfNotEqual(R0, 0, "drop");

    /// <summary>Passes nothing.</summary>
    public static ulong[] Closed() => new BpfAssembler().Return(TC_ACT_SHOT).Assemble();

    /// <summary>Passes what CRIU sends.</summary>
    public static ulong[] CriuOnly() => new BpfAssembler()
        .Load(Word, R2, R1, SkbMark).IfNotEqual(R2, CriuMark, "drop")
        .Return(TC_ACT_OK)
        .Label("drop").Return(TC_ACT_SHOT)
        .Assemble();

    /// <summary>
    /// What a parked port holds: frames for the instance's MAC, ARP for its address, and solicitations for its IPv6 address.
    /// It may be parked for days, and the broadcasts of the segment would fill its queue.
    /// </summary>
    public static ClassicBpf[] Held(PortAddress address)
    {
        const uint wholeFrame = 0x40000;
        (ClassicBpf Load, uint Value)[] solicitation = address.Ip6 is not { } ip6 ? [] :
        [
            (ClassicBpf.LoadHalf(EtherTypeOffset), EtherTypeIpv6),
            (ClassicBpf.LoadByte(NextHeaderOffset), Icmp6),
            (ClassicBpf.LoadByte(MessageOffset), Solicitation),
            .. Enumerable.Range(0, 4).Select(i => (ClassicBpf.LoadWord((uint)(TargetOffset + 4 * i)), BinaryPrimitives.ReadUInt32BigEndian(ip6.GetAddressBytes().AsSpan(4 * i)))),
        ];
        const int otherTypes = 8;
        var keep = otherTypes + 2 * solicitation.Length;
        var drop = keep + 1;
        List<ClassicBpf> code =
        [
            ClassicBpf.LoadWord(0),
            ClassicBpf.JumpIfEqual(BinaryPrimitives.ReadUInt32BigEndian(address.Mac), 0, 2),
            ClassicBpf.LoadHalf(4),
            ClassicBpf.JumpIfEqual(BinaryPrimitives.ReadUInt16BigEndian(address.Mac.AsSpan(4)), Skip(3, keep), 0),
            ClassicBpf.LoadHalf(EtherTypeOffset),
            ClassicBpf.JumpIfEqual(EtherTypeArp, 0, Skip(5, solicitation.Length > 0 ? otherTypes : drop)),
            ClassicBpf.LoadWord(38), // Target address of ARP for IPv4.
            ClassicBpf.JumpIfEqual(PortAddress.Number(address.Ip), Skip(7, keep), Skip(7, drop)),
        ];
        foreach (var (load, value) in solicitation)
        {
            code.Add(load);
            code.Add(ClassicBpf.JumpIfEqual(value, 0, Skip(code.Count, drop)));
        }

        return [.. code, ClassicBpf.Return(wholeFrame), ClassicBpf.Return(0)];

        static byte Skip(int from, int to) => (byte)(to - from - 1);
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
