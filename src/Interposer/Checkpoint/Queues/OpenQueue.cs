using Vni.Interposer.Linux;

namespace Vni.Interposer.Checkpoint.Queues;

/// <summary>A POSIX message queue that a process has open; see mq_overview(7).</summary>
/// <param name="Path">Where the node finds it: <c>/proc/PID/fd/N</c>.</param>
/// <param name="Mount">Number of the mount through which it was opened.</param>
/// <param name="Inode">Its number.</param>
/// <param name="Name">Its name without the slash; the one that it gets while it is restored, if it has none any more.</param>
/// <param name="IsUnlinked">Whether it has lost its name (mq_unlink(3)).</param>
internal sealed record OpenQueue(string Path, ulong Mount, ulong Inode, string Name, bool IsUnlinked)
{
    /// <summary>What CRIU is told to call it in the images, instead of looking for its mount.</summary>
    public string ExternalId => $"file[{Mount:x}:{Inode:x}]";

    /// <summary>All that processes have open; one that several have is there several times.</summary>
    /// <param name="proc">What is known of processes.</param>
    /// <param name="pids">Of frozen processes, by pid of the node.</param>
    public static IReadOnlyList<OpenQueue> Find(IProcReader proc, IReadOnlyList<int> pids)
    {
        var found = new List<OpenQueue>();
        foreach (var pid in pids)
        {
            var slots = proc.Read(pid, "status") is { } status ? new ProcStatus(status).DescriptorSlots : 0;
            for (var fd = 0; fd < slots; fd++)
            {
                var name = $"fd/{fd}";

                if (proc.ReadLink(pid, name) is not { } link || !MayBe(link) || !proc.IsMessageQueue(pid, name)) continue;
                if (proc.Look(pid, name) is not { Mount: { } mount } look) continue;
                found.Add(new OpenQueue($"/proc/{pid}/{name}", mount, look.Inode, look.Links > 0 ? link[(link.LastIndexOf('/') + 1)..] : $".vni-unlinked-{look.Inode}", look.Links == 0));
            }
        }

        return found;
    }

    /// <summary>mq_open(3) goes by a mount of the kernel's own, of which nothing of a path can be seen; a restored queue was opened by its file.</summary>
    private static bool MayBe(string link) => link.LastIndexOf('/') == 0 || link.StartsWith($"{QueueImage.MountPoint}/", StringComparison.Ordinal);
}
