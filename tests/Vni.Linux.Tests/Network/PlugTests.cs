using System.Net;
using System.Net.Sockets;
using System.Text;
using Xunit;

namespace Vni.Linux.Tests.Network;

/// <summary>What a peer sees of plugging and parking.</summary>
public sealed class PlugTests
{
    [Fact]
    public void A_client_and_the_instance_call_each_other_and_see_the_virtual_address()
    {
        using var node = new TestNode();
        using var instance = node.Connect();
        Assert.Equal(0, node.Run(n => n.Plug(TestNode.Aid, TestNode.Identity)));

        using var listener = TestNode.Listen(instance);
        using var call = node.Call(SocketType.Stream);
        using var accepted = listener.Accept();
        call.Send("hello"u8);
        Assert.Equal("hello", Receive(accepted, 5));
        Assert.Equal(TestNode.Identity.Ip, ((IPEndPoint)call.RemoteEndPoint!).Address.ToString());

        using var clients = node.Client.Open(SocketType.Stream);
        clients.Bind(new IPEndPoint(IPAddress.Any, TestNode.Port));
        clients.Listen();
        using var back = instance.Open(SocketType.Stream);
        back.Connect(TestNode.ClientIp, TestNode.Port);
        using var seen = clients.Accept();
        Assert.Equal(TestNode.Identity.Ip, ((IPEndPoint)seen.RemoteEndPoint!).Address.ToString());
    }

    [Fact]
    public void Datagrams_that_come_while_parked_are_delivered_complete_and_in_order()
    {
        const int parked = 150, total = 200; // What a receive buffer surely holds.
        using var node = new TestNode();
        using var instance = node.Connect();
        using var receiver = TestNode.Hear(instance);
        node.Run(n => n.Plug(TestNode.Aid, TestNode.Identity));
        using var sender = node.Call(SocketType.Dgram);
        sender.Send(BitConverter.GetBytes(-1)); // Resolves the MAC.
        Assert.Equal(-1, Number(receiver));

        node.Run(n => n.Park(TestNode.Aid, TestNode.Identity));
        node.Run(n => n.Park(TestNode.Aid, TestNode.Identity));
        for (var i = 0; i < parked; i++) sender.Send(BitConverter.GetBytes(i));
        Assert.Equal(0, receiver.Available);
        Assert.InRange(node.Run(n => n.Plug(TestNode.Aid, TestNode.Identity)), parked, parked + 10);
        for (var i = parked; i < total; i++) sender.Send(BitConverter.GetBytes(i));

        for (var i = 0; i < total; i++) Assert.Equal(i, Number(receiver));
    }

    [Fact]
    public async Task A_sender_that_never_pauses_loses_nothing_while_the_port_is_parked_and_plugged()
    {
        const int rounds = 20, last = int.MaxValue;
        using var node = new TestNode();
        using var instance = node.Connect();
        using var receiver = TestNode.Hear(instance);
        node.Run(n => n.Plug(TestNode.Aid, TestNode.Identity));
        using var sender = node.Call(SocketType.Dgram);

        // A credit of 64 datagrams keeps the receive buffer from overflowing, whatever the scheduler does.
        using var credit = new SemaphoreSlim(64);
        using var done = new CancellationTokenSource();
        var sending = Task.Run(() =>
        {
            var sent = 0;
            for (; !done.IsCancellationRequested; sent++)
            {
                Assert.True(credit.Wait(TimeSpan.FromSeconds(10)), $"no datagram arrived any more after {sent} were sent");
                sender.Send(BitConverter.GetBytes(sent));
            }

            sender.Send(BitConverter.GetBytes(last));
            return sent;
        });
        var receiving = Task.Run(() =>
        {
            var received = new List<int>();
            for (int number; (number = Number(receiver)) != last; credit.Release()) received.Add(number);
            return received;
        });
        try
        {
            for (var round = 0; round < rounds; round++)
            {
                node.Run(n => n.Park(TestNode.Aid, TestNode.Identity));
                node.Run(n => n.Plug(TestNode.Aid, TestNode.Identity));
            }
        }
        finally
        {
            await done.CancelAsync();
            await Task.WhenAll(sending, receiving);
        }

        Assert.Equal(Enumerable.Range(0, await sending), (await receiving).Order());
    }

    [Fact]
    public void A_connection_outlives_the_pause_without_a_reset()
    {
        using var node = new TestNode();
        using var instance = node.Connect();
        using var listener = TestNode.Listen(instance);
        node.Run(n => n.Plug(TestNode.Aid, TestNode.Identity));
        using var call = node.Call(SocketType.Stream);
        using var accepted = listener.Accept();

        node.Run(n => n.Park(TestNode.Aid, TestNode.Identity));
        call.Send("sent to a parked port"u8);
        accepted.Send("sent from a parked port"u8);
        Assert.True(node.Run(n => n.Plug(TestNode.Aid, TestNode.Identity)) > 0);

        Assert.Equal("sent to a parked port", Receive(accepted, 21));
        Assert.Equal("sent from a parked port", Receive(call, 23));
    }

    [Fact]
    public async Task A_call_to_a_dormant_instance_is_answered_when_it_is_back()
    {
        using var node = new TestNode();
        node.Run(n => n.Park(TestNode.Aid, TestNode.Identity));
        using var caller = node.Client.Open(SocketType.Stream);
        var calling = Task.Run(() => caller.Connect(IPAddress.Parse(TestNode.Identity.Ip), TestNode.Port)); // ARP comes first.

        using var instance = node.Connect();
        using var listener = TestNode.Listen(instance);
        node.Run(n => n.Plug(TestNode.Aid, TestNode.Identity));

        using var accepted = listener.Accept();
        await calling;
        Assert.Equal(TestNode.ClientIp, ((IPEndPoint)accepted.RemoteEndPoint!).Address);
    }

    [Fact]
    public void A_parked_port_holds_what_is_for_the_instance_and_no_noise()
    {
        using var node = new TestNode();
        node.Run(n => n.Park(TestNode.Aid, TestNode.Identity));
        using var noise = node.Client.Open(SocketType.Dgram);
        noise.EnableBroadcast = true;
        for (var i = 0; i < 10; i++) noise.SendTo([1], new IPEndPoint(IPAddress.Parse("10.217.0.255"), TestNode.Port));
        noise.SendTo([1], new IPEndPoint(IPAddress.Parse(TestNode.Identity.Ip), TestNode.Port)); // One ARP request.

        using var instance = node.Connect();
        Assert.InRange(node.Run(n => n.Plug(TestNode.Aid, TestNode.Identity)), 1, 9); // It may have been repeated.
    }

    private static int Number(Socket socket)
    {
        var buffer = new byte[4];
        Assert.Equal(4, socket.Receive(buffer));
        return BitConverter.ToInt32(buffer);
    }

    private static string Receive(Socket socket, int length)
    {
        var buffer = new byte[length];
        for (var done = 0; done < length;)
        {
            var count = socket.Receive(buffer.AsSpan(done));
            Assert.NotEqual(0, count);
            done += count;
        }

        return Encoding.ASCII.GetString(buffer);
    }
}
