using System.Diagnostics;
using System.Net;
using Vni.Interposer.Linux;
using Vni.Interposer.Network;
using Xunit;

namespace Vni.Linux.Tests.Network;

/// <summary>What a process in a guarded cgroup can bind, with <c>IP_FREEBIND</c>, which lets it bind anything otherwise.</summary>
public sealed class BindGuardTests
{
    private const string Binder = """
        import socket, sys
        sys.stdin.readline()
        for address in sys.argv[1:]:
            s = socket.socket(socket.AF_INET6 if ':' in address else socket.AF_INET, socket.SOCK_DGRAM)
            s.setsockopt(socket.IPPROTO_IP, 15, 1)
            if ':' in address: s.setsockopt(socket.IPPROTO_IPV6, 78, 1)
            try: s.bind((address, 0)); print(address)
            except PermissionError: pass
        """;

    private static readonly string[] Allowed =
        ["0.0.0.0", "127.0.0.1", "127.8.9.10", "10.217.0.5", "::", "::1", "::ffff:0.0.0.0", "::ffff:127.0.0.1", "::ffff:10.217.0.5"];

    private static readonly string[] Refused =
        ["10.217.0.6", "192.168.1.1", "5.0.217.10", "128.0.0.0", "255.255.255.255", "fd00::1", "2001:db8::1", "::2", "::ffff:10.217.0.6", "::1:0:1"];

    [Fact]
    public void A_process_binds_its_own_address_the_wildcard_and_loopback_only()
    {
        using var cgroup = new TestCgroup();
        Assert.Equal([.. Allowed, .. Refused], Bind(cgroup, [.. Allowed, .. Refused]));
        BindGuard.Attach(cgroup.Path, IPAddress.Parse("10.217.0.5"), null);
        Assert.Equal(Allowed, Bind(cgroup, [.. Allowed, .. Refused]));
    }

    [Fact]
    public void One_that_has_an_ipv6_address_binds_that_too_and_none_that_differs_in_any_part()
    {
        string[] own = ["fd00:217::5"], others = ["fd00:217::6", "fd00:218::5", "fd00:217:0:1::5", "fd00:217::1:0:5", "::5", "fe80::5", "2001:db8::1", "::ffff:10.217.0.6"];
        using var cgroup = new TestCgroup();
        BindGuard.Attach(cgroup.Path, IPAddress.Parse("10.217.0.5"), IPAddress.Parse("fd00:217::5"));
        Assert.Equal([.. Allowed, .. own], Bind(cgroup, [.. Allowed, .. own, .. others]));
    }

    [Fact]
    public void Attaching_again_takes_the_place_of_the_first()
    {
        using var cgroup = new TestCgroup();
        BindGuard.Attach(cgroup.Path, IPAddress.Parse("10.217.0.5"), null);
        BindGuard.Attach(cgroup.Path, IPAddress.Parse("10.217.0.6"), null);
        Assert.Equal(["10.217.0.6"], Bind(cgroup, ["10.217.0.5", "10.217.0.6"]));
    }

    [Fact]
    public void A_program_that_the_verifier_refuses_is_explained()
    {
        var refused = Assert.Throws<LinuxException>(() => Bpf.Load(
            BpfProgramType.SchedCls, BpfAttachType.None, new BpfAssembler().Load(BpfSize.Word, BpfRegister.R2, BpfRegister.R5, 0).Return(0).Assemble(), "bad"));
        Assert.Contains("R5 !read_ok", refused.Message);
    }

    /// <summary>Which of the addresses a process in the cgroup, in a network namespace without any, could bind.</summary>
    private static string[] Bind(TestCgroup cgroup, params IEnumerable<string> addresses)
    {
        var start = new ProcessStartInfo("unshare") { RedirectStandardInput = true, RedirectStandardOutput = true, UseShellExecute = false };
        foreach (var argument in (string[])["--net", "/usr/bin/python3", "-c", Binder, .. addresses]) start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        cgroup.Add(process.Id);
        process.StandardInput.WriteLine();
        var bound = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return bound.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    /// <summary>A directory of the cgroup2 hierarchy.</summary>
    private sealed class TestCgroup : IDisposable
    {
        public TestCgroup()
        {
            var mount = File.ReadLines("/proc/self/mounts").Select(l => l.Split(' ')).First(f => f[2] == "cgroup2")[1];
            Path = System.IO.Path.Combine(mount, $"vni-test-{Guid.NewGuid():n}");
            Directory.CreateDirectory(Path);
        }

        public string Path { get; }

        public void Add(int pid) => File.WriteAllText(System.IO.Path.Combine(Path, "cgroup.procs"), pid.ToString());

        public void Dispose() => Directory.Delete(Path);
    }
}
