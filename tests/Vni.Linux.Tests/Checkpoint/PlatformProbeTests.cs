using System.Net;
using Vni.Actors;
using Vni.Interposer;
using Vni.Interposer.Checkpoint;
using Vni.Interposer.Linux;
using Xunit;

namespace Vni.Linux.Tests.Checkpoint;

public sealed class PlatformProbeTests : IDisposable
{
    private readonly PidfdWatcher _watcher = new();

    public void Dispose() => _watcher.Dispose();

    [Fact]
    public async Task The_node_is_what_its_own_tools_say()
    {
        var facts = await new PlatformProbe(Options(Programs.Criu), new ProcessSpawner(_watcher)).GetAsync(CancellationToken.None);
        Assert.Equal(Programs.Run("uname", "-m").Trim(), facts.Architecture);
        Assert.Equal(Programs.Run("uname", "-r").Trim(), facts.Kernel);
        Assert.Contains($"Version: {facts.Criu}", Programs.Run(Programs.Criu, "--version"));
        Assert.NotEmpty(facts.CpuFeatures);
        Assert.NotEmpty(facts.CpuModel);
    }

    [Theory]
    [InlineData("/no/such/criu")]
    [InlineData("/bin/true")]
    public async Task What_is_not_Criu_is_refused_and_asked_again_next_time(string path)
    {
        var probe = new PlatformProbe(Options(path), new ProcessSpawner(_watcher));
        for (var i = 0; i < 2; i++)
        {
            var e = await Assert.ThrowsAsync<VniException>(() => probe.GetAsync(CancellationToken.None));
            Assert.Equal(ErrorCodes.NodeIncapable, e.Code);
            Assert.Contains(path, e.Message);
        }
    }

    private static InterposerOptions Options(string criu) => new()
    {
        Node = "test",
        StateDirectory = "/var/empty",
        RuntimeDirectory = "/dev/shm",
        HarnessPath = "/bin/false",
        CriuPath = criu,
        Network = new NetworkOptions { Subnet = IPAddress.Parse("10.0.0.0"), PrefixLength = 24 },
    };
}
