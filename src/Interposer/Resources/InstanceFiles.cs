using System.Text;
using Microsoft.Win32.SafeHandles;
using Vni.Actors.Resources;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Resources;

/// <summary>What an instance has in file systems: mounts, pseudo-terminals, POSIX shared memory; and its interfaces and cgroup.</summary>
internal static class InstanceFiles
{
    public static void AddTo(FoundResources found, InstanceOnNode instance)
    {
        AddMounts(found, ProcFile.TryRead($"/proc/{instance.InitPid}/mountinfo") ?? "");
        AddInterfaces(found, ProcFile.TryRead($"/proc/{instance.InitPid}/net/dev") ?? "", instance);
        found.Add(ResourceType.Cgroup, "/", instance.Cgroup, 0);
        using var root = Libc.OpenDirectory($"/proc/{instance.InitPid}/root");
        foreach (var name in Names(root, "dev/shm").Where(name => !IsLinkOfCriu(name)))
            found.Add(ResourceType.PosixSharedMemory, "/" + name, $"/proc/{instance.InitPid}/root/dev/shm/{name}", 0, name.StartsWith("sem.", StringComparison.Ordinal) ? "semaphore" : null);
        foreach (var name in Names(root, "dev/pts").Where(name => name != "ptmx"))
            found.Add(ResourceType.Pty, $"/dev/pts/{name}", $"/proc/{instance.InitPid}/root/dev/pts/{name}", 0);
    }

    /// <summary>While it dumps, CRIU gives open files that have lost their name one of this form.</summary>
    private static bool IsLinkOfCriu(string name) =>
        name.StartsWith("link_remap.", StringComparison.Ordinal) && int.TryParse(name.AsSpan("link_remap.".Length), out _);

    /// <summary>Of proc_pid_mountinfo(5): the mount's number, and its mount point with some characters in octal.</summary>
    internal static void AddMounts(FoundResources found, string mountinfo)
    {
        foreach (var line in mountinfo.Split('\n'))
        {
            var fields = line.Split(' ');
            if (fields.Length < 10) continue;
            var kind = fields[Array.IndexOf(fields, "-") + 1]; // Optional fields end with a hyphen.
            found.Add(ResourceType.Mount, Unescape(fields[4]), fields[0], 0, kind);
        }
    }

    /// <summary>Of proc_pid_net(5): two lines of titles, then one for each interface, its name before a colon. An instance cannot make
    /// any; others than these two come from the node's kernel, which gives some to every namespace once their module is loaded.</summary>
    internal static void AddInterfaces(FoundResources found, string dev, InstanceOnNode instance)
    {
        string? network = null;
        foreach (var line in dev.Split('\n').Skip(2))
        {
            if (line.IndexOf(':') is not (> 0 and var colon)) continue;
            var name = line[..colon].Trim();
            if (name is not ("eth0" or "lo")) continue;
            network ??= ProcLinks.TryReadLink($"/proc/{instance.InitPid}/ns/net");
            found.Add(ResourceType.Interface, name, name == "eth0" ? instance.Port : $"{network}/{name}", 0);
        }
    }

    /// <summary>The application can put a link wherever it likes: it is followed as far as the application itself could.</summary>
    private static IEnumerable<string> Names(SafeFileHandle root, string path)
    {
        try
        {
            using var directory = Libc.OpenInRoot(root, Encoding.UTF8.GetBytes(path + '\0'));
            return [.. Directory.EnumerateFiles($"/proc/self/fd/{directory.DangerousGetHandle()}").Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];
        }
        catch (IOException)
        {
            return []; // Not there, or no directory.
        }
    }

    private static string Unescape(string path) => path.Contains('\\', StringComparison.Ordinal)
        ? path.Replace("\\040", " ").Replace("\\011", "\t").Replace("\\012", "\n").Replace("\\134", "\\")
        : path;
}
