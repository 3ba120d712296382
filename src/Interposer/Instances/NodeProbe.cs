using System.Globalization;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Instances;

/// <summary>Finds out what this machine offers.</summary>
internal sealed class NodeProbe(InterposerOptions options, IProcessSpawner spawner, EpollLoop loop)
{
    private const int CapSysResource = 24; // linux/capability.h
    private static readonly string[] Namespaces = ["user", "net", "pid", "ipc", "uts", "mnt", "time"];
    private static readonly string[] ProgramDirectories = ["/usr", "/bin", "/lib", "/etc", "/var", "/opt"];

    /// <summary>Looks at everything.</summary>
    public async Task<NodeFacts> LookAsync(CancellationToken cancellationToken)
    {
        var version = await CriuVersionAsync(cancellationToken).ConfigureAwait(false);
        var mounts = CgroupMounts.Parse(ProcFile.TryRead("/proc/self/mounts") ?? "");
        var cgroups = mounts is null ? null : new CgroupTree(options.Node, loop, mounts);
        return new NodeFacts
        {
            Root = Libc.EffectiveUser() == 0,
            Kernel = (ProcFile.TryRead("/proc/sys/kernel/osrelease") ?? "unknown").TrimEnd(),
            MissingNamespaces = [.. Namespaces.Where(n => !File.Exists($"/proc/self/ns/{n}"))],
            Overlay = (ProcFile.TryRead("/proc/filesystems") ?? "").Split('\n').Any(l => l.EndsWith("\toverlay", StringComparison.Ordinal)),
            SeparateFileSystems = SeparateFileSystems(),
            Cgroups = mounts?.Unified,
            MemoryLimits = cgroups?.Enforcer("memory"),
            CpuLimits = cgroups?.Enforcer("cpu"),
            LinkFailure = LinkProbe.Try(),
            Ipv6 = Sysctl.HasIpv6,
            WantsIpv6 = options.Network.Subnet6 is not null,
            CriuPath = options.CriuPath,
            CriuVersion = version,
            CriuComplaint = version is null ? "CRIU does not run" : await CriuCheckAsync([], cancellationToken).ConfigureAwait(false),
            DirtyTracking = version is not null && await CriuCheckAsync(["--feature", "mem_dirty_track"], cancellationToken).ConfigureAwait(false) is null,
            SysResource = (EffectiveCapabilities() >> CapSysResource & 1) != 0,
            PipeUserPages = Number("/proc/sys/fs/pipe-user-pages-soft"),
            PipeMaximum = Number("/proc/sys/fs/pipe-max-size"),
            UserFaults = Number("/proc/sys/vm/unprivileged_userfaultfd"),
            StateDirectory = options.StateDirectory,
            FreeBytes = Directory.Exists(options.StateDirectory) ? new DriveInfo(options.StateDirectory).AvailableFreeSpace : -1,
        };
    }

    /// <summary>CRIU's version, such as <c>4.2.1</c>; <c>null</c> when it is not there or does not run.</summary>
    public async Task<string?> CriuVersionAsync(CancellationToken cancellationToken)
    {
        try
        {
            var (status, output) = await ProgramRun.RunAsync(spawner, loop, options.CriuPath, ["--version"], cancellationToken).ConfigureAwait(false);
            return status == 0 ? ParseVersion(output) : null;
        }
        catch (LinuxException)
        {
            return null;
        }
    }

    /// <summary>The number after <c>Version:</c>.</summary>
    internal static string? ParseVersion(string output) => output.Split('\n')
        .Where(l => l.StartsWith("Version:", StringComparison.Ordinal))
        .Select(l => l["Version:".Length..].Trim())
        .FirstOrDefault();

    /// <summary>What <c>criu check</c> says is wrong, the lines with errors if there are such; they carry no more than
    /// the place in CRIU's source that the reader does not need.</summary>
    internal static string Complaint(int status, string output)
    {
        var lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var errors = lines.Where(l => l.StartsWith("Error", StringComparison.Ordinal)).Select(l => l[(l.IndexOf("): ", StringComparison.Ordinal) is var at and >= 0 ? at + 3 : 0)..]).ToArray();
        return errors.Length > 0 ? string.Join("; ", errors) : lines.LastOrDefault() ?? $"criu check ended with status {status}";
    }

    /// <summary><c>null</c>: nothing is wrong. CRIU runs in the harness's mount namespace, as it does later, so that it
    /// leaves no cache in the node's <c>/run</c>.</summary>
    private async Task<string?> CriuCheckAsync(IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        try
        {
            var (status, output) = await ProgramRun.RunAsync(
                spawner,
                loop,
                options.HarnessPath,
                ["criu", "--run", options.RuntimeDirectory, "--", options.CriuPath, "check", .. arguments],
                cancellationToken).ConfigureAwait(false);
            return status == 0 ? null : Complaint(status, output);
        }
        catch (LinuxException e)
        {
            return e.Message;
        }
    }

    private static IReadOnlyList<string> SeparateFileSystems()
    {
        if (Libc.LookAt("/") is not { } root) return [];
        return [.. ProgramDirectories.Where(d => Libc.RealPath(d) is { } real && Libc.LookAt(real) is { } s && (s.DeviceMajor, s.DeviceMinor) != (root.DeviceMajor, root.DeviceMinor))];
    }

    private static ulong EffectiveCapabilities()
    {
        foreach (var line in (ProcFile.TryRead("/proc/self/status") ?? "").Split('\n'))
        {
            if (line.StartsWith("CapEff:", StringComparison.Ordinal)) return ulong.Parse(line["CapEff:".Length..].Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        }

        return 0;
    }

    private static long Number(string path) => long.TryParse(ProcFile.TryRead(path), NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out var value) ? value : -1;
}
