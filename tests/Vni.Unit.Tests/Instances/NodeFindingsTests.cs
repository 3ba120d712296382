using Vni.Actors.Applications;
using Vni.Interposer.Instances;
using Vni.Interposer.Linux;
using Xunit;

namespace Vni.Unit.Tests.Instances;

public sealed class NodeFindingsTests
{
    private static readonly NodeFacts Good = new()
    {
        Root = true,
        Kernel = "6.18.44-fc-v657",
        MissingNamespaces = [],
        Overlay = true,
        SeparateFileSystems = [],
        Cgroups = "/sys/fs/cgroup",
        MemoryLimits = "v2",
        CpuLimits = "v1",
        LinkFailure = null,
        Ipv6 = true,
        WantsIpv6 = true,
        CriuPath = "/usr/sbin/criu",
        CriuVersion = "4.2.1",
        CriuComplaint = null,
        DirtyTracking = true,
        SysResource = true,
        PipeUserPages = 0,
        PipeMaximum = 64 << 20,
        UserFaults = 1,
        StateDirectory = "/var/lib/vniakka",
        FreeBytes = 10L << 30,
    };

    public static TheoryData<string, bool, string> Defects => new()
    {
        { "privileges", true, "not running as root" },
        { "kernel", true, "5.13.9" },
        { "namespaces", true, "missing: time" },
        { "overlay file system", true, "modprobe overlay" },
        { "root file system", false, "/usr" },
        { "cgroup v2", true, "not mounted" },
        { "memory limits", false, "memory" },
        { "processor limits", false, "cpu" },
        { "network devices", true, "EOPNOTSUPP" },
        { "IPv6", true, "take network.subnet6 out" },
        { "CRIU", true, "3.17.1" },
        { "CRIU on this kernel", true, "vDSO" },
        { "iterative pre-copy", false, "not available" },
        { "resource limits of processes", false, "CAP_SYS_RESOURCE is missing" },
        { "lazy restore", false, "fs.pipe-user-pages-soft=0 fs.pipe-max-size=67108864 vm.unprivileged_userfaultfd=1" },
        { "disk space", false, "1023 MiB" },
    };

    [Fact]
    public void A_good_node_has_nothing_to_remedy() =>
        Assert.All(NodeChecks.Judge(Good), c => Assert.True(c is { Ok: true, Remedy: null }, c.Name));

    [Fact]
    public void Ipv6_is_missed_only_where_it_is_configured() =>
        Assert.True(Assert.Single(NodeChecks.Judge(Good with { Ipv6 = false, WantsIpv6 = false }), c => c.Name == "IPv6") is { Ok: true, Required: false });

    [Theory]
    [MemberData(nameof(Defects))]
    public void Each_defect_is_named_with_a_remedy(string name, bool required, string text)
    {
        var bad = new NodeFacts
        {
            Root = false,
            Kernel = "5.13.9",
            MissingNamespaces = ["time"],
            Overlay = false,
            SeparateFileSystems = ["/usr"],
            Cgroups = null,
            MemoryLimits = null,
            CpuLimits = null,
            LinkFailure = "RTM_NEWLINK 'probe0': EOPNOTSUPP",
            Ipv6 = false,
            WantsIpv6 = true,
            CriuPath = "/usr/sbin/criu",
            CriuVersion = "3.17.1",
            CriuComplaint = "vDSO is unknown",
            DirtyTracking = false,
            SysResource = false,
            PipeUserPages = 16384,
            PipeMaximum = 1 << 20,
            UserFaults = 0,
            StateDirectory = "/var/lib/vniakka",
            FreeBytes = (1L << 30) - 1,
        };
        var check = Assert.Single(NodeChecks.Judge(bad), c => c.Name == name);
        Assert.False(check.Ok);
        Assert.Equal(required, check.Required);
        Assert.Contains(text, check.Found + " " + check.Remedy, StringComparison.Ordinal);
        Assert.NotNull(check.Remedy);
    }

    [Fact]
    public void Every_check_has_a_test_of_its_defect() =>
        Assert.Equal(NodeChecks.Judge(Good).Select(c => c.Name), Defects.Select(d => (string)d[0]));

    [Theory]
    [InlineData("4.2", true)]
    [InlineData("4.10-rc1", true)]
    [InlineData("5.0", true)]
    [InlineData("4.1.1", false)]
    [InlineData("4", false)]
    [InlineData("unknown", false)]
    public void Versions_are_compared_by_number(string version, bool enough) => Assert.Equal(enough, NodeChecks.AtLeast(version, new Version(4, 2)));

    [Fact]
    public void Output_of_criu_is_read()
    {
        Assert.Equal("4.2.1", NodeProbe.ParseVersion("Version: 4.2.1\nGitID: v4.2\n"));
        Assert.Null(NodeProbe.ParseVersion("Segmentation fault"));
        Assert.Equal(
            "Dirty tracking is OFF. Memory snapshot will not work.; second",
            NodeProbe.Complaint(1, "Warn  (criu/x.c:1): no\nError (criu/cr-check.c:690): Dirty tracking is OFF. Memory snapshot will not work.\nError (criu/y.c:2): second\n"));
        Assert.Equal("Looks bad.", NodeProbe.Complaint(1, "Looks bad.\n"));
        Assert.Equal("criu check ended with status 139", NodeProbe.Complaint(139, ""));
    }

    [Fact]
    public void Cgroup_mounts_are_found_on_machines_with_one_hierarchy_and_with_both()
    {
        Assert.Equal(new CgroupMounts("/sys/fs/cgroup", null, null), CgroupMounts.Parse("cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n"));
        Assert.Equal(
            new CgroupMounts("/sys/fs/cgroup/unified", "/cg/me mory", "/cg/cpu"),
            CgroupMounts.Parse("cgroup /cg/cpu cgroup rw,relatime,cpu,cpuacct 0 0\ncgroup /cg/me\\040mory cgroup rw,memory 0 0\ncgroup /cg/set cgroup rw,cpuset 0 0\nnone /sys/fs/cgroup/unified cgroup2 rw 0 0\n"));
        Assert.Null(CgroupMounts.Parse("tmpfs /sys/fs/cgroup tmpfs rw 0 0\n"));
    }

    [Fact]
    public void Events_of_a_cgroup_are_found_by_their_whole_name()
    {
        Assert.Equal(1, CgroupFile.ParseEvent("populated 0\nfrozen 1\n", "frozen"));
        Assert.Equal(0, CgroupFile.ParseEvent("populated 0\nfrozen 1\n", "populated"));
        Assert.Null(CgroupFile.ParseEvent("populated 0\n", "frozen"));
        Assert.Null(CgroupFile.ParseEvent("frozenx 1\n", "frozen"));
    }

    [Fact]
    public void Status_of_a_process_gives_pids_of_both_namespaces_and_an_ended_one_none()
    {
        const string status = "Name:\tredis server\nState:\tS (sleeping)\nPid:\t900\nPPid:\t800\nNSpid:\t900\t3\nVmRSS:\t    2048 kB\nThreads:\t4\n";
        Assert.Equal(new LiveProcesses.Status("redis server", 900, 3, 800, 4, 2048 * 1024), LiveProcesses.Status.Parse(status));
        Assert.Null(LiveProcesses.Status.Parse(status.Replace("S (sleeping)", "Z (zombie)", StringComparison.Ordinal)));
        Assert.Equal(0, LiveProcesses.Status.Parse(status.Replace("VmRSS", "VmXXX", StringComparison.Ordinal))!.Memory);
    }
}
