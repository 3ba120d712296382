using System.Net;
using Vni.Actors.Identity;
using Vni.Interposer.Network;
using Vni.Linux.Tests.Checkpoint;
using Xunit;

namespace Vni.Linux.Tests.Network;

/// <summary>Connections of an instance that has gone back in time are reset, those of its own processes are not.</summary>
public sealed class StaleConnectionsTests
{
    /// <summary>Each line says how one connection ended: by a reset or not within a moment of the word to look.</summary>
    private const string Program = """
        import socket, time, os
        def pair(family, own, far):
            server = socket.socket(family); server.bind((far, 0)); server.listen()
            client = socket.socket(family); client.bind((own, 0)); client.connect((far, server.getsockname()[1]))
            return client, server.accept()[0]
        pairs = [pair(*p) for p in [(socket.AF_INET, "10.9.0.2", "10.9.0.3"), (socket.AF_INET6, "fd00:9::2", "fd00:9::3"), (socket.AF_INET6, "::ffff:10.9.0.2", "::ffff:10.9.0.3"),
                                    (socket.AF_INET, "127.0.0.1", "127.0.0.1"), (socket.AF_INET6, "::1", "::1")]]
        open("/var/tmp/connected", "w").close()
        while not os.path.exists("/var/tmp/look"): time.sleep(0.01)
        with open("/var/tmp/result.new", "w") as result:
            for client, far in pairs:
                client.settimeout(0.2)
                try: client.recv(1); result.write("end ")
                except TimeoutError: result.write("open ")
                except ConnectionError: result.write("reset ")
        os.rename("/var/tmp/result.new", "/var/tmp/result")
        time.sleep(1000)
        """;

    [Fact]
    public async Task Connections_of_both_families_that_leave_the_instance_are_reset()
    {
        await using var instance = await TestInstance.StartAsync(["/bin/sh", "-c", "while [ ! -e /var/tmp/go ]; do sleep 0.01; done; exec python3 -c \"$0\"", Program]);
        foreach (var address in new[] { "10.9.0.2/24", "10.9.0.3/24", "fd00:9::2/64", "fd00:9::3/64" })
            Programs.Run("nsenter", "-n", "-t", instance.InitPid.ToString(), "ip", "address", "add", address, "dev", "lo", "nodad");
        Say(instance, "go");
        await TestInstance.UntilAsync(() => Exists(instance, "connected"), "the connections");
        var identity = new VirtualIdentity("10.9.0.2", 24, VirtualIdentity.MacOf(IPAddress.Parse("10.9.0.2")), "app") { Ip6 = "fd00:9::2", PrefixLength6 = 64 };
        Assert.Equal(3, StaleConnections.Reset(instance.InitPid, identity));
        Say(instance, "look");
        await TestInstance.UntilAsync(() => Exists(instance, "result"), "the result");
        Assert.Equal("reset reset reset open open", (await File.ReadAllTextAsync(Path.Combine(instance.Upper, "var/tmp/result"))).Trim());
    }

    private static void Say(TestInstance instance, string word) => Programs.Run("nsenter", "-m", "-t", instance.InitPid.ToString(), "touch", $"/var/tmp/{word}");

    private static bool Exists(TestInstance instance, string word) => File.Exists(Path.Combine(instance.Upper, "var/tmp", word));
}
