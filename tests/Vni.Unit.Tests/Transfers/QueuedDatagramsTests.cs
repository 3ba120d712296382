using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Vni.Actors.Identity;
using Vni.Interposer.Linux;
using Vni.Interposer.Network;
using Vni.Interposer.Transfers;
using Xunit;

namespace Vni.Unit.Tests.Transfers;

public sealed class QueuedDatagramsTests
{
    private const string Table = """
           sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
         1234: 00000000:1B58 00000000:0000 07 00000000:00000240 00:00000000 00000000     0        0 4711 2 0000000000000000 0
         1235: 0100007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4712 2 0000000000000000 0

        """;

    private static readonly PortAddress s_receiver = new(new VirtualIdentity("10.117.1.0", 16, "02:00:0a:75:01:00", "app"));

    [Fact]
    public void Only_sockets_in_which_something_waits_are_looked_at()
    {
        var waiting = new Dictionary<string, ushort>();
        QueuedDatagrams.FindWaiting(Table, waiting);
        Assert.Equal([new("socket:[4711]", 7000)], waiting);
    }

    [Fact]
    public void A_sender_is_read_from_both_kinds_of_sockets()
    {
        byte[] four = [2, 0, 0x1b, 0x58, 10, 117, 0, 200, 0, 0, 0, 0, 0, 0, 0, 0];
        byte[] mapped = [10, 0, 0x1b, 0x58, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 117, 0, 200, 0, 0, 0, 0];
        byte[] six = [10, 0, 0x1b, 0x58, 0, 0, 0, 0, 0xfd, 0, 0x01, 0x17, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0];
        foreach (var address in new[] { four, mapped })
        {
            var sender = QueuedDatagrams.Sender(address)!.Value;
            Assert.Equal(("10.117.0.200", 7000), (new IPAddress(sender.Address).ToString(), sender.Port));
        }

        Assert.Equal("fd00:117::200", new IPAddress(QueuedDatagrams.Sender(six)!.Value.Address).ToString());
        Assert.Null(QueuedDatagrams.Sender(six.AsSpan(0, 20)));
        Assert.Null(QueuedDatagrams.Sender([]));
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(100, 1)]
    [InlineData(1248, 1)]
    [InlineData(1249, 2)]
    [InlineData(65507, 53)]
    public void A_datagram_becomes_frames_that_hold_all_of_it(int size, int fragments)
    {
        var data = Enumerable.Range(0, size).Select(i => (byte)i).ToArray();
        var frames = UdpFrames.Write(s_receiver, 7000, [10, 117, 0, 200], 999, data, 17);
        Assert.Equal(fragments, frames.Count);
        var packet = new List<byte>();
        for (var i = 0; i < frames.Count; i++)
        {
            var frame = frames[i].Span;
            var header = frame.Slice(14, 20).ToArray();
            Assert.True(frame.Length <= 14 + 1280);
            Assert.Equal(s_receiver.Mac, frame[..6].ToArray());
            Assert.Equal(0xffff, Sum(header));
            Assert.Equal(frame.Length - 14, BinaryPrimitives.ReadUInt16BigEndian(header.AsSpan(2)));
            var flags = BinaryPrimitives.ReadUInt16BigEndian(header.AsSpan(6));
            Assert.Equal((packet.Count / 8, i < frames.Count - 1), (flags & 0x1fff, (flags & 0x2000) != 0));
            Assert.Equal("10.117.0.200>10.117.1.0", $"{new IPAddress(header[12..16])}>{new IPAddress(header[16..20])}");
            packet.AddRange(frame[34..]);
        }

        Assert.Equal([0x03, 0xe7, 0x1b, 0x58, (byte)((size + 8) >> 8), (byte)(size + 8), 0, 0, .. data], packet);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(101, 1)]
    [InlineData(1248, 1)]
    [InlineData(1249, 2)]
    [InlineData(65507, 53)]
    public void A_datagram_over_ipv6_becomes_frames_with_a_checksum(int size, int fragments)
    {
        var (data, sender) = (Enumerable.Range(0, size).Select(i => (byte)i).ToArray(), IPAddress.Parse("fd00:117::200").GetAddressBytes());
        var receiver = new PortAddress(new VirtualIdentity("10.117.1.0", 16, "02:00:0a:75:01:00", "app") { Ip6 = "fd00:117::1:100", PrefixLength6 = 64 });
        var frames = UdpFrames.Write(receiver, 7000, sender, 999, data, 17);
        Assert.Equal(fragments, frames.Count);
        var packet = new List<byte>();
        for (var i = 0; i < frames.Count; i++)
        {
            var (frame, extra) = (frames[i].ToArray(), fragments > 1 ? 8 : 0);
            Assert.True(frame.Length <= 14 + 1500);
            Assert.Equal([.. receiver.Mac, 2, 0, 0, 0, 0, 0, 0x86, 0xdd, 0x60, 0, 0, 0], frame[..18]);
            Assert.Equal(frame.Length - 54, BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(18)));
            Assert.Equal((fragments > 1 ? 44 : 17, 64), (frame[20], frame[21]));
            Assert.Equal([.. sender, .. receiver.Ip6!.GetAddressBytes()], frame[22..54]);
            if (extra > 0) Assert.Equal((17, packet.Count | (i < frames.Count - 1 ? 1 : 0), 17u), (frame[54], BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(56)), BinaryPrimitives.ReadUInt32BigEndian(frame.AsSpan(58))));
            packet.AddRange(frame[(54 + extra)..]);
        }

        byte[] counted = [.. sender, .. receiver.Ip6!.GetAddressBytes(), 0, 0, (byte)(packet.Count >> 8), (byte)packet.Count, 0, 0, 0, 17, .. packet, .. size % 2 == 1 ? [(byte)0] : Array.Empty<byte>()];
        Assert.Equal(0xffff, Sum(counted));
        Assert.Equal(data, packet[8..]);
    }

    [Fact]
    public void What_waits_in_a_socket_is_seen_and_still_waits()
    {
        using var receiver = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        using var sender = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        receiver.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        sender.Connect(receiver.LocalEndPoint!);
        string[] sent = ["one", "", "three"];
        foreach (var text in sent) sender.Send(Encoding.ASCII.GetBytes(text));
        foreach (var expected in new[] { sent, ["one", "three"] }) // The kernel shows an empty one once.
        {
            var seen = new List<string>();
            SocketQueue.Peek(Environment.ProcessId, (int)receiver.Handle, (from, datagram) =>
            {
                Assert.Equal(((IPEndPoint)sender.LocalEndPoint!).Port, QueuedDatagrams.Sender(from)!.Value.Port);
                seen.Add(Encoding.ASCII.GetString(datagram));
            });
            Assert.Equal(expected, seen);
        }

        var buffer = new byte[100];
        Assert.Equal(sent, sent.Select(_ => Encoding.ASCII.GetString(buffer.AsSpan(0, receiver.Receive(buffer)))).ToArray());
    }

    private static int Sum(ReadOnlySpan<byte> header)
    {
        var sum = 0;
        for (var i = 0; i < header.Length; i += 2) sum += BinaryPrimitives.ReadUInt16BigEndian(header[i..]);
        while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
        return sum;
    }
}
