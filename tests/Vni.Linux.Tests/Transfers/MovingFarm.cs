using System.IO.Pipelines;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Vni.Actors.Applications;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Interposer;
using Vni.Interposer.Instances;
using Vni.Interposer.Linux;
using Vni.Interposer.Network;
using Vni.Linux.Tests.Checkpoint;
using Vni.Linux.Tests.Fencing;
using Vni.Linux.Tests.Network;
using Xunit;

namespace Vni.Linux.Tests.Transfers;

/// <summary>Two nodes and a client in network namespaces of their own, joined by a switch in another one.</summary>
internal sealed class MovingFarm : IAsyncDisposable
{
    private static readonly IPAddress ClientIp = IPAddress.Parse("10.219.0.9");
    private readonly string _id = Guid.NewGuid().ToString("n")[..8];
    private readonly NetworkNamespace _switch = new();
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(120));

    public MovingFarm()
    {
        Client = new NetworkNamespace();
        _switch.Run(() =>
        {
            using var netlink = new NetlinkSocket();
            netlink.Execute(Rtnetlink.NewBridge("switch", [0x02, 0x01, 0, 0, 0, 1]));
            netlink.Execute(Rtnetlink.GetLink("switch"));
        });
        var bridge = _switch.Find("switch")!.Index;
        _switch.Run(() =>
        {
            using var netlink = new NetlinkSocket();
            netlink.Execute(Rtnetlink.SetUp(bridge, "switch"));
        });
        A = new MovingNode("a" + _id);
        B = new MovingNode("b" + _id);
        Cable(A.Namespace, "uplink", "porta", "vnimove0");
        Cable(B.Namespace, "uplink", "portb", "vnimove0");
        Cable(Client, "eth0", "portc", null);
        var client = Client.Find("eth0")!.Index;
        Client.Run(() =>
        {
            using var netlink = new NetlinkSocket();
            netlink.Execute(Rtnetlink.NewAddress(client, ClientIp, 24));
        });
    }

    public MovingNode A { get; }

    public MovingNode B { get; }

    public NetworkNamespace Client { get; }

    /// <summary>Fires when the test has hung.</summary>
    public CancellationToken Limit => _limit.Token;

    public static InstanceSpec Spec(string name, byte last, params string[] command) => new(
        Aid.Parse(name),
        new VirtualIdentity($"10.219.0.{last}", 24, VirtualIdentity.MacOf(IPAddress.Parse($"10.219.0.{last}")), name),
        new ApplicationDeclaration { Name = name, Processes = [new ProcessDeclaration { Name = "main", Command = command }] },
        1);

    public static InstanceSpec Redis(string name = "redis", byte last = 5) =>
        Spec(name, last, "/usr/bin/redis-server", "--protected-mode", "no", "--save", "", "--dir", "/tmp", "--enable-debug-command", "yes");

    public static InstanceSpec Python(string program, string name = "web", byte last = 6) => Spec(name, last, "/usr/bin/python3", "-u", "-c", program);

    /// <summary>A connection from the client, as soon as somebody listens.</summary>
    public async Task<Socket> ConnectAsync(InstanceSpec spec, int port)
    {
        while (true)
        {
            Limit.ThrowIfCancellationRequested();
            var socket = Client.Open(SocketType.Stream);
            try
            {
                socket.NoDelay = true;
                socket.Connect(IPAddress.Parse(spec.Identity.Ip), port);
                return socket;
            }
            catch (SocketException)
            {
                socket.Dispose();
                await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, Limit);
            }
        }
    }

    /// <summary>The whole hand-off, as the domain makes it; what each side said of its phases.</summary>
    public async Task<(StateSent Sent, RestoreResult Result, double Freeze)> MoveAsync(MovingNode from, MovingNode to, InstanceSpec spec, string handOff, Func<Task>? whileFrozen = null)
    {
        var facts = await from.Transfer.DescribeAsync(spec, Limit);
        Assert.Empty(facts.Blockers);
        Assert.Empty(await to.Transfer.CheckAsync(spec, facts, Limit));
        await to.Transfer.PrepareAsync(spec, handOff, facts, Limit);
        await PipeAsync(s => from.Transfer.SendLayerAsync(spec, handOff, s, Limit), s => to.Transfer.ReceiveLayerAsync(spec.Aid, handOff, s, Limit));
        var began = TimeProvider.System.GetTimestamp();
        await from.Transfer.FreezeAsync(spec, Quiescing.Default, Limit);
        await to.Transfer.HoldAsync(spec, handOff, Limit);
        if (whileFrozen is not null) await whileFrozen();
        var sent = await PipeAsync(s => from.Transfer.SendStateAsync(spec, handOff, s, Limit), s => to.Transfer.ReceiveStateAsync(spec.Aid, handOff, s, Limit));
        var result = await to.Transfer.ResumeAsync(spec, handOff, sent.ManifestSha256, _ => Task.CompletedTask, Limit);
        var freeze = TimeProvider.System.GetElapsedTime(began).TotalMilliseconds;
        await from.Transfer.ReleaseMovedAsync(spec, handOff, Limit);
        return (sent, result, freeze);
    }

    /// <summary>What one side writes the other reads; a side that fails ends the other's stream.</summary>
    public static async Task<T> PipeAsync<T>(Func<Stream, Task<T>> send, Func<Stream, Task> receive)
    {
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 4 << 20, resumeWriterThreshold: 2 << 20, useSynchronizationContext: false));
        var sending = Task.Run(async () =>
        {
            try
            {
                return await send(pipe.Writer.AsStream());
            }
            finally
            {
                await pipe.Writer.CompleteAsync();
            }
        });
        try
        {
            await receive(pipe.Reader.AsStream());
        }
        finally
        {
            await pipe.Reader.CompleteAsync();
        }

        return await sending;
    }

    public async ValueTask DisposeAsync()
    {
        await A.DisposeAsync();
        await B.DisposeAsync();
        Client.Dispose();
        _switch.Dispose();
        _limit.Dispose();
    }

    /// <summary>A cable from a namespace to the switch; its near end, if a bridge is named, is a port of that.</summary>
    private void Cable(NetworkNamespace from, string near, string far, string? bridge)
    {
        using var there = Namespaces.Open(_switch.Pid, NamespaceKind.Network);
        from.Run(() =>
        {
            using var netlink = new NetlinkSocket();
            netlink.Execute(Rtnetlink.NewVeth(100, near, PhysicalAddress.Parse(bridge is null ? VirtualIdentity.MacOf(ClientIp) : $"0201000000{far.Last() - 'a' + 10:x2}").GetAddressBytes(), 1500, far, there));
            Sysctl.TrySet($"net/ipv6/conf/{near}/disable_ipv6", "1");
        });
        Attach(_switch, far, "switch");
        var index = from.Find(near)!.Index;
        from.Run(() =>
        {
            using var netlink = new NetlinkSocket();
            netlink.Execute(Rtnetlink.SetUp(index, near));
        });
        if (bridge is not null) Attach(from, near, bridge);
        from.Find(near);
        _switch.Find(far);
    }

    private static void Attach(NetworkNamespace where, string port, string bridge)
    {
        var (index, master) = (where.Find(port)!.Index, where.Find(bridge)!.Index);
        where.Run(() =>
        {
            using var netlink = new NetlinkSocket();
            Sysctl.TrySet($"net/ipv6/conf/{port}/disable_ipv6", "1");
            netlink.Execute(Rtnetlink.SetUp(index, port), Rtnetlink.SetMaster(index, port, master));
        });
    }
}

