using System.Net;
using Vni.Actors.Identity;
using Vni.Interposer.Linux;
using Vni.Interposer.Network;
using Xunit;
using static Vni.Interposer.Linux.BpfRegister;

namespace Vni.Unit.Tests.Network;

/// <summary>Programs for the kernel, and the classic filter run on frames.</summary>
public sealed class BpfTests
{
    private static readonly VirtualIdentity Identity = new("10.217.0.5", 24, "02:00:0a:d9:00:05", "web");
    private static readonly PortAddress Own = new(Identity), Both = new(Identity with { Ip6 = "fd00:217::5", PrefixLength6 = 64 });

    [Fact]
    public void Instructions_are_encoded_as_the_kernel_reads_them()
    {
        // Operation, registers (source in the high half), offset, immediate.
        ulong[] expected =
        [
            0x00000000_0008_12_61, // r2 = *(u32 *)(r1 + 8)
            0x0000c114_0002_02_56, // if w2 != 0xc114 goto +2
            0x00000000_0000_00_b7, // r0 = 0
            0x00000000_0000_00_95, // exit
            0x00000002_0000_00_b7, // r0 = 2
            0x00000000_0000_00_95, // exit
        ];
        Assert.Equal(expected, FrameFilters.CriuOnly());
    }

    [Fact]
    public void Negative_offsets_and_byte_order_conversions_are_encoded()
    {
        var code = new BpfAssembler().Copy(R3, R10).Add(R3, -42).Load(BpfSize.HalfWord, R2, R10, -30).FromNetwork(R2).Assemble();
        ulong[] expected = [0x00000000_0000_a3_bf, 0xffffffd6_0000_03_07, 0x00000000_ffe2_a2_69, 0x00000020_0000_02_dc];
        Assert.Equal(expected, code);
    }

    [Fact]
    public void A_jump_to_a_label_that_is_missing_is_a_mistake() =>
        Assert.Throws<KeyNotFoundException>(() => new BpfAssembler().Jump("nowhere").Assemble());

    [Fact]
    public void A_parked_port_holds_frames_for_its_mac_and_arp_for_its_address()
    {
        Assert.True(Holds("02000ad90005" + "020000000002" + "0800"));
        Assert.True(Holds("02000ad90005" + "020000000002" + "0806"));
        Assert.True(Holds("ffffffffffff" + "020000000002" + "0806" + "0001080006040001" + "020000000002" + "0ad90009" + "000000000000" + "0ad90005"));
        Assert.False(Holds("ffffffffffff" + "020000000002" + "0806" + "0001080006040001" + "020000000002" + "0ad90009" + "000000000000" + "0ad90006"));
        Assert.False(Holds("ffffffffffff" + "020000000002" + "0800" + new string('0', 48) + "0ad90005"));
        Assert.False(Holds("02000ad90006" + "020000000002" + "0800"));
        Assert.False(Holds("12000ad90005" + "020000000002" + "0800"));
    }

    [Fact]
    public void A_parked_port_holds_solicitations_for_its_ipv6_address_and_no_other_messages_to_groups()
    {
        const string type = "86dd", group = "ff0200000000000000000001ff000005", sender = "fd000217000000000000000000000009";
        string Solicitation(string target, string header = "3a", string message = "87") =>
            "3333ff000005" + "020000000002" + type + "60000000" + "0020" + header + "ff" + sender + group + message + "00" + "0000" + "00000000" + target + "0101020000000002";

        Assert.True(Holds(Solicitation("fd000217000000000000000000000005"), Both));
        Assert.True(Holds("02000ad90005" + "020000000002" + type, Both));
        Assert.True(Holds("ffffffffffff" + "020000000002" + "0806" + "0001080006040001" + "020000000002" + "0ad90009" + "000000000000" + "0ad90005", Both));
        foreach (var (target, header, message) in new[]
        {
            ("fd000217000000000000000000000006", "3a", "87"), ("fd000217000000000000000100000005", "3a", "87"), ("fd000217000000000000000000000005", "11", "87"), ("fd000217000000000000000000000005", "3a", "88"),
        })
        {
            Assert.False(Holds(Solicitation(target, header, message), Both));
        }

        Assert.False(Holds(Solicitation("fd000217000000000000000000000005"), Own));
        Assert.False(Holds("ffffffffffff" + "020000000002" + "0806" + "0001080006040001" + "020000000002" + "0ad90009" + "000000000000" + "0ad90006", Both));
    }

    [Fact]
    public void Guard_programs_bake_in_the_address()
    {
        Assert.Contains(BindGuard.Ipv4(IPAddress.Parse("10.217.0.5")), i => i >> 32 == 0x0ad90005);
        Assert.Contains(BindGuard.Ipv6(IPAddress.Parse("10.217.0.5"), null), i => i >> 32 == 0x0ad90005);
        Assert.Contains(BindGuard.Ipv6(IPAddress.Parse("10.217.0.5"), IPAddress.Parse("fd00:217::5")), i => i >> 32 == 0x170200fd); // In the order in which it lies in memory.
    }

    /// <summary>Runs the classic filter, as the kernel would.</summary>
    private static bool Holds(string hex, PortAddress? own = null)
    {
        var frame = Convert.FromHexString(hex);
        var program = FrameFilters.Held(own ?? Own);
        uint accumulator = 0;
        for (var i = 0; ; i++)
        {
            var (code, ifTrue, ifFalse, value) = program[i];
            switch (code)
            {
                case 0x20 when value + 4 > frame.Length:
                case 0x28 when value + 2 > frame.Length:
                case 0x30 when value + 1 > frame.Length:
                    return false;
                case 0x20:
                    accumulator = (uint)((frame[value] << 24) | (frame[value + 1] << 16) | (frame[value + 2] << 8) | frame[value + 3]);
                    break;
                case 0x28:
                    accumulator = (uint)((frame[value] << 8) | frame[value + 1]);
                    break;
                case 0x30:
                    accumulator = frame[value];
                    break;
                case 0x15:
                    i += accumulator == value ? ifTrue : ifFalse;
                    break;
                case 0x06:
                    return value > 0;
                default:
                    throw new InvalidOperationException($"operation {code} at {i}");
            }
        }
    }
}
