using Vni.Actors;
using Xunit;
using Xunit.Abstractions;

namespace Vni.Linux.Tests.Transfers;

/// <summary>Instances that move from one node to another, seen by their clients.</summary>
public sealed class MoveTests(ITestOutputHelper output)
{
    [Fact]
    public async Task A_redis_moves_to_and_fro_and_its_clients_one_connection_goes_on()
    {
        await using var farm = new MovingFarm();
        var spec = MovingFarm.Redis();
        await farm.A.Daemon.StartAsync(spec, farm.Limit);
        using var client = new LineClient(await farm.ConnectAsync(spec, 6379));
        var expected = 1;
        Assert.Equal($":{expected++}", client.Ask("INCR n"));
        for (var round = 0; round < 4; round++)
        {
            var (from, to) = round % 2 == 0 ? (farm.A, farm.B) : (farm.B, farm.A);
            var (sent, result, freeze) = await farm.MoveAsync(from, to, spec, $"handoff-{round}", () =>
            {
                client.Send("INCR n"); // Held at the target.
                return Task.CompletedTask;
            });
            output.WriteLine($"freeze {freeze:f1} ms, {sent.Bytes} bytes, {result.FramesHeld} frames: {string.Join(" ", sent.Phases.Select(p => $"{p.Name} {p.Milliseconds:f1}"))} | {string.Join(" ", result.Phases.Select(p => $"{p.Name} {p.Milliseconds:f1}"))}");
            Assert.Equal($":{expected++}", client.Read());
            Assert.Equal($":{expected++}", client.Ask("INCR n"));
            Assert.True(result.FramesHeld > 0);
            from.AssertEmpty(spec);
            Assert.NotEmpty(to.Daemon.ListProcesses(spec.Aid));
        }
    }

    [Fact]
    public async Task A_connection_that_the_application_has_made_goes_on_and_so_do_datagrams_and_files()
    {
        await using var farm = new MovingFarm();
        using var server = farm.Client.Open(System.Net.Sockets.SocketType.Stream);
        server.Bind(new System.Net.IPEndPoint(System.Net.IPAddress.Any, 7100));
        server.Listen();
        var spec = MovingFarm.Python("""
            import mmap, os, socket, threading
            out = socket.create_connection(("10.219.0.9", 7100))
            lost = open("/var/tmp/lost", "w+"); lost.write("kept"); lost.flush(); os.link("/var/tmp/lost", "/var/tmp/other"); os.unlink("/var/tmp/lost")
            shared = open("/var/tmp/mapped", "w+b"); shared.truncate(4096); view = mmap.mmap(shared.fileno(), 4096)
            log = open("/var/tmp/log", "a")
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); udp.bind(("", 7200))
            def datagrams():
                while True:
                    data, peer = udp.recvfrom(100)
                    udp.sendto(data, peer)
            threading.Thread(target=datagrams, daemon=True).start()
            n = 0
            for line in out.makefile():
                n += 1
                view[0:8] = b"%08d" % n
                log.write(f"{n}\n"); log.flush()
                lost.seek(0)
                out.sendall(f"{n} {line.strip()} {lost.read()} {open('/var/tmp/mapped').read(8)} {len(open('/var/tmp/log').readlines())}\n".encode())
            """);
        await farm.A.Daemon.StartAsync(spec, farm.Limit);
        using var client = new LineClient(server.Accept());
        using var datagrams = farm.Client.Open(System.Net.Sockets.SocketType.Dgram);
        datagrams.Connect(System.Net.IPAddress.Parse(spec.Identity.Ip), 7200);
        var answer = new byte[4];
        Assert.Equal("1 a kept 00000001 1", client.Ask("a"));
        for (var round = 0; round < 2; round++)
        {
            var (from, to) = round % 2 == 0 ? (farm.A, farm.B) : (farm.B, farm.A);
            var (number, before) = (round * 2 + 2, round);
            await farm.MoveAsync(from, to, spec, $"handoff-{round}", () =>
            {
                client.Send("b");
                for (var i = 0; i < 20; i++) datagrams.Send(BitConverter.GetBytes(i + before));
                return Task.CompletedTask;
            });
            Assert.Equal($"{number} b kept {number:d8} {number}", client.Read());
            Assert.Equal($"{number + 1} c kept {number + 1:d8} {number + 1}", client.Ask("c"));
            for (var i = 0; i < 20; i++)
            {
                Assert.Equal(4, datagrams.Receive(answer));
                Assert.Equal(i + before, BitConverter.ToInt32(answer));
            }

            from.AssertEmpty(spec);
        }
    }

