using Vni.Actors;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Actors.Resources;
using Vni.Actors.Snapshots;
using Vni.Interposer.Checkpoint;
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
        var request = new DumpRequest
        {
            Aid = aid,
            InitPid = init,
            FrozenCgroup = kit.Cgroups.Find(aid).Directory,
            ImagesDirectory = images,
            LogDirectory = logs,
        };
        var dump = Dump.RunAsync(criu, request, saveFiles);
        var scan = Task.Run(() => new DumpedState(ResourceScanner.Scan(kit.OnNode(aid, init, pids), queues: true), kit.Network.ReadNeighbours(init)), CancellationToken.None);
        await Task.WhenAll(dump, scan).ConfigureAwait(false);
        var state = await scan.ConfigureAwait(false);
        RefuseQueues(aid, state.Resources);
        return state;
    }

    /// <summary>CRIU saves no POSIX message queue, and does not say so when none is open at the moment.</summary>
    private static void RefuseQueues(Aid aid, ResourceTable resources)
    {
        if (resources.Ids?.GetValueOrDefault(ResourceNames.Of(ResourceType.PosixMessageQueue)) is not { Count: > 0 } queues) return;
        throw new VniException(
            ErrorCodes.NotDumpable,
            $"application {aid} cannot be saved while it has POSIX message queues ({string.Join(", ", queues.Keys.Take(5))}), which CRIU does not save; it runs on, and can be saved when it has removed them (mq_unlink)");
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
