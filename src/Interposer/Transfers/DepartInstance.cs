using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text.Json;
using Vni.Actors;
using Vni.Actors.Diagnostics;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Actors.Messages;
using Vni.Actors.Snapshots;
using Vni.Interposer.Checkpoint;
using Vni.Interposer.Instances;
using Vni.Interposer.Network;
using Vni.Interposer.Operations;

namespace Vni.Interposer.Transfers;

/// <summary>
/// The source's part of a hand-off: layer ahead, freeze, state, and then either thaw or release. What it knows of a hand-off
/// is in memory; without it, it sends everything.
/// </summary>
internal sealed class DepartInstance(InstanceKit kit, StopInstance stop, FreezeInstance freezer, DumpInstance dumper) : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, Departure> _departures = new(StringComparer.Ordinal);

    public async Task<long> SendLayerAsync(InstanceSpec instance, string handOff, Stream to, CancellationToken cancellationToken)
    {
        await ForgetOthersAsync(instance.Aid, handOff).ConfigureAwait(false);
        var departure = _departures.GetOrAdd(handOff, _ => new Departure(instance.Aid));
        departure.Reset();
        if (kit.Live.FindInit(instance.Aid) is not null) departure.Criu ??= dumper.StartSession();
        using var writer = new TransferWriter(to);
        await writer.BeginAsync(cancellationToken).ConfigureAwait(false);
        var upper = kit.Paths(instance.Aid).Upper;
        var ledger = Directory.Exists(upper)
            ? await Task.Run(() => new LayerSender(upper, writer, kit.Clock).SendAsync(departure.NextPass(), LayerLedger.Nothing, new HashSet<string>(), still: false, cancellationToken), cancellationToken).ConfigureAwait(false)
            : LayerLedger.Nothing;
        await writer.EndAsync(manifest: null, cancellationToken).ConfigureAwait(false);
        (departure.Layer, departure.Ledger) = (writer.Complete(), ledger);
        if (departure.Criu is { } criu) await criu.ReadyAsync().ConfigureAwait(false); // Else its start would go on while the instance is frozen.
        return writer.Bytes;
    }

    public async Task<IReadOnlyList<ClosedVisitor>> FreezeAsync(InstanceSpec instance, Quiescing quiescing, CancellationToken cancellationToken)
    {
        var closed = new List<ClosedVisitor>();
        return await freezer.PatientlyAsync(quiescing, async () =>
        {
            using var quiet = await freezer.PrepareAsync(instance.Aid, quiescing, closed, cancellationToken).ConfigureAwait(false);
            try
            {
                await freezer.FreezeAsync(instance, quiet, new PhaseClock(kit.Clock), static () => FaultPoints.Reach("handoff:frozen"), cancellationToken).ConfigureAwait(false);
                return closed;
            }
            catch
            {
                await freezer.ThawAsync(instance, TravelledFrames.None).ConfigureAwait(false);
                throw;
            }
        }, cancellationToken).ConfigureAwait(false);
    }

    public async Task<StateSent> SendStateAsync(InstanceSpec instance, string handOff, Stream to, CancellationToken cancellationToken)
    {
        var aid = instance.Aid;
        var init = freezer.RequireUndisturbed(aid);
        if (!kit.Cgroups.Find(aid).IsFrozen) throw new VniException(ErrorCodes.WrongState, $"the state of application {aid} cannot be sent while it runs; freeze it first");
        var departure = _departures.GetOrAdd(handOff, _ => new Departure(aid));
        try
        {
            return await SendStateAsync(instance, init, handOff, departure, to, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            departure.Reset(); // Nobody knows what of it has reached the target.
            throw Explain(aid, e);
        }
    }

    private async Task<StateSent> SendStateAsync(InstanceSpec instance, int init, string handOff, Departure departure, Stream to, CancellationToken cancellationToken)
    {
        var aid = instance.Aid;
        var phases = new PhaseClock(kit.Clock);
        var created = kit.Clock.GetUtcNow();

        // The target holds frames by now: who speaks to the instance by way of this node's bridge is to find it.
        kit.Network.Yield(aid, instance.Identity);
        var platform = await kit.Platform.GetAsync(cancellationToken).ConfigureAwait(false);
        var pids = kit.Cgroups.Find(aid).Pids();
        var queued = QueuedDatagrams.Read(instance.Identity, init, pids);
        var (store, criu) = (ImageStore.Create(MemoryUse.Of(pids, init)), departure.TakeCriu() ?? dumper.StartSession());
        using var ending = departure.EndLater(store, criu);
        using var writer = new TransferWriter(to);
        await writer.BeginAsync(cancellationToken).ConfigureAwait(false);
        var paths = kit.Paths(aid);
        DumpedState state;
        await using (var images = ImageSender.Start(store.Images, writer, kit.Clock))
        {
            var layer = Task.Run(() => SendChangesAsync(departure, paths, writer, pids, cancellationToken), CancellationToken.None);
            var ended = layer.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            var dump = dumper.RunAsync(criu, aid, init, pids, store.Images, paths.Directory, () => CompleteChangesAsync(departure, layer, store, paths, writer, pids, cancellationToken));
            await Task.WhenAll(dump, ended).ConfigureAwait(false);
            await layer.ConfigureAwait(false);
            phases.Mark("dump");
            FaultPoints.Reach("handoff:dumped");
            state = await dump.ConfigureAwait(false);
            await images.FinishAsync(cancellationToken).ConfigureAwait(false);
            phases.Mark("images");
        }

        departure.Taken = [.. departure.Taken, .. kit.Network.TakeHeld(aid)];
        await writer.WriteAsync(TransferStream.Held, default, HeldFrames.Write([.. queued, .. departure.Taken]), cancellationToken).ConfigureAwait(false);
        IReadOnlyList<SnapshotFile> files = [.. departure.Layer.Concat(writer.Complete()).OrderBy(f => f.Name, StringComparer.Ordinal)];
        var manifest = JsonSerializer.SerializeToUtf8Bytes(dumper.Describe(instance, handOff, created, platform, state, files), VniJson.Default.SnapshotManifest);
        await writer.EndAsync(manifest, cancellationToken).ConfigureAwait(false);
        phases.Mark("manifest");
        return new StateSent(Convert.ToHexStringLower(SHA256.HashData(manifest)), writer.Bytes, phases.Phases);
    }

    public async Task ThawAsync(InstanceSpec instance, string handOff, IReadOnlyList<ReadOnlyMemory<byte>> frames)
    {
        _departures.TryGetValue(handOff, out var departure);

        // A dormant application has nothing to thaw; its port, if it has one, holds as before.
        if (kit.Live.FindInit(instance.Aid) is not null) await freezer.ThawAsync(instance, new TravelledFrames(departure?.Taken ?? [], frames)).ConfigureAwait(false);
        else if (kit.Network.IsParked(instance.Aid)) kit.Network.Park(instance.Aid, instance.Identity);
        if (departure is not null) departure.Taken = [];
        await ForgetAsync(handOff).ConfigureAwait(false);
    }

    public async Task ReleaseAsync(InstanceSpec instance, string handOff)
    {
        var aid = instance.Aid;
        await ForgetOthersAsync(aid, except: null).ConfigureAwait(false);
        await stop.RunAsync(aid, TimeSpan.Zero).ConfigureAwait(false);
        kit.Settled.Unsettle(aid);
        LayerBuilder.Remove(kit.Paths(aid));
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        foreach (var handOff in _departures.Keys) await ForgetAsync(handOff).ConfigureAwait(false);
    }

    private async Task SendChangesAsync(Departure departure, InstancePaths paths, TransferWriter writer, IReadOnlyList<int> pids, CancellationToken cancellationToken) =>
        departure.Ledger = await new LayerSender(paths.Upper, writer, kit.Clock)
            .SendAsync(departure.NextPass(), departure.Ledger, SharedMappings.Of(pids), still: false, cancellationToken).ConfigureAwait(false);

    /// <summary>Where CRIU has made links meanwhile, to open files that have lost their names, the first pass may have missed
    /// them, or have met files that changed by it.</summary>
    private async Task CompleteChangesAsync(
        Departure departure, Task first, ImageStore store, InstancePaths paths, TransferWriter writer, IReadOnlyList<int> pids, CancellationToken cancellationToken)
    {
        await first.ConfigureAwait(false);
        if (!DumpInstance.HasRemaps(store.Images) && departure.Ledger.IsWhole) return;
        departure.Ledger = await new LayerSender(paths.Upper, writer, kit.Clock)
            .SendAsync(departure.NextPass(), departure.Ledger, SharedMappings.Of(pids), still: true, cancellationToken).ConfigureAwait(false);
    }

    private static Exception Explain(Aid aid, Exception e) => e switch
    {
        _ when NoSpace.Is(e) => new VniException(ErrorCodes.NoSpace, $"there is not memory enough to send the state of application {aid}: its images wait in it for the target to read them; try again", e),
        IOException => new VniException(ErrorCodes.DumpFailed, $"the state of application {aid} could not be sent: {e.Message}; it is as it was, try again", e),
        _ => e,
    };

    private async Task ForgetOthersAsync(Aid aid, string? except)
    {
        foreach (var (handOff, departure) in _departures)
        {
            if (departure.Aid == aid && handOff != except) await ForgetAsync(handOff).ConfigureAwait(false);
        }
    }

    private async Task ForgetAsync(string handOff)
    {
        if (!_departures.TryRemove(handOff, out var departure)) return;
        if (departure.TakeCriu() is { } criu) await criu.DisposeAsync().ConfigureAwait(false);
        await departure.Ended.ConfigureAwait(false);
    }

    /// <summary>What is known of one hand-off.</summary>
    private sealed class Departure(Aid aid)
    {
        private int _passes;

        public Aid Aid { get; } = aid;

        /// <summary>What the target has of the layer.</summary>
        public LayerLedger Ledger { get; set; } = LayerLedger.Nothing;

        /// <summary>Passes that were sent ahead, for the manifest.</summary>
        public IReadOnlyList<SnapshotFile> Layer { get; set; } = [];

        /// <summary>Frames that were taken out of the port; they are in the stream, and here in case it comes to nothing.</summary>
        public IReadOnlyList<ReadOnlyMemory<byte>> Taken { get; set; } = [];

        public CriuSession? Criu { get; set; }

        /// <summary>Number of the next pass over the layer; with pass 0 the target begins anew.</summary>
        public int NextPass() => _passes++;

        /// <summary>The target has nothing.</summary>
        public void Reset() => (Ledger, Layer, _passes) = (LayerLedger.Nothing, [], 0);

        /// <summary>Completes when nothing is left of what <see cref="EndLater"/> was given.</summary>
        public Task Ended { get; private set; } = Task.CompletedTask;

        /// <summary>Ends a CRIU that has answered, and gives its images' memory back, when the result is disposed; but nobody waits
        /// for it who keeps the application frozen.</summary>
        public IDisposable EndLater(ImageStore store, CriuSession criu) => new Later(() => Ended = Task.WhenAll(Ended, Task.Run(async () =>
        {
            await criu.DisposeAsync().ConfigureAwait(false);
            store.Dispose();
        })));

        public CriuSession? TakeCriu()
        {
            var criu = Criu;
            Criu = null;
            return criu;
        }

        private sealed class Later(Action end) : IDisposable
        {
            public void Dispose() => end();
        }
    }
}
