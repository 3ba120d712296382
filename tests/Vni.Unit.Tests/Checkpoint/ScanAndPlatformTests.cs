using Vni.Actors.Resources;
using Vni.Actors.Snapshots;
using Vni.Interposer.Checkpoint;
using Vni.Interposer.Resources;
using Xunit;

namespace Vni.Unit.Tests.Checkpoint;

public sealed class ScanAndPlatformTests
{
    [Fact]
    public void Processes_are_listed_by_their_virtual_ids_and_the_nodes_are_left_out()
    {
        var proc = new FakeProc().Add(205, "worker", "3", 2, 2, parent: 107, threads: 3).Add(107, "boss", "2", 2, 2)
            .File(205, "task/205/status", "Name:\tw\nNSpid:\t205\t3\n").File(205, "task/300/status", "Name:\tw\nNSpid:\t300\t12\n").File(205, "task/299/status", "Name:\tw\nNSpid:\t299\t4\n")
            .File(50, "status", "Name:\tcriu\nNSpid:\t50\nNSpgid:\t50\nNSsid:\t50\nPPid:\t1\nThreads:\t1\n");
        var found = InstanceProcesses.Describe(InstanceProcesses.Read(proc, 100, [205, 50, 107, 100, 999]));
        Assert.Equal([1, 2, 3], found.Select(p => p.Pid));
        Assert.Equal([0, 1, 2], found.Select(p => p.Parent));
        Assert.Equal([3, 4, 12], found[2].Threads);
        Assert.Equal(("boss", 2, 2), (found[1].Command, found[1].Group, found[1].Session));
        Assert.Equal([2], found[1].Threads);
    }

    [Fact]
    public void Tables_of_proc_sysvipc_are_read_by_column_name()
    {
        const string text = "       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n     20883          0   600          1     0     0     0     0          0 1795364089\n        -5      32769   640          2     0     0     0     0          0 1795364089\n";
        var rows = SysVObjects.Parse(text).ToList();
        Assert.Equal([(20883L, 0L, 1L), (-5L, 32769L, 2L)], rows.Select(r => (r["key"], r["semid"], r["nsems"])));
    }

    [Fact]
    public void Names_with_escapes_are_read_as_they_are() => Assert.Equal("a\\b\nc", new ProcStatus("Name:\ta\\\\b\\nc\n").Name);

    [Fact]
    public void A_node_that_has_all_the_snapshot_needs_is_compatible()
    {
        var snapshot = Facts("x86_64", "4.2", "avx", "sse2");
        Assert.Empty(Compatibility.Check(snapshot, snapshot));
        Assert.Empty(Compatibility.Check(snapshot, Facts("x86_64", "4.2.1", "avx", "avx2", "sse2") with { Kernel = "5.10" }));
    }

    [Fact]
    public void What_the_node_lacks_is_named()
    {
        var found = Compatibility.Check(Facts("x86_64", "4.2.1", "amx_tile", "avx512f", "sse2"), Facts("x86_64", "4.2", "sse2") with { CpuModel = "Old CPU" });
        Assert.Equal(
            ["the node's processor (Old CPU) lacks amx_tile, avx512f, which the processes may use", "it was taken with CRIU 4.2.1 and the node has 4.2"],
            found);
        Assert.Equal("it was taken on architecture x86_64 and the node is aarch64", Assert.Single(Compatibility.Check(Facts("x86_64", "4.2", "avx"), Facts("aarch64", "4.2", "sve"))));
    }

    [Fact]
    public void Cpu_features_are_those_that_programs_can_use()
    {
        const string x86 = "processor\t: 0\nmodel name\t: Intel(R) Xeon(R) Processor\nflags\t\t: fpu sse2 avx constant_tsc rep_good pti ibrs avx512f\nbugs\t\t: spectre_v1\n";
        var (model, features) = PlatformProbe.ParseCpu(x86 + "\n" + x86);
        Assert.Equal("Intel(R) Xeon(R) Processor", model);
        Assert.Equal(["avx", "avx512f", "fpu", "sse2"], features);
        Assert.Equal(["asimd", "fp", "sve"], PlatformProbe.ParseCpu("processor\t: 0\nFeatures\t: fp asimd sve\n").Features);
    }

    [Fact]
    public void Criu_is_started_with_its_own_run_directory_cgroups_and_overlay()
    {
        var launch = new CriuLaunch { HarnessPath = "/h", CriuPath = "/c", RuntimeDirectory = "/r" };
        Assert.Equal(["criu", "--run", "/r", "--", "/c", "--no-default-config", "swrk", "3"], launch.Arguments(3));
        Assert.Equal(
            ["criu", "--run", "/r", "--cgroup", "/a", "--cgroup", "/b", "--overlay", "/", "/u", "/w", "/m", "--", "/c", "--no-default-config", "swrk", "3"],
            (launch with { Cgroups = ["/a", "/b"], Overlay = new OverlayMount("/", "/u", "/w", "/m") }).Arguments(3));
    }

    private static PlatformFacts Facts(string architecture, string criu, params string[] features) =>
        new() { Architecture = architecture, Kernel = "6.18", Criu = criu, CpuFeatures = features };
}
