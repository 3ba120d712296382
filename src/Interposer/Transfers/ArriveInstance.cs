using System.Collections.Concurrent;
using Vni.Actors;
using Vni.Actors.Diagnostics;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Interposer.Checkpoint;
using Vni.Interposer.Instances;
using Vni.Interposer.Linux;
using Vni.Interposer.Network;
using Vni.Interposer.Operations;

namespace Vni.Interposer.Transfers;

/// <summary>The target's part of a hand-off: reserve, receive, hold frames, rebuild; or drop all of it.</summary>
internal sealed class ArriveInstance(InstanceKit kit, StopInstance stop, RebuildInstance rebuild) : IAsyncDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private readonly ConcurrentDictionary<string, Arrival> _arrivals = new(StringComparer.Ordinal);

    public async Task PrepareAsync(InstanceSpec instance, string handOff, InstanceFacts facts)
    {
        var aid = instance.Aid;
        if (kit.Live.FindInit(aid) is not null) throw new VniException(ErrorCodes.WrongState, $"application {aid} cannot come to node {kit.Options.Node}: an instance of it runs here; find out which is the right one with 'vni status'");
        foreach (var (other, arrival) in _arrivals)
        {
            if (other != handOff && arrival.Aid == aid) await AbandonAsync(aid, other).ConfigureAwait(false); // One that nobody will ever end.
        }

        if (_arrivals.ContainsKey(handOff)) return;
        var paths = kit.Paths(aid);
        var made = new Arrival(aid, paths, facts, ownsDirectory: !Directory.Exists(paths.Directory));
        try
        {
            Directory.CreateDirectory(paths.Directory, OwnerOnly);
            Directory.CreateDirectory(paths.Root);
            if (facts.Memory > 0) made.Store = ImageStore.Create(facts.Memory);
            await kit.Cgroups.Find(aid).RemoveAsync(CancellationToken.None).ConfigureAwait(false); // One that a release left would be frozen.

            // CRIU's start, and its probing of the kernel, are over when the state comes. The overlay is mounted when the layer
            // is complete; where its directories lie below /run, CRIU's own /run hides them, and it is started later.
            if (facts.Memory > 0 && !kit.Options.StateDirectory.StartsWith("/run/", StringComparison.Ordinal))
            {
                made.Criu = CriuSession.Start(kit.Spawner, kit.CriuLaunch(rebuild.MakeCgroup(instance).Directories, overlay: null));
            }

            _arrivals[handOff] = made;
        }
        catch
        {
            await DropAsync(made).ConfigureAwait(false);
            throw;
        }
    }

    public async Task ReceiveLayerAsync(Aid aid, string handOff, Stream from, CancellationToken cancellationToken)
    {
        var arrival = Require(aid, handOff);
        try
        {
            await arrival.ReceiveAsync(from, ImageStore.CapacityFor(arrival.Facts.Layer), acceptsState: false, cancellationToken).ConfigureAwait(false);
            if (arrival.Criu is { } criu) await criu.ReadyAsync().ConfigureAwait(false); // The source freezes next.
        }
        catch (Exception e)
        {
            arrival.ForgetLayer();
            throw Explain(aid, e);
        }
    }

    public Task HoldAsync(InstanceSpec instance, string handOff)
    {
        Require(instance.Aid, handOff);
        kit.Network.Park(instance.Aid, instance.Identity);
        kit.Network.Announce(instance.Identity);
        FaultPoints.Reach("handoff:held");
        return Task.CompletedTask;
    }

    public async Task ReceiveStateAsync(Aid aid, string handOff, Stream from, CancellationToken cancellationToken)
    {
        var arrival = Require(aid, handOff);
        try
        {
            arrival.ForgetState();
            var manifest = await arrival.ReceiveAsync(from, ImageStore.CapacityFor(arrival.Facts.Memory) + ImageStore.CapacityFor(arrival.Facts.Layer), acceptsState: true, cancellationToken).ConfigureAwait(false);
            arrival.Accept(handOff, manifest ?? throw TransferStream.Refused(aid, "it has no manifest"));
            FaultPoints.Reach("handoff:received");
        }
        catch (Exception e)
        {
            arrival.ForgetState();
            arrival.ForgetLayer(); // Half of a change may be in it.
            throw Explain(aid, e);
        }
    }

    public async Task<RestoreResult> ResumeAsync(InstanceSpec instance, string handOff, string manifestSha256, Func<CancellationToken, Task> commit, CancellationToken cancellationToken)
    {
        var arrival = Require(instance.Aid, handOff);
        var phases = new PhaseClock(kit.Clock);
        var state = arrival.State ?? throw new VniException(ErrorCodes.WrongState, $"application {instance.Aid} cannot be resumed on node {kit.Options.Node}: its state has not come; send it again");
        if (state.ManifestSha256 != manifestSha256) throw TransferStream.Refused(instance.Aid, "its manifest is another one than was sent");
        if (state.Manifest.Identity != instance.Identity) throw TransferStream.Refused(instance.Aid, "it has another identity than the application");
        if (!Directory.Exists(arrival.Layer)) throw new VniException(ErrorCodes.WrongState, $"application {instance.Aid} cannot be resumed on node {kit.Options.Node}: its layer has not come; send it again");
        var request = new RebuildRequest
        {
            Instance = instance,
            Manifest = state.Manifest,
            Images = arrival.Store!.Images,
            Reached = Reach,
            Criu = arrival.TakeCriu(),
            Frames = new TravelledFrames(state.Frames, []),
            KeepLayer = arrival.Layer,
            PutLayer = swap =>
            {
                swap.BeginWith(arrival.Layer);
                swap.Exchange();
                return Task.CompletedTask;
            },
            Verify = () => Task.CompletedTask, // Digests were computed as it came.
            Commit = commit,
        };
        var result = await rebuild.RunAsync(request, phases, cancellationToken).ConfigureAwait(false);
        arrival.IsDone = true;
        arrival.ForgetState();
        arrival.Store.Dispose();
        return result;
    }

    public Task SettleAsync(InstanceSpec instance, string handOff, bool park)
    {
        var arrival = Require(instance.Aid, handOff);
        if (!arrival.IsDone)
        {
            if (!Directory.Exists(arrival.Layer)) throw new VniException(ErrorCodes.WrongState, $"application {instance.Aid} cannot be put in place on node {kit.Options.Node}: its layer has not come; send it again");
            var swap = new LayerSwap(arrival.Paths);
            swap.BeginWith(arrival.Layer);
            swap.Exchange();
            swap.Complete();
            arrival.IsDone = true;
        }

        if (park) kit.Network.Park(instance.Aid, instance.Identity);
        return Task.CompletedTask;
    }

    public async Task<IReadOnlyList<ReadOnlyMemory<byte>>> AbandonAsync(Aid aid, string handOff)
    {
        if (!_arrivals.TryRemove(handOff, out var arrival)) return [];
        if (arrival.IsDone || kit.Live.FindInit(aid) is not null)
        {
            arrival.Dispose();
            return [];
        }

        var held = kit.Network.TakeHeld(aid);
        await DropAsync(arrival).ConfigureAwait(false);
        return held;
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        foreach (var handOff in _arrivals.Keys.ToList())
        {
            if (_arrivals.TryRemove(handOff, out var arrival) && !arrival.IsDone) await DropAsync(arrival).ConfigureAwait(false);
        }
    }

    private static void Reach(RebuildStage stage)
    {
        switch (stage)
        {
            case RebuildStage.Rebuilt: FaultPoints.Reach("handoff:restored"); break;
            case RebuildStage.Committed: FaultPoints.Reach("handoff:committed"); break;
            case RebuildStage.Resumed: FaultPoints.Reach("handoff:resumed"); break;
            default: break; // A daemon that dies there leaves what one leaves that dies after the state has come.
        }
    }

    private async Task DropAsync(Arrival arrival)
    {
        kit.Cgroups.Find(arrival.Aid).Kill(); // A CRIU that a fence has frozen would not end by itself.
        if (arrival.TakeCriu() is { } criu) await criu.DisposeAsync().ConfigureAwait(false);
        await stop.RunAsync(arrival.Aid, TimeSpan.Zero).ConfigureAwait(false);
        arrival.Dispose();
        if (arrival.OwnsDirectory) LayerBuilder.Remove(arrival.Paths);
        else arrival.ForgetLayer();
    }

    private Arrival Require(Aid aid, string handOff) => _arrivals.TryGetValue(handOff, out var arrival) && arrival.Aid == aid
        ? arrival
        : throw new VniException(ErrorCodes.WrongState, $"node {kit.Options.Node} knows of no hand-off {handOff} of application {aid}; begin it again");

    private static Exception Explain(Aid aid, Exception e) => e switch
    {
        InvalidDataException => TransferStream.Refused(aid, e.Message, e),
        _ when NoSpace.Is(e) => new VniException(ErrorCodes.NoSpace, $"no space is left for application {aid} here; free some and try again", e),
        LinuxException => new VniException(ErrorCodes.RestoreFailed, $"what was sent of application {aid} cannot be written here: {e.Message}", e),
        _ => e,
    };
}
