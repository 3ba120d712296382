using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Vni.EndToEnd.Tests.Farming;

namespace Vni.EndToEnd.Tests;

/// <summary>What an instance must not be able to do, tried from inside, as a process of the chain and as a visitor.</summary>
public sealed class IsolationTests(FarmFixture fixture) : FarmTests(fixture)
{
    private const string OwnIp = "10.117.5.1";
    private const string ForeignIp = "10.117.5.2";

    /// <summary>What the kernel itself must refuse. Hand-made frames are judged by their effect.</summary>
    private static readonly string[] Forbidden =
    [
        "bind-tcp", "bind-udp", "freebind-tcp", "freebind-udp", "transparent-udp", "set-address", "set-mac", "nested-set-address", "signal-node", "trace-node", "daemon-socket",
        "mount-tmpfs", "mount-bind", "mount-proc", "remount-root", "unmount-proc", "pivot-root", "load-module", "delete-module",
        "kexec", "swap", "set-clock", "kernel-log", "perf-node", "open-by-handle", "disk-device", "virtual-disk-device", "sysrq", "core-pattern",
        "panic", "drop-caches", "forward", "nonlocal-bind", "uevent", "oom-node", "kernel-memory", "physical-memory", "kernel-messages",
        "password-hashes",
    ];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Nothing_that_is_the_nodes_or_anothers_can_be_used(bool visitor)
    {
        await Farm.VniAsync("run", "--name", "other", "--ip", ForeignIp, "--", App("static"));
        await using var client = await LineClient.ConnectAsync(Farm.Client, ForeignIp);
        await client.CountAsync();
        var neighbour = await NeighbourAsync();
        using var sink = await Farm.Client.RunAsync(() =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { EnableBroadcast = true };
            socket.Bind(new IPEndPoint(IPAddress.Any, 9999));
            return socket;
        });
        var passwords = await File.ReadAllBytesAsync("/etc/passwd");
        var mounts = await File.ReadAllTextAsync("/proc/self/mountinfo");

        var attempts = await AttemptAsync(visitor);
        var allowed = Forbidden.Where(name => attempts.Single(a => a.Text("attempt") == name).GetProperty("ok").GetBoolean());
        Assert.Empty(allowed);

        // An honest datagram arrives after all forged ones: once it is here, they would be too.
        await Farm.VniAsync("exec", "escape", "--", "/usr/bin/python3", "-c", $"import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'honest', ('{Farm.ClientIp}', 9999))");
        var buffer = new byte[1500];
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        var first = await sink.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0), limit.Token);
        Assert.Equal("honest", Encoding.ASCII.GetString(buffer, 0, first.ReceivedBytes));
        Assert.Equal(OwnIp, ((IPEndPoint)first.RemoteEndPoint).Address.ToString());

        // Whatever it bound, listens on or claimed: the address is still its owner's for everyone.
        Assert.Equal(neighbour, await NeighbourAsync());
        await client.CountAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => Farm.Client.ConnectAsync(ForeignIp, 7777));
        Assert.Equal(passwords, await File.ReadAllBytesAsync("/etc/passwd"));
        Assert.Equal(mounts, await File.ReadAllTextAsync("/proc/self/mountinfo"));
    }

    [Fact]
    public async Task Only_its_own_processes_are_seen()
    {
        await Farm.VniAsync("run", "--name", "other", "--ip", ForeignIp, "--", App("static"));
        var seen = (await AttemptAsync(visitor: false)).Single(a => a.Text("attempt") == "processes").Text("detail");
        Assert.Equal(["appshot", "escape"], seen.Split(' ').Select(p => p.Split(':')[1]));
        Assert.StartsWith("1:appshot", seen, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Files_that_are_the_nodes_business_are_not_there()
    {
        await RunCounterAsync("curious");
        var listed = await Farm.VniAsync("exec", "curious", "--", "/bin/sh", "-c", "ls -A /root /home /run/vniakka /etc/shadow /etc/ssh/ssh_host_* 2>/dev/null; ls -A " + Farm.State + " 2>/dev/null; ls /proc/1/root/.vni >/dev/null; true");
        Assert.Equal("", string.Concat(listed.Split('\n').Where(l => !l.EndsWith(':')).Select(l => l.Trim())));
    }

    [Fact]
    public async Task What_it_writes_stays_its_own()
    {
        await RunCounterAsync("writer");
        await RunCounterAsync("reader");
        await Farm.VniAsync("exec", "writer", "--", "/bin/sh", "-c", "echo changed > /etc/motd; echo new > /usr/share/vni-new; rm /etc/issue");
        Assert.NotEqual("changed\n", File.Exists("/etc/motd") ? await File.ReadAllTextAsync("/etc/motd") : "");
        Assert.False(File.Exists("/usr/share/vni-new"));
        Assert.True(File.Exists("/etc/issue"));
        Assert.Equal("absent\n", await Farm.VniAsync("exec", "reader", "--", "/bin/sh", "-c", "test -e /usr/share/vni-new || echo absent"));
    }

    [Fact]
    public async Task No_descriptor_of_the_node_leaks_in()
    {
        await RunCounterAsync("sealed");
        var descriptors = await Farm.VniAsync("exec", "sealed", "--", "/bin/sh", "-c", "for f in /proc/[0-9]*/fd/*; do echo \"$f $(readlink $f)\"; done");
        var pids = (await Farm.InspectAsync("sealed")).Numbers("pids");
        foreach (var line in descriptors.Split('\n').Where(l => pids.Any(p => l.StartsWith($"/proc/{p}/", StringComparison.Ordinal))))
        {
            var target = line.Split(' ')[^1];
            Assert.True(target is "/dev/null" || target.StartsWith("socket:", StringComparison.Ordinal) || target.StartsWith("/var/log/vni/", StringComparison.Ordinal)
                || target.StartsWith("pipe:", StringComparison.Ordinal) || target.StartsWith("anon_inode:", StringComparison.Ordinal) || target.StartsWith("/.vni/", StringComparison.Ordinal), line);
        }
    }

    private async Task<IReadOnlyList<JsonElement>> AttemptAsync(bool visitor)
    {
        string[] command = [App("escape"), ForeignIp, Farm.ClientIp, Farm.Socket, Farm.DaemonPid.ToString(null, null)];
        string[] start = visitor ? [App("static")] : command;
        await Farm.VniAsync(["run", "--name", "escape", "--ip", OwnIp, "--", .. start]);
        if (visitor)
        {
            await Farm.VniAsync(["exec", "escape", "--", "/bin/sh", "-c", "\"$@\" > /var/tmp/attempts & while ! grep -q done /var/tmp/attempts; do sleep 0.05; done", "sh", .. command]);
            return Parse(await Farm.VniAsync("exec", "escape", "--", "cat", "/var/tmp/attempts"));
        }

        return Parse(await Eventually.GetAsync("the end of all attempts", () => Farm.VniAsync("logs", "escape"), log => log.EndsWith("done\n", StringComparison.Ordinal)));
    }

    private static List<JsonElement> Parse(string lines) =>
        [.. lines.Split('\n').Where(l => l.StartsWith('{')).Select(l => JsonDocument.Parse(l).RootElement)];

    private async Task<string> NeighbourAsync() => (await Farm.Client.IpAsync($"neigh show {ForeignIp}")).Split(" lladdr ")[^1].Split(' ')[0];
}
