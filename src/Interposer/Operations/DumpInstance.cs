using Vni.Actors;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Actors.Resources;
using Vni.Actors.Snapshots;
using Vni.Interposer.Checkpoint;
using Vni.Interposer.Checkpoint.Queues;
using Vni.Interposer.Resources;

namespace Vni.Interposer.Operations;

/// <summary>What is known of a frozen instance beside its images.</summary>
internal sealed record DumpedState(ResourceTable Resources, IReadOnlyList<Neighbour> Neighbours);

/// <summary>Dumps a frozen instance, and reads its resource ids and neighbours on another core meanwhile.</summary>
internal sealed class DumpInstance(InstanceKit kit)
{
    /// <summary>A CRIU that dumps: not in the instance's cgroup, or it would be frozen with it.</summary>
    public CriuSession StartSession() => CriuSession.Start(kit.Spawner, kit.CriuLaunch([kit.Cgroups.CreateSessions().Directory], overlay: null));

    /// <summary>Returns when all of it has ended, however it ends: nothing writes any more then.</summary>
    /// <param name="criu">The session, used up.</param>
    /// <param name="aid">The instance.</param>
    /// <param name="init">Its harness.</param>
    /// <param name="pids">Its processes.</param>
    /// <param name="images">Directory for the images.</param>
    /// <param name="logs">Directory for the log.</param>
    /// <param name="saveFiles">See <see cref="Dump.RunAsync"/>.</param>
    public async Task<DumpedState> RunAsync(CriuSession criu, Aid aid, int init, IReadOnlyList<int> pids, string images, string logs, Func<Task> saveFiles)
    {
        var open = OpenQueue.Find(ProcReader.Node, pids);
        var request = new DumpRequest
        {
            Aid = aid,
            InitPid = init,
            FrozenCgroup = kit.Cgroups.Find(aid).Directory,
            ImagesDirectory = images,
            LogDirectory = logs,
            Queues = open,
        };
        var dump = Dump.RunAsync(criu, request, saveFiles);
        var scan = Task.Run(() => new DumpedState(ResourceScanner.Scan(kit.OnNode(aid, init, pids), queues: true), kit.Network.ReadNeighbours(init)), CancellationToken.None);
        var queues = SaveQueuesAsync(scan, new QueueImage(kit.Spawner, kit.Options.HarnessPath, aid, images), init, open);
        await Task.WhenAll(dump, scan, queues).ConfigureAwait(false);
        return await scan.ConfigureAwait(false);
    }

    private async Task SaveQueuesAsync(Task<DumpedState> scan, QueueImage image, int init, IReadOnlyList<OpenQueue> open)
    {
        var state = await scan.ConfigureAwait(false);
        if (open.Count > 0 || state.Resources.Has(ResourceType.PosixMessageQueue)) await image.SaveAsync(init, open, kit.Cgroups.CreateSessions().Directory).ConfigureAwait(false);
    }

    /// <summary>Whether files without a name are open: CRIU's links to them are in the layer until the dump ends.</summary>
    public static bool HasRemaps(string images) => File.Exists(Path.Combine(images, "remap-fpath.img"));

    /// <summary>The manifest of what was dumped.</summary>
    public SnapshotManifest Describe(
        InstanceSpec instance, string id, DateTimeOffset created, PlatformFacts platform, DumpedState state, IReadOnlyList<SnapshotFile> files) => new()
    {
        Id = id,
        Aid = instance.Aid,
        Created = created,
        Node = kit.Options.Node,
        Epoch = instance.Epoch,
        Declaration = instance.Declaration,
        Joined = instance.Joined.Count > 0 ? instance.Joined : null,
        Identity = instance.Identity,
        Platform = platform,
        Resources = state.Resources,
        Neighbours = state.Neighbours,
        Files = files,
    };
}