/// <summary>A node with directories, cgroups and a bridge of its own.</summary>
internal sealed class MovingNode : IAsyncDisposable
{
    private readonly string _scratch;

    public MovingNode(string name)
    {
        _scratch = Directory.CreateDirectory($"/var/tmp/vni-move-{name}").FullName;
        Options = new InterposerOptions
        {
            Node = "move-" + name,
            StateDirectory = Directory.CreateDirectory(Path.Combine(_scratch, "state")).FullName,
            RuntimeDirectory = Directory.CreateDirectory($"/dev/shm/vni-move-{name}").FullName,
            HarnessPath = Programs.Harness,
            CriuPath = Programs.Criu,
            Network = new NetworkOptions { Bridge = "vnimove0", Subnet = IPAddress.Parse("10.219.0.0"), PrefixLength = 24 },
        };
        Daemon = NewDaemon();
    }

    public InterposerOptions Options { get; }

    public NetworkNamespace Namespace { get; } = new();

    public LinuxInterposer Daemon { get; private set; }

    public IInstanceTransfer Transfer => Daemon;

    public InstancePaths Paths(InstanceSpec spec) => new(Options, spec.Aid);

    public LinuxInterposer NewDaemon() =>
        Namespace.Run(() => new LinuxInterposer(Options, TimeProvider.System, NullLoggerFactory.Instance, new NetworkWithin(Namespace, new NodeNetwork(Options.Network))));

    public async Task ReplaceDaemonAsync()
    {
        await Daemon.DisposeAsync();
        Daemon = NewDaemon();
    }

    /// <summary>That nothing of an application is here: no process, port, directory, cgroup.</summary>
    public void AssertEmpty(InstanceSpec spec)
    {
        Assert.Empty(Daemon.ListProcesses(spec.Aid));
        Assert.False(Directory.Exists(Paths(spec).Directory), "a directory is left");
        Assert.DoesNotContain(Namespace.Links(), l => l.Alias == new PortNames(Options.Network.Bridge).Alias(spec.Aid));
        Assert.DoesNotContain(Directory.EnumerateDirectories(Path.Combine(Cgroup2, "vni-" + Options.Node)), d => Path.GetFileName(d) == spec.Aid.Value);
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            await ReplaceDaemonAsync(); // What has not arrived goes with the daemon.
            var inventory = await Daemon.DiscoverAsync(CancellationToken.None);
            foreach (var instance in inventory.Instances) await Daemon.RemoveAsync(instance.Aid, CancellationToken.None);
        }
        finally
        {
            await Daemon.DisposeAsync();
            Namespace.Dispose();
            TreeRemoval.Remove(_scratch);
            Directory.Delete(Options.RuntimeDirectory, recursive: true);
        }
    }

    private static string Cgroup2 => File.ReadLines("/proc/self/mounts").Select(l => l.Split(' ')).First(f => f[2] == "cgroup2")[1];
}

/// <summary>A line in, a line out.</summary>
internal sealed class LineClient(Socket socket) : IDisposable
{
    private readonly StreamReader _reader = new(new NetworkStream(socket), Encoding.ASCII);

    public string Ask(string line)
    {
        Send(line);
        return Read();
    }

    public void Send(string line) => socket.Send(Encoding.ASCII.GetBytes(line + "\r\n"));

    public string Read() => _reader.ReadLine() ?? throw new IOException("the connection was closed");

    public void Dispose()
    {
        _reader.Dispose();
        socket.Dispose();
    }
}
