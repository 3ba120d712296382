using Vni.Actors;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Interposer.Checkpoint;
using Vni.Interposer.Checkpoint.Findings;
using Vni.Interposer.Linux;
using Vni.Interposer.Network;

namespace Vni.Interposer.Operations;

/// <summary>An instance that is about to be frozen.</summary>
/// <param name="Init">Its harness.</param>
/// <param name="Searched">What was found against saving it that is too dear to be looked for in the freeze.</param>
/// <param name="Sockets">Of its network namespace.</param>
internal sealed record QuietInstance(int Init, IReadOnlyList<Finding> Searched, SocketReading Sockets) : IDisposable
{
    /// <inheritdoc />
    public void Dispose() => Sockets.Dispose();
}

/// <summary>Stops an instance so that it can be saved, for a snapshot or for another node, and lets it run on.</summary>
internal sealed class FreezeInstance(InstanceKit kit)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(10), LongestPause = TimeSpan.FromMilliseconds(500);

    /// <summary>A process that waits inside the kernel keeps all others frozen until it comes back: no longer than this.</summary>
    private static readonly TimeSpan FreezeLimit = TimeSpan.FromSeconds(2);

    private readonly CloseVisitors _visitors = new(kit);

    /// <summary>Tries again as long as a failure goes away when the processes run on for a moment.</summary>
    /// <param name="quiescing">For how long.</param>
    /// <param name="attempt">Leaves the instance running when it fails.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public async Task<T> PatientlyAsync<T>(Quiescing quiescing, Func<Task<T>> attempt, CancellationToken cancellationToken)
    {
        var (began, patience) = (kit.Clock.GetTimestamp(), quiescing.Patience ?? kit.Options.Patience);
        for (var pause = FirstPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            try
            {
                return await attempt().ConfigureAwait(false);
            }
            catch (VniException e) when (Transient.Is(e))
            {
                var left = patience - kit.Clock.GetElapsedTime(began);
                if (left <= TimeSpan.Zero)
                {
                    throw patience == TimeSpan.Zero ? e : new VniException(e.Code, $"{e.Message} (that was tried for {patience.TotalSeconds:0.#} s)", e) { Findings = e.Findings };
                }

                await Task.Delay(pause < left ? pause : left, kit.Clock, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>The harness of an instance that runs and that nobody visits.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.WrongState"/>, <see cref="ErrorCodes.NotDumpable"/>.</exception>
    public int RequireUndisturbed(Aid aid)
    {
        var init = RequireInit(aid);
        Preflight.Require(aid, _visitors.Look(aid, init).Find(Libc.BootTime()));
        return init;
    }

    /// <summary>Everything that can be done before the freeze: what visitors have left behind becomes the instance's, visitors are
    /// ended if that is wished, and what is dear to look for is looked for.</summary>
    /// <param name="aid">The instance.</param>
    /// <param name="quiescing">What is done about visitors.</param>
    /// <param name="closed">Gets those that were ended.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <exception cref="VniException"><see cref="ErrorCodes.WrongState"/>; <see cref="ErrorCodes.NotDumpable"/>: it has visitors;
    /// with everything else that speaks against it.</exception>
    public async Task<QuietInstance> PrepareAsync(Aid aid, Quiescing quiescing, List<ClosedVisitor> closed, CancellationToken cancellationToken)
    {
        var init = RequireInit(aid);
        if (quiescing.CloseVisitors)
        {
            closed.AddRange(await _visitors.RunAsync(aid, init, cancellationToken).ConfigureAwait(false));
        }

        var sockets = SocketReading.Open(init);
        try
        {
            var visitors = _visitors.Adopt(aid, init);
            var found = Preflight.Search(init, kit.Cgroups.Find(aid).Pids(), visitors.All, sockets);
            if (visitors.Any) Preflight.Require(aid, [.. visitors.Find(Libc.BootTime()), .. found.Where(f => !f.Transient)]);
            return new QuietInstance(init, [.. found.Where(f => f is { Kind: FindingKinds.Watch } or { Kind: FindingKinds.PosixMessageQueue, HostPid: null })], sockets);
        }
        catch
        {
            sockets.Dispose();
            throw;
        }
    }

    /// <summary>Freezes all processes, checks that they can be saved, and lets the port hold frames. A failure leaves the
    /// instance half stopped: <see cref="ThawAsync"/> is the caller's.</summary>
    /// <param name="instance">The instance.</param>
    /// <param name="quiet">What was found before.</param>
    /// <param name="phases">Gets <c>freeze</c>, <c>check</c>, <c>park</c>.</param>
    /// <param name="frozen">Called when nothing runs any more.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <returns>Its processes, by pid of the node.</returns>
    public async Task<IReadOnlyList<int>> FreezeAsync(InstanceSpec instance, QuietInstance quiet, PhaseClock phases, Action frozen, CancellationToken cancellationToken)
    {
        var (aid, cgroup) = (instance.Aid, kit.Cgroups.Find(instance.Aid));
        await FreezeAsync(aid, cgroup, cancellationToken).ConfigureAwait(false);
        phases.Mark("freeze");
        frozen();
        var pids = cgroup.Pids();
        Preflight.Require(aid, [.. LateVisitors(aid, quiet.Init), .. Preflight.Find(pids, [], quiet.Sockets), .. quiet.Searched]);
        phases.Mark("check");
        kit.Network.LockLoopback(quiet.Init);
        kit.Network.Park(aid, instance.Identity);
        phases.Mark("park");
        return pids;
    }

    /// <summary>Lets a frozen instance run on where it was: frames first, then processes. Harmless for one that runs.</summary>
    public async Task ThawAsync(InstanceSpec instance, TravelledFrames travelled)
    {
        kit.Settled.Unsettle(instance.Aid);
        if (kit.Live.FindInit(instance.Aid) is { } init) kit.Network.UnlockLoopback(init);
        kit.Network.Plug(instance.Aid, instance.Identity, travelled);
        await kit.Gate.ThawAsync(instance.Aid, kit.Cgroups.Find(instance.Aid)).ConfigureAwait(false);
    }

    private int RequireInit(Aid aid) => kit.Live.FindInit(aid)
        ?? throw new VniException(ErrorCodes.WrongState, $"application {aid} has no processes on this node that could be saved; start it first");

    private async Task FreezeAsync(Aid aid, Cgroup cgroup, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(FreezeLimit, kit.Clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            await cgroup.FreezeAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            var stuck = States.Unfrozen(ProcReader.Node, cgroup.Pids());
            Preflight.Require(aid, stuck.Count > 0 ? stuck :
                [new Finding(null, null, null, FindingKinds.Uninterruptible, $"not all of its processes could be stopped within {FreezeLimit.TotalSeconds:0} s", "try again when the machine is less busy", Transient: true)]);
        }
    }

    /// <summary>Who has come, or was left behind, since <see cref="PrepareAsync"/>.</summary>
    private IReadOnlyList<Finding> LateVisitors(Aid aid, int init)
    {
        var visitors = _visitors.Look(aid, init);
        return visitors.LeftBehind.Count == 0 ? visitors.Find(Libc.BootTime()) :
            [.. visitors.Find(Libc.BootTime()), new Finding(null, null, null, FindingKinds.Visitor, "a visitor ('vni exec') has just left a process behind", "try again", Transient: true)];
    }
}
