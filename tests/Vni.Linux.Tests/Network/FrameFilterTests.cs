using Vni.Interposer.Linux;
using Vni.Interposer.Network;
using Xunit;

namespace Vni.Linux.Tests.Network;

/// <summary>What the instance can get onto the bridge, whatever it sends [D8].</summary>
public sealed class FrameFilterTests
{
    private static readonly byte[] Own = new PortAddress(TestNode.Identity).Mac;
    private static readonly byte[] Other = [0x02, 0x00, 0x0a, 0xd9, 0x00, 0x06];
    private static readonly byte[] OwnIp = [10, 217, 0, 5], OtherIp = [10, 217, 0, 6];

    [Fact]
    public void Only_frames_from_the_own_mac_and_address_leave_the_instance()
    {
        Dictionary<string, byte[]> refused = new()
        {
            ["another MAC"] = Ipv4(Other, OwnIp),
            ["another address"] = Ipv4(Own, OtherIp),
            ["ARP from another MAC"] = Arp(Own, Other, OwnIp),
            ["ARP for another address"] = Arp(Own, Own, OtherIp),
            ["ARP in a frame from another MAC"] = Arp(Other, Own, OwnIp),
            ["ARP that is cut"] = Arp(Own, Own, OwnIp)[..41],
            ["ARP of other lengths"] = Changed(Arp(Own, Own, OwnIp), 18, 7),
            ["IPv6"] = Changed(Ipv4(Own, OwnIp), 12, 0x86, 0xdd),
            ["a VLAN"] = [.. Ipv4(Own, OwnIp)[..12], 0x81, 0x00, 0x00, 0x05, .. Ipv4(Own, OwnIp)[12..]],
            ["an unknown protocol"] = Changed(Ipv4(Own, OwnIp), 12, 0x88, 0xb5),
            ["a frame without a whole header"] = Ipv4(Own, OwnIp)[..33],
        };
        Dictionary<string, byte[]> passed = new()
        {
            ["ARP of its own"] = Arp(Own, Own, OwnIp),
            ["IPv4 of its own"] = Ipv4(Own, OwnIp),
        };

        using var node = new TestNode();
        using var instance = node.Connect();
        node.Run(n => n.Plug(TestNode.Aid, TestNode.Identity));

        List<KeyValuePair<string, byte[]>> frames = [.. refused, .. passed];
        using var ears = node.Client.Listen();
        using var packets = instance.Run(() => new LinkPacket());
        for (var i = 0; i < frames.Count; i++) Send(packets, frames, i);

        Assert.Equal(passed.Keys, Arrivals(ears, frames));
    }

    [Fact]
    public void Nothing_leaves_the_instance_before_it_is_plugged_and_while_it_is_parked()
    {
        using var node = new TestNode();
        using var instance = node.Connect();
        using var ears = node.Client.Listen();
        using var packets = instance.Run(() => new LinkPacket());
        List<KeyValuePair<string, byte[]>> frames = [new("unplugged", Ipv4(Own, OwnIp)), new("parked", Ipv4(Own, OwnIp)), new("plugged", Ipv4(Own, OwnIp))];

        Send(packets, frames, 0);
        node.Run(n => n.Plug(TestNode.Aid, TestNode.Identity));
        node.Run(n => n.Park(TestNode.Aid, TestNode.Identity));
        Send(packets, frames, 1);
        node.Run(n => n.Plug(TestNode.Aid, TestNode.Identity));
        Send(packets, frames, 2);

        Assert.Equal(["plugged"], Arrivals(ears, frames));
    }

    [Fact]
    public void The_node_does_not_hear_an_instance_that_is_not_plugged()
    {
        using var node = new TestNode();
        using var instance = node.Connect();
        using var ears = instance.Listen();
        using var packets = instance.Run(() => new LinkPacket());
        var question = Arp(Own, Own, OwnIp);
        TestNode.Gateway.GetAddressBytes().CopyTo(question, 38);

        packets.Send(TestNode.InstanceIndex, question);
        node.Run(n => n.Plug(TestNode.Aid, TestNode.Identity));
        packets.Send(TestNode.InstanceIndex, question);

        // The first would be answered with the MAC of the port's outer end, and the gateway would be lost.
        var buffer = new byte[2048];
        do ears.Receive(buffer);
        while (buffer[12] != 0x08 || buffer[13] != 0x06 || buffer[21] != 2 || buffer[31] != 1); // An ARP reply of 10.217.0.1.
        Assert.Equal([0x02, 0x00, 0x0a, 0xd9, 0x00, 0x01], buffer[6..12]);
    }

    /// <summary>The destination, a group address, says which frame it is.</summary>
    private static void Send(LinkPacket packets, List<KeyValuePair<string, byte[]>> frames, int index) =>
        packets.Send(TestNode.InstanceIndex, Changed(frames[index].Value, 0, 0x03, 0, 0, 0, 0, (byte)(0x40 + index)));

    /// <summary>Names of the frames that the client's interface received, up to the last of the list.</summary>
    private static List<string> Arrivals(RawSocket ears, List<KeyValuePair<string, byte[]>> frames)
    {
        var arrived = new List<string>();
        var buffer = new byte[2048];
        while (true)
        {
            var length = ears.Receive(buffer);
            var index = buffer[0] == 0x03 ? buffer[5] - 0x40 : -1;
            if (index < 0 || length < 14) continue;
            arrived.Add(frames[index].Key);
            if (index == frames.Count - 1) return arrived;
        }
    }

    private static byte[] Changed(byte[] frame, int offset, params byte[] bytes)
    {
        byte[] copy = [.. frame];
        bytes.CopyTo(copy, offset);
        return copy;
    }

    /// <summary>An empty UDP datagram without a checksum of its own; that of the header is right, because a bridge with
    /// <c>br_netfilter</c> looks at it.</summary>
    private static byte[] Ipv4(byte[] mac, byte[] ip)
    {
        byte[] header = [0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, .. ip, .. TestNode.ClientIp.GetAddressBytes()];
        var sum = 0;
        for (var i = 0; i < header.Length; i += 2) sum += (header[i] << 8) | header[i + 1];
        sum = ~((sum & 0xffff) + (sum >> 16));
        (header[10], header[11]) = ((byte)(sum >> 8), (byte)sum);
        return [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, .. mac, 0x08, 0x00, .. header, 0x1b, 0x58, 0x1b, 0x58, 0, 8, 0, 0];
    }

    private static byte[] Arp(byte[] mac, byte[] senderMac, byte[] senderIp) =>
    [
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, .. mac, 0x08, 0x06,
        0, 1, 8, 0, 6, 4, 0, 1, .. senderMac, .. senderIp, 0, 0, 0, 0, 0, 0, .. TestNode.ClientIp.GetAddressBytes(),
    ];
}
