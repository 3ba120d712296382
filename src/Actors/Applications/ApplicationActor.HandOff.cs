using Vni.Actors.Diagnostics;
using Vni.Actors.Farms;
using Vni.Actors.HandOffs;
using Vni.Actors.Interposition;
using Vni.Actors.Kernel;
using Vni.Actors.Messages;
using Vni.Actors.Messaging;
using Vni.Actors.Registry;
using static Vni.Actors.Applications.ApplicationStatus;

namespace Vni.Actors.Applications;

/// <content>
/// The source's half of a hand-off: <see cref="HandOffSource"/> decides, this carries out, one thing at a time. What the
/// machine calls a question or a piece of work is here a message to the target or a call of the interposer.
/// </content>
internal sealed partial class ApplicationActor
{
    /// <summary>How long a target may take over what it does at once.</summary>
    private static readonly TimeSpan Brief = TimeSpan.FromSeconds(3);

    /// <summary>An application that is frozen waits for this.</summary>
    private static readonly TimeSpan AbandonTimeout = TimeSpan.FromMilliseconds(500);

    private MigrationRun? _migration;

    private void Migrate(MigrateApplication migrate)
    {
        if (migrate.Request.Node == settings.Node)
        {
            migrate.Fail(new VniException(ErrorCodes.InvalidArgument, $"application {State.Aid} is on node {settings.Node} already; name another node"));
            return;
        }

        if (migrate.Since is { } since && Context.TimeProvider.GetElapsedTime(since) >= TimeSpan.FromSeconds(migrate.Request.TimeoutSeconds))
        {
            migrate.Fail(TookTooLong(migrate.Request, null));
            return;
        }

        Begin(migrate);
        if (State.Status != Running || migrate.Request.DryRun)
        {
            PipeTo(
                State.Status == Running ? CheckAsync(migrate.Request) : MoveAtRestAsync(migrate.Request.Node, migrate.Request.DryRun),
                moved => moved,
                error => new Outcome.Failed(Readable(error)));
        }
        else
        {
            var handOff = new HandOffRecord(CommandId.New(), settings.Node, migrate.Request.Node, State.Epoch);
            _migration = new MigrationRun(new HandOffSource(_stored, handOff), handOff, migrate.Request, Context.TimeProvider) { Since = migrate.Since ?? Context.TimeProvider.GetTimestamp() };
            Perform(_migration.Source.Begin());
        }
    }

    /// <summary>Goes on with a hand-off that a former daemon began, or with a claim to an application that was taken over while
    /// this node was away.</summary>
    private void ResumeClaim(FoundState? found)
    {
        if (found != FoundState.Alive && State.Status != Migrating)
        {
            // Nothing is here to claim it with: whoever waits for this node need not.
            if (State.Status is Restoring or Lost && !_stored.Owned) Record(State with { HandOff = null }, OwnerChange.Keep, EventKinds.Recovered, $"node {settings.Node} has come back without it");
            else Finish();
            return;
        }

        var handOff = State.HandOff!;
        var reason = new VniException(ErrorCodes.DaemonUnavailable, $"the daemon of node {settings.Node} ended meanwhile");
        _migration = new MigrationRun(new HandOffSource(_stored, handOff), handOff, new MigrateRequest(handOff.Target), Context.TimeProvider) { Inherited = found ?? FoundState.Pieces };
        Perform(_migration.Source.Resume(reason));
    }

    private void Follow(HandOffHappened happened)
    {
        if (_migration is null) return;
        var effect = _migration.Source.On(happened.Event);
        var stored = _migration.Source.Stored;
        if (stored != _stored) Become(stored);
        Perform(effect);
    }

    private void Perform(SourceEffect effect)
    {
        var run = _migration!;
        switch (effect)
        {
            case SourceEffect.Write write:
                FaultPoints.Reach($"handoff:source:{(run.Asked ? "contest" : "decide")}");
                PipeTo(
                    write.Insist ? store.RecordAsync(write.From, write.Change, Context.Stopping) : store.DecideAsync(write.From, write.Change, Context.Stopping),
                    stored => Happened(new SourceEvent.Wrote(stored)),
                    error => Happened(error is UndecidedException { Now: var now, InnerException: var reason }
                        ? new SourceEvent.NotWritten(false, reason!, now)
                        : new SourceEvent.NotWritten(error is StaleWriteException, error)));
                break;
            case SourceEffect.Read:
                PipeTo(store.LookAsync(State.Aid, Context.Stopping), seen => Happened(new SourceEvent.Seen(seen)), Unanswered);
                break;
            case SourceEffect.Ask { Question: var question }:
                FaultPoints.Reach($"handoff:source:{question.ToString().ToLowerInvariant()}");
                PipeTo(AskAsync(run, question), () => Happened(new SourceEvent.Done()), Unanswered);
                break;
            case SourceEffect.Do { Work: var work }:
                FaultPoints.Reach($"handoff:source:{work.ToString().ToLowerInvariant()}");
                PipeTo<SourceEvent>(WorkAsync(run, work), Happened, Unanswered);
                break;
            case SourceEffect.Wait:
                Schedule(settings.HandOffPoll, Happened(new SourceEvent.Due()));
                break;
            case SourceEffect.End { Outcome: var outcome }:
                End(run, outcome);
                break;
        }
    }

