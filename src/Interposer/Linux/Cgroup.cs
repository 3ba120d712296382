using Microsoft.Win32.SafeHandles;

namespace Vni.Interposer.Linux;

/// <summary>
/// One cgroup of the v2 hierarchy (cgroups(7), <c>Documentation/admin-guide/cgroup-v2.rst</c>), with its twins in v1
/// hierarchies where those enforce its limits. Waiting is for the kernel's notice that <c>cgroup.events</c> has changed.
/// </summary>
internal sealed class Cgroup(string directory, IReadOnlyList<string> twins, EpollLoop loop)
{
    /// <summary>Absolute path in the v2 hierarchy.</summary>
    public string Directory { get; } = directory;

    /// <summary>All directories whose <c>cgroup.procs</c> a member belongs in, the v2 one first.</summary>
    public IReadOnlyList<string> Directories { get; } = [directory, .. twins];

    /// <summary>Whether it still exists.</summary>
    public bool Exists => System.IO.Directory.Exists(Directory);

    /// <summary>Whether all of its processes are frozen, or would be.</summary>
    public bool IsFrozen => ReadEvent("frozen") == 1;

    /// <summary>Whether it holds a live process.</summary>
    public bool IsPopulated => ReadEvent("populated") == 1;

    /// <summary>Stops all processes; returns when none runs any more, typically after less than a millisecond.</summary>
    public async Task FreezeAsync(CancellationToken cancellationToken)
    {
        CgroupFile.Write(Directory, "cgroup.freeze", "1");
        await WaitForAsync("frozen", 1, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Lets all processes run again; returns when the kernel says so.</summary>
    public async Task ThawAsync(CancellationToken cancellationToken)
    {
        CgroupFile.Write(Directory, "cgroup.freeze", "0");
        await WaitForAsync("frozen", 0, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Sends SIGKILL to all processes, frozen ones included; they take a moment to end.</summary>
    public void Kill()
    {
        if (Exists) CgroupFile.Write(Directory, "cgroup.kill", "1");
    }

    /// <summary>Returns when no live process is left.</summary>
    public Task WaitUntilEmptyAsync(CancellationToken cancellationToken) => WaitForAsync("populated", 0, cancellationToken);

    /// <summary>Pids in the node's PID namespace, ended ones that nobody has reaped included; empty when it does not exist.</summary>
    public IReadOnlyList<int> Pids()
    {
        var text = CgroupFile.TryRead(Directory, "cgroup.procs") ?? "";
        return [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse)];
    }

    /// <summary>Waits until it is empty and removes it, twins included; nothing happens when it does not exist.</summary>
    public async Task RemoveAsync(CancellationToken cancellationToken)
    {
        if (Exists) await WaitUntilEmptyAsync(cancellationToken).ConfigureAwait(false);

        // The twins first: while the v2 directory exists, a new daemon knows of them.
        foreach (var path in Directories.Reverse()) CgroupFile.RemoveDirectory(path);
    }

    /// <summary>How often the file is read before its notice is waited for: a few milliseconds in all.</summary>
    private const int Looks = 200;

    /// <summary>How often it is read a millisecond apart after that.</summary>
    private const int Polls = 50;

    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(1);

    /// <summary>Returns when a value of <c>cgroup.events</c> is as wished; at once for an empty and for a missing cgroup.</summary>
    private async Task WaitForAsync(string key, int value, CancellationToken cancellationToken)
    {
        if ((ReadEvent(key) ?? value) == value) return;
        SafeFileHandle events;
        try
        {
            events = File.OpenHandle(Path.Combine(Directory, "cgroup.events"));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return;
        }

        // The kernel sends at most one notice in 10 ms (CGROUP_FILE_NOTIFY_MIN_INTV); freezing takes far less.
        var (spin, polls) = (new SpinWait(), 0);
        for (var look = 0; look < Looks; look++)
        {
            if ((ReadEvent(key) ?? value) == value) return;
            spin.SpinOnce(sleep1Threshold: -1);
        }

        using (events)
        {
            // Reading tells the kernel from where on a change is news, so nothing is missed between look and wait.
            while ((CgroupFile.ReadEvent(events, key) ?? value) != value)
            {
                var changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                var registration = loop.Add(events, PollEvents.Changed, () => changed.TrySetResult());
                try
                {
                    // What takes milliseconds, such as the end of killed processes, is over before its notice comes.
                    var next = polls++ < Polls ? Task.WhenAny(changed.Task, Task.Delay(Poll, TimeProvider.System, cancellationToken)) : changed.Task;
                    await next.WaitAsync(cancellationToken).ConfigureAwait(false);
                }
                finally
                {
                    loop.Remove(events, registration);
                }
            }
        }
    }

    private int? ReadEvent(string key) => CgroupFile.TryRead(Directory, "cgroup.events") is { } text ? CgroupFile.ParseEvent(text, key) : null;
}
