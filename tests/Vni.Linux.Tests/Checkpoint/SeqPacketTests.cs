using System.Text;
using Vni.Interposer.Linux;
using Xunit;

namespace Vni.Linux.Tests.Checkpoint;

public sealed class SeqPacketTests
{
    [Fact]
    public async Task Messages_keep_their_boundaries_and_the_childs_end_ends_the_stream()
    {
        var (daemon, child) = SeqPacketSocket.CreatePair();
        using var watcher = new PidfdWatcher();
        using (daemon)
        {
            // Echoes two messages, then ends.
            const string echo = "import socket,sys; s=socket.socket(fileno=3); [s.send(s.recv(100)) for _ in range(2)]";
            using (child) new ProcessSpawner(watcher).Spawn("/usr/bin/python3", ["-c", echo], [(3, child)]).Dispose();
            daemon.Send("one"u8);
            daemon.Send("two"u8);
            Assert.Equal("one", Encoding.UTF8.GetString((await daemon.ReceiveAsync(CancellationToken.None))!));
            Assert.Equal("two", Encoding.UTF8.GetString((await daemon.ReceiveAsync(CancellationToken.None))!));
            Assert.Null(await daemon.ReceiveAsync(CancellationToken.None));
            Assert.Equal(Libc.EPIPE, Assert.Throws<LinuxException>(() => daemon.Send("three"u8)).Errno);
        }
    }

    [Fact]
    public async Task Descriptors_arrive_with_their_message()
    {
        var (daemon, child) = SeqPacketSocket.CreatePair();
        using var watcher = new PidfdWatcher();
        using (daemon)
        {
            const string send = "import socket,os,array; s=socket.socket(fileno=3); r,w=os.pipe(); os.write(w,b'through the pipe'); s.sendmsg([b'here'],[(1,1,array.array('i',[r,w]))])";
            using (child) new ProcessSpawner(watcher).Spawn("/usr/bin/python3", ["-c", send], [(3, child)]).Dispose();
            var (data, descriptors) = (await daemon.ReceiveWithDescriptorsAsync(CancellationToken.None))!.Value;
            Assert.Equal("here", Encoding.UTF8.GetString(data));
            Assert.Equal(2, descriptors.Length);
            var text = new byte[100];
            using (var pipe = new FileStream(descriptors[0], FileAccess.Read)) Assert.Equal(16, pipe.Read(text));
            descriptors[1].Dispose();
        }
    }

    [Fact]
    public async Task Waiting_can_be_cancelled_and_begun_again()
    {
        var (daemon, child) = SeqPacketSocket.CreatePair();
        using (daemon)
        {
            using (var cancellation = new CancellationTokenSource())
            {
                var waiting = daemon.ReceiveAsync(cancellation.Token);
                await cancellation.CancelAsync();
                await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
            }

            var again = daemon.ReceiveAsync(CancellationToken.None);
            child.Dispose();
            Assert.Null(await again);
        }
    }
}