    private static HandOffHappened Happened(SourceEvent happened) => new(happened);

    private static Exception Readable(Exception error) =>
        error is PeerSilentException or PeerUnreachableException ? new VniException(ErrorCodes.DaemonUnavailable, $"{error.Message}; 'vni nodes' lists those that are up", error) : error;

    private VniException TookTooLong(MigrateRequest request, Exception? error) =>
        new(ErrorCodes.DaemonUnavailable, $"the migration of {State.Aid} took longer than {request.TimeoutSeconds:0.#} s; allow more time with --timeout", error);

    private HandOffHappened Unanswered(Exception error) => Happened(error switch
    {
        StaleWriteException => new SourceEvent.NotWritten(true, error),
        PeerSilentException => new SourceEvent.Silent(Readable(error)),
        PeerUnreachableException => new SourceEvent.Failed(Readable(error)),
        OperationCanceledException when _migration is { Request: var request } && !Context.Stopping.IsCancellationRequested => new SourceEvent.Silent(TookTooLong(request, error)),
        _ => new SourceEvent.Failed(error),
    });

    private void End(MigrationRun run, HandOffOutcome outcome)
    {
        _migration = null;
        switch (outcome)
        {
            case HandOffOutcome.Moved:
                FaultPoints.Reach("handoff:source:moved");
                log.HandedOver(State.Aid.Value, run.HandOff.Target, run.Freeze.TotalMilliseconds);
                _moved = run.View(State, settings.Node);
                FinishAway();
                break;
            case HandOffOutcome.Stayed:
                _failure = run.Source.Reason;
                if (run.Inherited is not null) _initPid = run.InitPid;
                if (_command is RecoverApplication)
                {
                    if (_failure is not null) log.BackgroundFailed(_failure, State.Aid.Value, _command.Doing);
                    _failure = null;
                }

                Finish();
                break;
            case HandOffOutcome.Gone when _command is RecoverApplication recover && State is { Status: Running, Declaration.Checkpoint: not null }:
                Recover(recover with { Found = FoundState.Pieces }); // It is this node's again, and nothing of it runs: as if it had never been on its way.
                break;
            case HandOffOutcome.Gone:
                _failure = run.Source.Reason;
                var lost = "its processes ended while it was being migrated";
                Record(Settled(Stopped) with { Node = settings.Node, Reason = lost, Resumed = false }, OwnerChange.Release, EventKinds.Exited, lost);
                break;
            case HandOffOutcome.Disowned: // Another actor looks at it as a starting daemon does.
                Fence(new StaleWriteException(State.Aid.Value, lost: false, "it was changed meanwhile by others"));
                break;
        }
    }

    /// <summary>It is no longer here: its asker is told, and the actor ends.</summary>
    private void FinishAway()
    {
        switch (_command)
        {
            case MigrateApplication migrate:
                migrate.Reply.Success(_moved!);
                break;
            case RecoverApplication recover:
                recover.Reply.Success(false);
                break;
        }

        _command = null;
        AnswerIfQuiet();
        Stop();
    }

    private async Task AskAsync(MigrationRun run, HandOffQuestion question)
    {
        var (target, id) = (run.HandOff.Target, run.HandOff.Id);
        var header = new HandOffHeader(id, State.Aid);
        using var limit = run.Limit(Context.Stopping);
        switch (question)
        {
            case HandOffQuestion.Prepare:
                run.Began();
                var facts = await ports.Transfer.DescribeAsync(Spec, limit.Token);
                if (BlockersOf(facts, run.Request) is { Count: > 0 } blockers) throw NotMovable(blockers, facts.Findings);
                await ports.Messenger.AskAsync(target, FarmKinds.Prepare, new PrepareHandOff(run.HandOff, Spec, facts), $"{id}-prepare", run.Left, limit.Token);
                run.Mark("prepare");
                break;
            case HandOffQuestion.Hold:
                await ports.Messenger.AskAsync(target, FarmKinds.Hold, header, $"{id}-hold", Brief, limit.Token);
                run.Mark("hold");
                break;
            case HandOffQuestion.Resume:
                run.Asked = true;
                var ask = new ResumeHandOff(id, State.Aid, _stored.State, _stored.Revision, _stored.Owned, run.Sent!.ManifestSha256);
                run.Resumed = await ports.Messenger.AskAsync(target, FarmKinds.Resume, ask, $"{id}-resume", run.Left, Context.Stopping);
                run.Thawed();
                break;
            case HandOffQuestion.Abandon:
                run.Frames = [.. (await ports.Messenger.AskAsync(target, FarmKinds.Abandon, header, $"{id}-abandon", AbandonTimeout, Context.Stopping)).Select(frame => (ReadOnlyMemory<byte>)frame)];
                break;
        }
    }