    [Fact]
    public async Task A_stopped_application_settles_with_its_layer()
    {
        await using var farm = new MovingFarm();
        var spec = MovingFarm.Spec("web", 7, "/bin/sh", "-c", "echo kept > /var/tmp/file; exec sleep 1000");
        await farm.A.Daemon.StartAsync(spec, farm.Limit);
        while (!File.Exists(Path.Combine(farm.A.Paths(spec).Upper, "var/tmp/file"))) await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, farm.Limit);
        await farm.A.Daemon.StopAsync(spec, TimeSpan.Zero, farm.Limit);
        var facts = await farm.A.Transfer.DescribeAsync(spec, farm.Limit);
        Assert.Equal(0, facts.Memory);
        Assert.Empty(await farm.B.Transfer.CheckAsync(spec, facts, farm.Limit));
        await farm.B.Transfer.PrepareAsync(spec, "handoff", facts, farm.Limit);
        await MovingFarm.PipeAsync(s => farm.A.Transfer.SendLayerAsync(spec, "handoff", s, farm.Limit), s => farm.B.Transfer.ReceiveLayerAsync(spec.Aid, "handoff", s, farm.Limit));
        await farm.B.Transfer.SettleAsync(spec, "handoff", park: true, farm.Limit);
        await farm.B.Transfer.SettleAsync(spec, "handoff", park: true, farm.Limit);
        await farm.A.Transfer.ReleaseMovedAsync(spec, "handoff", farm.Limit);
        farm.A.AssertEmpty(spec);
        Assert.Empty(await farm.B.Transfer.AbandonAsync(spec.Aid, "handoff", farm.Limit));
        Assert.Equal("kept\n", await File.ReadAllTextAsync(Path.Combine(farm.B.Paths(spec).Upper, "var/tmp/file")));
        await farm.B.Daemon.StartAsync(spec, farm.Limit);
    }

    [Fact]
    public async Task A_chain_moves_with_every_id_and_value()
    {
        await using var farm = new MovingFarm();
        var apps = Vni.Linux.Tests.Checkpoint.Programs.Directory;
        var single = MovingFarm.Spec("chain", 8, "unused");
        var spec = single with
        {
            Declaration = single.Declaration with
            {
                Processes = [.. new[] { "alpha", "beta", "gamma" }.Select(n => new Vni.Actors.Applications.ProcessDeclaration { Name = n, Command = [$"{apps}/chain", n, "/var/tmp"] })],
            },
        };
        await farm.A.Daemon.StartAsync(spec, farm.Limit);
        while (farm.A.Daemon.ListProcesses(spec.Aid).Count < 5) await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, farm.Limit); // Harness, three, and a child.
        for (var round = 0; round < 2; round++)
        {
            var (from, to) = round % 2 == 0 ? (farm.A, farm.B) : (farm.B, farm.A);
            var before = from.Daemon.ListProcesses(spec.Aid).Select(p => (p.Pid, p.Command)).Order().ToList();
            await farm.MoveAsync(from, to, spec, $"handoff-{round}");
            Assert.Equal(before, to.Daemon.ListProcesses(spec.Aid).Select(p => (p.Pid, p.Command)).Order().ToList());
        }
    }
}
