using System.Globalization;
using Vni.Actors.Interposition;

namespace Vni.Interposer.Checkpoint.Findings;

/// <summary>The mounts of an instance, from <c>/proc/PID/mountinfo</c>, see proc_pid_mountinfo(5). CRIU finds a file again by the mount
/// that it was opened on.</summary>
internal sealed class Mounts
{
    private readonly HashSet<ulong> _ids = [];
    private readonly HashSet<(uint Major, uint Minor)> _devices = [];
    private readonly SortedDictionary<ulong, string> _queues = [];
    private readonly string? _namespace;

    public Mounts(IProcReader proc, int init)
    {
        _namespace = proc.ReadLink(init, "ns/mnt");
        foreach (var line in (proc.Read(init, "mountinfo") ?? "").Split('\n'))
        {
            if (line.Split(' ', 4) is not [var id, _, var device, _] || device.Split(':') is not [var major, var minor]) continue;
            if (TypeOf(line) == "mqueue") _queues.Add(ulong.Parse(id, CultureInfo.InvariantCulture), line.Split(' ')[4]);
            _ids.Add(ulong.Parse(id, CultureInfo.InvariantCulture));
            _devices.Add((uint.Parse(major, CultureInfo.InvariantCulture), uint.Parse(minor, CultureInfo.InvariantCulture)));
        }
    }

    /// <summary>Where the file system of POSIX message queues is mounted.</summary>
    public IReadOnlyList<string> MessageQueues => [.. _queues.Values];

    /// <summary>Whether it is where a restore looks for open queues.</summary>
    public bool HasQueues => _queues.ContainsValue(Queues.QueueImage.MountPoint);

    /// <summary>Whether a file is on such a mount of the application's own.</summary>
    public bool IsMessageQueue(FileLook look) => look.Mount is { } mount && _queues.TryGetValue(mount, out var at) && at != Queues.QueueImage.MountPoint;

    /// <summary>Whether a file system is mounted in the instance.</summary>
    public bool Has(uint major, uint minor) => _devices.Contains((major, minor));

    /// <summary>Whether a file is on a mount of the instance, or where that cannot be said: of a process that has mounts of its own,
    /// and of a kernel that names none.</summary>
    public bool Has(Suspect suspect, FileLook look) =>
        look.Mount is not { } mount || _ids.Count == 0 || _ids.Contains(mount) || suspect.Proc.ReadLink(suspect.Pid, "ns/mnt") != _namespace;

    /// <summary>Finds out whether program, root and working directory are on mounts of the instance.</summary>
    public void Find(Suspect suspect)
    {
        Find(suspect, "cwd", "its working directory", "let it go to a directory of the instance");
        Find(suspect, "root", "its root directory", "run it without a sandbox of its own");
        Find(suspect, "exe", "its program", "start it from a file of the instance");
    }

    /// <summary>After the optional fields, which end with a hyphen.</summary>
    private static string? TypeOf(string line) => line.Split(" - ", 2) is [_, var rest] ? rest.Split(' ', 2)[0] : null;

    private void Find(Suspect suspect, string link, string role, string remedy)
    {
        if (suspect.Proc.Look(suspect.Pid, link) is { } look && !Has(suspect, look))
        {
            suspect.Add(FindingKinds.OutsideFile, $"has {role}, {suspect.Proc.ReadLink(suspect.Pid, link)}, on no mount of the instance", remedy);
        }
    }
}