    private async Task<SourceEvent> WorkAsync(MigrationRun run, HandOffWork work)
    {
        var (target, id) = (run.HandOff.Target, run.HandOff.Id);
        var header = new HandOffHeader(id, State.Aid);
        using var limit = run.Limit(Context.Stopping);
        switch (work)
        {
            case HandOffWork.SendLayer:
                await ports.Messenger.SendAsync(target, FarmKinds.Layer, header, (stream, cancel) => ports.Transfer.SendLayerAsync(Spec, id, stream, cancel), limit.Token);
                run.Mark("layer");
                break;
            case HandOffWork.Freeze:
                await gate.WhenOpen.WaitAsync(limit.Token); // What a fence has frozen is not ours to thaw afterwards.
                run.Froze();
                run.ClosedVisitors = await ports.Transfer.FreezeAsync(Spec, Quiescing.Of(run.Request.WaitSeconds, run.Request.CloseVisitors), limit.Token);
                run.Mark("freeze");
                break;
            case HandOffWork.SendState:
                await ports.Messenger.SendAsync(
                    target, FarmKinds.State, header, async (stream, cancel) => run.Sent = await ports.Transfer.SendStateAsync(Spec, id, stream, cancel), limit.Token);
                run.MarkSent();
                break;
            case HandOffWork.Thaw:
                return await ThawAsync(run);
            case HandOffWork.Release:
                await ports.Transfer.ReleaseMovedAsync(Spec with { Epoch = run.HandOff.Epoch }, id, CancellationToken.None);
                run.Mark("release");
                break;
        }

        return new SourceEvent.Done();
    }

    /// <summary>Lets it run on here: never while the node is fenced, and after that only with the registry's word.</summary>
    private async Task<SourceEvent> ThawAsync(MigrationRun run)
    {
        using var turn = await gate.PassAsync(run.Inherited is null ? _closings : -1, () => store.ReclaimAsync(_stored, Context.Stopping), Context.Stopping);
        if (ports.Access.ListProcesses(State.Aid).Count == 0) return new SourceEvent.Gone();
        if (run.Inherited is not null) run.InitPid = (await interposer.AdoptAsync(Spec, CancellationToken.None)).InitPid;
        if (run.Inherited is null || run.Frames.Count > 0) await ports.Transfer.ThawAsync(Spec, run.HandOff.Id, run.Frames, CancellationToken.None);
        if (run.Source.RanElsewhere) await ports.Transfer.ResetConnectionsAsync(Spec, CancellationToken.None);
        return new SourceEvent.Done();
    }

    /// <summary>What would block it, if it were migrated now.</summary>
    private async Task<ApplicationMessage> CheckAsync(MigrateRequest request)
    {
        var (state, spec, target) = (State, Spec, request.Node);
        var facts = await ports.Transfer.DescribeAsync(spec, Context.Stopping);
        var handOff = new HandOffRecord(CommandId.New(), settings.Node, target, state.Epoch);
        var there = await ports.Messenger.AskAsync(target, FarmKinds.Check, new PrepareHandOff(handOff, spec, facts), handOff.Id, Brief, Context.Stopping);
        var run = new MigrationRun(new HandOffSource(_stored, handOff), handOff, new MigrateRequest(target), Context.TimeProvider);
        return new Outcome.MovedAtRest(run.View(state, settings.Node) with { DryRun = true, Blockers = [.. BlockersOf(facts, request), .. there] }, null);
    }

    /// <summary>What keeps it from being saved, but for visitors if these are to be ended.</summary>
    private static IReadOnlyList<string> BlockersOf(InstanceFacts facts, MigrateRequest request) => facts.Findings is { } findings && request.CloseVisitors
        ? [.. findings.Where(finding => finding is { Transient: false } and not { Kind: FindingKinds.Visitor }).Select(finding => finding.Text)]
        : facts.Blockers;

