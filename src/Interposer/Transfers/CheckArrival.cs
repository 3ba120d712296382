using System.Globalization;
using System.Net;
using Vni.Actors.Interposition;
using Vni.Actors.Snapshots;
using Vni.Interposer.Linux;
using Vni.Interposer.Operations;

namespace Vni.Interposer.Transfers;

/// <summary>Whether this node can take an instance: everything that speaks against it, of files the first.</summary>
internal sealed class CheckArrival(InstanceKit kit)
{
    public async Task<IReadOnlyList<string>> RunAsync(InstanceSpec instance, InstanceFacts facts, CancellationToken cancellationToken)
    {
        var platform = await kit.Platform.GetAsync(cancellationToken).ConfigureAwait(false);
        var found = new List<string>();
        if (facts.Memory > 0) found.AddRange(Compatibility.Check(facts.Platform, platform));
        if (kit.Live.FindInit(instance.Aid) is not null) found.Add($"an instance of it runs on node {kit.Options.Node} already");
        if (instance.Identity.Ip6 is { } ip6 && kit.Options.Network.Subnet6?.Contains(IPAddress.Parse(ip6)) != true) found.Add($"its IPv6 address {ip6} is in no range that this node is configured with (network.subnet6)");
        CheckRoom(facts, found);
        if (!Directory.Exists(instance.Declaration.Root))
        {
            found.Add($"its root {instance.Declaration.Root} is no directory here");
            return found;
        }

        foreach (var file in facts.Files)
        {
            if (file.Path.Length is 0 or > 4095 || file.Path[0] != '/' || file.Path.Contains('\0')) found.Add("it needs a file of an impossible name");
            else if (RootFiles.Difference(file, await RootFiles.FindAsync(instance.Declaration.Root, file.Path, cancellationToken).ConfigureAwait(false)) is { } difference) found.Add(difference);
            else continue;
            break;
        }

        return found;
    }

    private void CheckRoom(InstanceFacts facts, List<string> found)
    {
        // Its images, and the memory that is made of them, are there at the same time.
        var memory = facts.Memory == 0 ? 0 : (2 * facts.Memory) + (facts.Memory / 10);
        if (Available() is { } free && memory > free) found.Add($"it needs {Megabytes(memory)} of memory while it arrives, and {Megabytes(free)} are free here");
        var disk = new DriveInfo(kit.Options.StateDirectory).AvailableFreeSpace;
        if (facts.Layer + (facts.Layer / 10) > disk) found.Add($"its layer needs {Megabytes(facts.Layer)} of disk, and {Megabytes(disk)} are free here");
    }

    private static string Megabytes(long bytes) => $"{bytes / (1 << 20)} MiB";

    /// <summary><c>MemAvailable</c> of <c>/proc/meminfo</c>, in bytes.</summary>
    private static long? Available()
    {
        foreach (var line in (ProcFile.TryRead("/proc/meminfo") ?? "").Split('\n'))
        {
            if (line.StartsWith("MemAvailable:", StringComparison.Ordinal)) return 1024 * long.Parse(line["MemAvailable:".Length..].Trim().Split(' ')[0], CultureInfo.InvariantCulture);
        }

        return null;
    }
}
