using Vni.Actors;
using Vni.Actors.Identity;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Checkpoint.Queues;

/// <summary>
/// POSIX message queues, which CRIU does not save: an image of ours beside CRIU's, written and read by the harness. A queue can
/// be read only by emptying it; the harness fills it again at once, and ends for no signal before it has, whatever becomes of
/// the daemon. <c>docs/snapshot-format.md</c> has the image.
/// </summary>
/// <param name="spawner">Starts the harness.</param>
/// <param name="harness">Its path.</param>
/// <param name="aid">The application, for messages.</param>
/// <param name="images">Directory of the images.</param>
internal sealed class QueueImage(IProcessSpawner spawner, string harness, Aid aid, string images)
{
    /// <summary>Name of the image; there is none without queues.</summary>
    public const string Name = "posix-queues.img";

    /// <summary>Where an instance has the queues' file system.</summary>
    public const string MountPoint = "/dev/mqueue";

    /// <summary>The harness has the directory of the images at this descriptor.</summary>
    private const int ImagesDescriptor = 4;

    /// <summary>The harness found a queue that cannot be saved, and touched none.</summary>
    private const int Refused = 3;

    /// <summary>Whether the images have queues with them.</summary>
    public bool Exists => File.Exists(Path.Combine(images, Name));

    /// <summary>Saves all queues of a frozen instance, and leaves them as they were.</summary>
    /// <param name="init">Its first process.</param>
    /// <param name="open">What its processes have open.</param>
    /// <param name="sessions">The cgroup that a daemon that starts waits for before it lets anything run.</param>
    /// <exception cref="VniException"><see cref="ErrorCodes.NotDumpable"/>: a process waits for a notification;
    /// <see cref="ErrorCodes.NoSpace"/>, <see cref="ErrorCodes.DumpFailed"/>.</exception>
    public async Task SaveAsync(int init, IReadOnlyList<OpenQueue> open, string sessions)
    {
        var unlinked = open.Where(q => q.IsUnlinked).DistinctBy(q => q.Inode).SelectMany(q => new[] { q.Path, q.Name });
        var (status, output) = await RunAsync("save", init, [sessions, .. unlinked]).ConfigureAwait(false);
        if (status == 0) return;
        if (status == Refused) throw new VniException(ErrorCodes.NotDumpable, $"application {aid} cannot be saved: of a POSIX message queue a process waits for a {output}; the kernel does not tell what it is to be told");
        if (output.Contains("No space left on device", StringComparison.Ordinal)) throw new VniException(ErrorCodes.NoSpace, $"the POSIX message queues of application {aid} could not be saved: no space is left; free some and try again");
        throw new VniException(ErrorCodes.DumpFailed, $"the POSIX message queues of application {aid} could not be saved: {output}; it is as it was");
    }

    /// <summary>Makes the queues anew in an instance whose namespaces exist and whose processes have nothing open yet.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.RestoreFailed"/>.</exception>
    public Task RestoreAsync(int init) => RebuildAsync("restore", init);

    /// <summary>Takes back what was there for CRIU alone, when all is open.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.RestoreFailed"/>.</exception>
    public Task SettleAsync(int init) => RebuildAsync("settle", init);

    private async Task RebuildAsync(string step, int init)
    {
        var (status, output) = await RunAsync(step, init, []).ConfigureAwait(false);
        if (status != 0) throw new VniException(ErrorCodes.RestoreFailed, $"the POSIX message queues of application {aid} could not be made anew: {output}");
    }

    private async Task<(int Status, string Output)> RunAsync(string step, int init, IEnumerable<string> more)
    {
        using var directory = Libc.OpenDirectory(images);
        var (status, output) = await Tool.RunAsync(spawner, harness, ["queues", step, $"{init}", .. more], (ImagesDescriptor, directory)).ConfigureAwait(false);
        return (status, output.Trim());
    }
}