    private VniException NotMovable(IReadOnlyList<string> blockers, IReadOnlyList<Finding>? findings) =>
        new(ErrorCodes.NotDumpable, $"application {State.Aid} cannot be migrated: {string.Join("; ", blockers)}; it runs on where it is") { Findings = findings };

    /// <summary>A stopped or dormant one: its files go ahead, then the target has the registry say that it is there. Nothing runs
    /// meanwhile, so that nothing can run twice.</summary>
    private async Task<ApplicationMessage> MoveAtRestAsync(string target, bool dryRun)
    {
        var id = CommandId.New();
        var handOff = new HandOffRecord(id, settings.Node, target, State.Epoch);
        var (stored, spec) = (_stored, Spec);
        var facts = await ports.Transfer.DescribeAsync(spec, Context.Stopping);
        var blockers = await ports.Messenger.AskAsync(target, FarmKinds.Check, new PrepareHandOff(handOff, spec, facts), $"{id}-check", Brief, Context.Stopping);
        var run = new MigrationRun(new HandOffSource(stored, handOff), handOff, new MigrateRequest(target), Context.TimeProvider);
        if (dryRun) return new Outcome.MovedAtRest(run.View(State, settings.Node) with { DryRun = true, Blockers = blockers }, null);
        if (blockers.Count > 0) throw new VniException(ErrorCodes.Incompatible, $"application {State.Aid} cannot go to node {target}: {string.Join("; ", blockers)}");
        var header = new HandOffHeader(id, spec.Aid);
        try
        {
            run.Began();
            if (stored.State.Snapshot is { } newest && _shelf.Find(newest) is { } snapshot && !snapshot.Holders.Contains(target))
            {
                await CopyAsync(snapshot, target, Context.Stopping);
                await store.MarkAsync(snapshot with { Copies = [.. snapshot.Copies ?? [], target] }, Context.Stopping);
                run.Mark("snapshot");
            }

            await ports.Messenger.AskAsync(target, FarmKinds.Prepare, new PrepareHandOff(handOff, spec, facts), $"{id}-prepare", Brief, Context.Stopping);
            await ports.Messenger.SendAsync(target, FarmKinds.Layer, header, (stream, cancel) => ports.Transfer.SendLayerAsync(spec, id, stream, cancel), Context.Stopping);
            run.Mark("layer");
        }
        catch
        {
            await AbandonAsync(target, id);
            throw;
        }

        var problem = await SettleAsync(target, new SettleHandOff(id, spec, stored.State.Status == Dormant, stored.State, stored.Revision));
        if (problem is not null) await AbandonAsync(target, id);
        var now = await SettledAsync(stored, target, problem);
        if (now.State.Node == settings.Node) return new Outcome.MovedAtRest(null, now) { Problem = Readable(problem!) };
        await ports.Transfer.ReleaseMovedAsync(spec, id, CancellationToken.None);
        return new Outcome.MovedAtRest(run.View(now.State, settings.Node), now);
    }

    /// <summary>What came of the question, whatever it was.</summary>
    private async Task<Exception?> SettleAsync(string target, SettleHandOff question)
    {
        try
        {
            await ports.Messenger.AskAsync(target, FarmKinds.Settle, question, $"{question.Id}-settle", TimeSpan.FromSeconds(30), Context.Stopping);
            return null;
        }
        catch (Exception e) when (e is PeerUnreachableException or PeerSilentException or VniException)
        {
            return e;
        }
    }

    /// <summary>What the registry has of it. After a failure that may be either, and the target might yet decide: not after this
    /// node has written the application as it is.</summary>
    private async Task<StoredApplication> SettledAsync(StoredApplication stored, string target, Exception? problem)
    {
        try
        {
            if (problem is not null) return await store.RecordAsync(stored, new ApplicationChange(stored.State), Context.Stopping);
        }
        catch (StaleWriteException)
        {
            log.Ignored(State.Aid.Value, problem!.Message, State.Status);
        }

        return await store.LookAsync(State.Aid, Context.Stopping) is { } now && now.State.Node == target
            ? now
            : throw new StaleWriteException(State.Aid.Value, lost: false, "it was changed meanwhile by others");
    }

    private async Task AbandonAsync(string target, string id)
    {
        try
        {
            await ports.Messenger.AskAsync(target, FarmKinds.Abandon, new HandOffHeader(id, State.Aid), $"{id}-abandon", Brief, CancellationToken.None);
        }
        catch (Exception e) when (e is PeerUnreachableException or PeerSilentException or VniException)
        {
            log.BackgroundFailed(e, State.Aid.Value, "telling the target that nothing comes");
        }
    }
}
