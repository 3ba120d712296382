using System.Net;
using Vni.Interposer.Linux;
using Xunit;

namespace Vni.Unit.Tests.Network;

/// <summary>Requests and replies of route netlink, byte for byte.</summary>
public sealed class NetlinkMessageTests
{
    [Fact]
    public void A_request_is_header_structure_and_padded_attributes()
    {
        var bytes = new NetlinkMessage(RouteMessage.RTM_SETLINK, 0, "x").Fixed(0x01020304).Text(3, "ab").Byte(8, 1).Finish(7, NetlinkMessage.NLM_F_ACK);
        Assert.Equal("24000000" + "1300" + "0500" + "07000000" + "00000000" // length, type, flags, sequence, port
            + "04030201" + "0700" + "0300" + "61620000" + "0500" + "0800" + "01000000", Convert.ToHexStringLower(bytes));
    }

    [Fact]
    public void A_nest_counts_what_it_holds()
    {
        var bytes = new NetlinkMessage(RouteMessage.RTM_NEWLINK, 0, "x").Nest(18, info => info.Text(1, "veth").Nest(2, data => data.Number(1, 5))).Finish(1, 0);
        Assert.Equal("1c00" + "1280" + "0900" + "0100" + "7665746800000000" + "0c00" + "0280" + "0800" + "0100" + "05000000", Convert.ToHexStringLower(bytes[16..]));
    }

    [Fact]
    public void A_long_request_grows()
    {
        var value = new byte[4000];
        value.AsSpan().Fill(7);
        var message = new NetlinkMessage(RouteMessage.RTM_NEWLINK, 0, "x").Bytes(1, value).Number(2, 9);
        var attributes = new NetlinkAttributes(message.Finish(1, 0)[16..]);
        Assert.True(attributes.Find(1).SequenceEqual(value));
        Assert.Equal(9, attributes.Number(2));
    }

    [Fact]
    public void Attributes_that_are_cut_or_absurd_end_the_search()
    {
        Assert.True(new NetlinkAttributes([8, 0, 1, 0, 1, 2]).Find(1).IsEmpty);
        Assert.True(new NetlinkAttributes([0, 0, 1, 0, 8, 0, 2, 0, 1, 2, 3, 4]).Find(2).IsEmpty);
        Assert.Null(new NetlinkAttributes([6, 0, 1, 0, 1, 2]).Number(1));
        Assert.Null(new NetlinkAttributes([]).Text(1));
    }

    [Fact]
    public void An_address_comes_with_the_broadcast_address_of_its_subnet()
    {
        var bytes = Rtnetlink.NewAddress(16, IPAddress.Parse("10.217.5.9"), 20).Finish(1, 0);
        var attributes = new NetlinkAttributes(bytes[24..]);
        Assert.Equal([10, 217, 15, 255], attributes.Find(4).ToArray());
        Assert.Equal([10, 217, 5, 9], attributes.Find(2).ToArray());
    }

    [Fact]
    public void Neighbours_without_a_learned_mac_or_of_other_interfaces_are_left_out()
    {
        Assert.Equal("10.0.0.7", Neighbour(16, state: 0x04)?.Address.ToString());
        Assert.Null(Neighbour(16, state: 0x20)); // failed
        Assert.Null(Neighbour(16, state: 0x01)); // incomplete
        Assert.Null(Neighbour(16, state: 0x40)); // a group or the loopback
        Assert.Null(Neighbour(17, state: 0x04));
    }

    private static (IPAddress Address, byte[] Mac)? Neighbour(byte index, byte state) => Rtnetlink.ParseNeighbour(
        [2, 0, 0, 0, index, 0, 0, 0, state, 0, 0, 0, 8, 0, 1, 0, 10, 0, 0, 7, 10, 0, 2, 0, 2, 0, 10, 0, 0, 7, 0, 0], 16);
}
