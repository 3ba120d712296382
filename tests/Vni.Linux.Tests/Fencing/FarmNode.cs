using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Vni.Actors.Applications;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Interposer;
using Vni.Interposer.Linux;
using Vni.Interposer.Network;
using Vni.Linux.Tests.Checkpoint;
using Vni.Linux.Tests.Network;
using Xunit;

namespace Vni.Linux.Tests.Fencing;

/// <summary>A whole node in a network namespace of its own, with a client on its bridge. Its daemon can be replaced by
/// another one; what guards the daemons started are gone when it is disposed.</summary>
internal sealed class FarmNode : IAsyncDisposable
{
    public const int Port = 7000;
    private static readonly IPAddress ClientIp = IPAddress.Parse("10.218.0.9");
    private readonly string _scratch;
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(60));

    public FarmNode()
    {
        var id = Guid.NewGuid().ToString("n")[..8];
        var harness = Programs.Harness; // Built before anything is made that would have to be taken away again.
        _scratch = Directory.CreateDirectory($"/var/tmp/vni-fence-{id}").FullName;
        Options = new InterposerOptions
        {
            Node = "fence-" + id,
            StateDirectory = Directory.CreateDirectory(Path.Combine(_scratch, "state")).FullName,
            RuntimeDirectory = Directory.CreateDirectory($"/dev/shm/vni-fence-{id}").FullName,
            HarnessPath = harness,
            CriuPath = Programs.Criu,
            Network = new NetworkOptions { Bridge = "vf" + id, Subnet = IPAddress.Parse("10.218.0.0"), PrefixLength = 24 },
        };
        Daemon = NewDaemon();
        AttachClient();
    }

    public InterposerOptions Options { get; }

    public NetworkNamespace Namespace { get; } = new();

    public NetworkNamespace Client { get; } = new();

    public LinuxInterposer Daemon { get; private set; }

    /// <summary>Fires when the test has hung.</summary>
    public CancellationToken Limit => _limit.Token;

    public string CgroupRoot => Path.Combine(Cgroup2, "vni-" + Options.Node);

    private static string Cgroup2 => File.ReadLines("/proc/self/mounts").Select(l => l.Split(' ')).First(f => f[2] == "cgroup2")[1];

    /// <summary>An application that answers every datagram with how many it has got, and counts the milliseconds that it ran.</summary>
    public static InstanceSpec Spec(string name = "web", byte last = 5) => new(
        Aid.Parse(name),
        new VirtualIdentity($"10.218.0.{last}", 24, VirtualIdentity.MacOf(IPAddress.Parse($"10.218.0.{last}")), name),
        new ApplicationDeclaration
        {
            Name = name,
            Processes =
            [
                new ProcessDeclaration
                {
                    Command =
                    [
                        "/usr/bin/python3", "-c",
                        $"""
                        import socket
                        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                        s.bind(("", {Port}))
                        got = []
                        while True:
                            data, peer = s.recvfrom(100)
                            got.append(data.decode())
                            s.sendto(",".join(got).encode(), peer)
                        """,
                    ],
                },
            ],
        },
        1);

    /// <summary>Starts one and returns when it answers.</summary>
    public async Task<InstanceSpec> StartAsync(string name = "web", byte last = 5)
    {
        var spec = Spec(name, last);
        await Daemon.StartAsync(spec, Limit);
        var tables = $"/proc/{ProcFile.TryRead(Path.Combine(Cgroup(spec.Aid), "cgroup.procs"))!.Split('\n')[0]}/net/udp";
        await Eventually(() => (ProcFile.TryRead(tables) ?? "").Contains($":{Port:X4} ", StringComparison.Ordinal));
        return spec;
    }

    public Socket Call(InstanceSpec spec)
    {
        var socket = Client.Open(SocketType.Dgram);
        socket.Connect(IPAddress.Parse(spec.Identity.Ip), Port);
        return socket;
    }

    /// <summary>The daemon goes as if it were killed: it does nothing more, and its end of the guard's socket is closed.</summary>
    public async Task<LinuxInterposer> ReplaceDaemonAsync()
    {
        await Daemon.DisposeAsync();
        return Daemon = NewDaemon();
    }

    public async Task StopDaemonAsync() => await Daemon.DisposeAsync();

    public string Cgroup(Aid aid) => Path.Combine(CgroupRoot, aid.Value);

    public static bool IsFrozen(string cgroup) => File.ReadAllText(Path.Combine(cgroup, "cgroup.events")).Contains("frozen 1", StringComparison.Ordinal);

    public static bool IsSetFrozen(string cgroup) => File.ReadAllText(Path.Combine(cgroup, "cgroup.freeze")).Trim() == "1";

    /// <summary>The instance's port.</summary>
    public Link? FindPort(InstanceSpec spec) => Namespace.Links().Find(l => l.Kind == "veth" && l.Alias == new PortNames(Options.Network.Bridge).Alias(spec.Aid));

    /// <summary>Whether frames pass the instance's port.</summary>
    public bool IsForwarding(InstanceSpec spec) =>
        Programs.Run("nsenter", "-n", "-t", Namespace.Pid.ToString(), "bridge", "link", "show", "dev", FindPort(spec)!.Name).Contains("state forwarding", StringComparison.Ordinal);

    /// <summary>Pids of all guards of this node, whoever started them.</summary>
    public IReadOnlyList<int> Guards() =>
    [
        .. Directory.EnumerateDirectories("/proc").Select(Path.GetFileName).Where(n => int.TryParse(n, out _)).Select(int.Parse!)
            .Where(pid => (ProcFile.TryRead($"/proc/{pid}/cmdline") ?? "").Contains($"\0guard\0{Options.StateDirectory}\0", StringComparison.Ordinal)),
    ];

    /// <summary>The one guard of this node; one that has just been started bears its name a moment later.</summary>
    public async Task<int> GuardAsync()
    {
        await Eventually(() => Guards().Count == 1);
        return Guards()[0];
    }

    public async Task Eventually(Func<bool> condition)
    {
        while (!condition()) await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, Limit);
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            foreach (var directory in Directory.Exists(CgroupRoot) ? Directory.EnumerateDirectories(CgroupRoot) : []) await File.WriteAllTextAsync(Path.Combine(directory, "cgroup.kill"), "1");
            if (Directory.Exists(CgroupRoot)) await File.WriteAllTextAsync(Path.Combine(CgroupRoot, "cgroup.freeze"), "0");
            foreach (var name in new[] { "web", "one", "two" }) await Daemon.RemoveAsync(Aid.Parse(name), CancellationToken.None);
            Daemon.Disarm();
            await Eventually(() => Guards().Count == 0);
        }
        finally
        {
            await Daemon.DisposeAsync();
            Client.Dispose();
            Namespace.Dispose();
            TreeRemoval.Remove(_scratch);
            Directory.Delete(Options.RuntimeDirectory, recursive: true);
            _limit.Dispose();
        }

        Assert.False(Directory.Exists(CgroupRoot));
    }

    private LinuxInterposer NewDaemon() =>
        Namespace.Run(() => new LinuxInterposer(Options, TimeProvider.System, NullLoggerFactory.Instance, new NetworkWithin(Namespace, new NodeNetwork(Options.Network))));

    private void AttachClient()
    {
        using var here = Namespaces.Open(Namespace.Pid, NamespaceKind.Network);
        Client.Run(() =>
        {
            using var netlink = new NetlinkSocket();
            var mac = PhysicalAddress.Parse(VirtualIdentity.MacOf(ClientIp)).GetAddressBytes();
            netlink.Execute(Rtnetlink.NewVeth(16, "eth0", mac, 1500, "client", here));
            netlink.Execute(Rtnetlink.SetUp(16, "eth0"), Rtnetlink.NewAddress(16, ClientIp, 24));
        });
        Namespace.Run(() =>
        {
            using var netlink = new NetlinkSocket();
            var (client, bridge) = (Namespace.Find("client")!.Index, Namespace.Find(Options.Network.Bridge)!.Index);
            netlink.Execute(Rtnetlink.SetUp(client, "client"), Rtnetlink.SetMaster(client, "client", bridge));
        });
    }
}
