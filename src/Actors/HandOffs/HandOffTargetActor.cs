using Microsoft.Extensions.Logging;
using Vni.Actors.Applications;
using Vni.Actors.Diagnostics;
using Vni.Actors.Farms;
using Vni.Actors.Interposition;
using Vni.Actors.Kernel;
using Vni.Actors.Nodes;

namespace Vni.Actors.HandOffs;

/// <summary>What a <see cref="HandOffTargetActor"/> receives.</summary>
internal abstract record TargetMessage
{
    internal sealed record Prepare(PrepareHandOff Question, Reply<bool> Reply) : TargetMessage;

    internal sealed record Layer(Stream From, Reply<bool> Reply, CancellationToken Cancelled) : TargetMessage;

    internal sealed record Hold(Reply<bool> Reply) : TargetMessage;

    internal sealed record State(Stream From, Reply<bool> Reply, CancellationToken Cancelled) : TargetMessage;

    internal sealed record Resume(ResumeHandOff Question, Reply<HandOffResumed> Reply) : TargetMessage;

    internal sealed record Settle(SettleHandOff Question, Reply<bool> Reply) : TargetMessage;

    internal sealed record Abandon(Reply<IReadOnlyList<byte[]>> Reply) : TargetMessage;

    /// <summary>From within the restore: may the processes run?</summary>
    internal sealed record MayRun(Reply<bool> Reply) : TargetMessage;

    internal sealed record Happened(TargetEvent Event) : TargetMessage;

    internal sealed record Restored(RestoreResult Result) : TargetMessage;

    internal sealed record Dropped(IReadOnlyList<ReadOnlyMemory<byte>> Frames) : TargetMessage;

    /// <summary>Work for the source is done: it is told.</summary>
    internal sealed record Done(Action Answer, bool Over = false) : TargetMessage;

    internal sealed record Quiet : TargetMessage;
}

/// <summary>
/// The target's half of one hand-off: <see cref="HandOffTarget"/> decides once the source wants the instance to run here;
/// making ready, holding frames and receiving come before that and are undone by <c>Abandon</c>, or when the registry no
/// longer knows the hand-off. Nothing of it outlives this daemon but the commit.
/// </summary>
internal sealed class HandOffTargetActor(
    HandOffRecord handOff, InstanceSpec instance, ApplicationStore store, NodePorts ports, NodeSettings settings, Action<HandOffArrival> arrived, Action examine, ILogger log) : Actor<TargetMessage>
{
    private readonly HandOffTarget _machine = new(handOff, settings.Node);
    private readonly List<Reply<IReadOnlyList<byte[]>>> _abandoning = [];
    private Reply<HandOffResumed>? _asker;
    private Reply<bool>? _mayRun;
    private ResumeHandOff? _question;
    private Exception? _denied;
    private bool _permitted;
    private RestoreResult? _result;
    private IReadOnlyList<byte[]> _frames = [];
    private IDisposable? _quiet;
    private int _busy;
    private volatile bool _settled;

    private InstanceSpec Mine => instance with { Epoch = handOff.Epoch + 1 };

    protected override Task StartedAsync()
    {
        Listen();
        return Task.CompletedTask;
    }

    protected override void Receive(TargetMessage message)
    {
        switch (message)
        {
            case TargetMessage.Prepare { Question: var question, Reply: var reply }:
                FaultPoints.Reach("handoff:target:prepare");
                Serve(reply, PrepareAsync(question));
                break;
            case TargetMessage.Layer { From: var from, Cancelled: var cancelled, Reply: var reply }:
                Serve(reply, ports.Transfer.ReceiveLayerAsync(instance.Aid, handOff.Id, from, cancelled));
                break;
            case TargetMessage.Hold { Reply: var reply }:
                FaultPoints.Reach("handoff:target:hold");
                Serve(reply, ports.Transfer.HoldAsync(Mine, handOff.Id, Context.Stopping));
                break;
            case TargetMessage.State { From: var from, Cancelled: var cancelled, Reply: var reply }:
                FaultPoints.Reach("handoff:target:state");
                Serve(reply, ports.Transfer.ReceiveStateAsync(instance.Aid, handOff.Id, from, cancelled));
                break;
            case TargetMessage.Resume { Question: var question, Reply: var reply }:
                Listen();
                (_asker, _question) = (reply, question);
                Follow(new TargetEvent.Resume(new StoredApplication(question.State, question.Revision, question.Owned)));
                break;
            case TargetMessage.Settle { Question: var question, Reply: var reply }:
                Listen();
                _busy++;
                PipeTo(
                    SettleAsync(question),
                    () => new TargetMessage.Done(() => reply.Success(true), Over: true),
                    error => new TargetMessage.Done(() => reply.Failure(Undecided(error)), _settled));
                break;
            case TargetMessage.Abandon { Reply: var reply }:
                _abandoning.Add(reply);
                Follow(new TargetEvent.Abandon());
                break;
            case TargetMessage.MayRun { Reply: var reply }:
                _mayRun = reply;
                AnswerMayRun();
                break;
            case TargetMessage.Restored { Result: var result }:
                FaultPoints.Reach("handoff:target:resumed");
                _result = result;
                Follow(new TargetEvent.Restored());
                break;
            case TargetMessage.Dropped { Frames: var frames }:
                _frames = [.. frames.Select(frame => frame.ToArray())];
                Follow(new TargetEvent.Dropped());
                break;
            case TargetMessage.Happened { Event: var happened }:
                Follow(happened);
                break;
            case TargetMessage.Done { Answer: var answer, Over: var over }:
                _busy--;
                answer();
                if (over) Stop();
                break;
            case TargetMessage.Quiet:
                if (_busy == 0) Follow(new TargetEvent.Quiet());
                Listen();
                break;
        }
    }

    private async Task PrepareAsync(PrepareHandOff question)
    {
        var blockers = await ports.Transfer.CheckAsync(question.Instance, question.Facts, Context.Stopping);
        if (blockers.Count > 0)
            throw new VniException(ErrorCodes.Incompatible, $"application {instance.Aid} cannot go to node {settings.Node}: {string.Join("; ", blockers)}; it runs on where it is");
        await ports.Transfer.PrepareAsync(Mine, handOff.Id, question.Facts, Context.Stopping);
    }

    /// <summary>One at rest: its files first, then the registry's word that it is here. Only one that has both can say so, and be
    /// certain of it.</summary>
    private async Task SettleAsync(SettleHandOff question)
    {
        var state = question.State;
        await ports.Transfer.SettleAsync(question.Instance with { Epoch = state.Epoch + 1 }, handOff.Id, question.Park, Context.Stopping);
        _settled = true;
        try
        {
            var change = new ApplicationChange(state with { Node = settings.Node, Epoch = state.Epoch + 1 })
            {
                Event = (EventKinds.Migrated, $"it is on node {settings.Node} now; it came from {handOff.Source}"),
            };
            await store.DecideAsync(new StoredApplication(state, question.Revision, Owned: false), change, Context.Stopping);
        }
        catch
        {
            examine(); // What is here of it goes, if it is not this node's.
            throw;
        }
    }

    private static Exception Undecided(Exception error) => error switch
    {
        StaleWriteException stale => stale.ToRefusal(),
        UndecidedException { InnerException: { } reason } => reason,
        _ => error,
    };

    private void Serve(Reply<bool> reply, Task work)
    {
        _busy++;
        Listen();
        PipeTo(
            work,
            () => new TargetMessage.Done(() => reply.Success(true)),
            error => new TargetMessage.Done(() => reply.Failure(error)));
    }

    /// <summary>From now on the source has that long to be heard of again.</summary>
    private void Listen()
    {
        _quiet?.Dispose();
        _quiet = Schedule(settings.HandOffQuiet, new TargetMessage.Quiet());
    }

    private void Follow(TargetEvent happened)
    {
        foreach (var effect in _machine.On(happened)) Perform(effect);
    }

    private void Perform(TargetEffect effect)
    {
        switch (effect)
        {
            case TargetEffect.Restore:
                FaultPoints.Reach("handoff:target:restore");
                PipeTo<RestoreResult>(
                    RestoreAsync(_question!.ManifestSha256),
                    result => new TargetMessage.Restored(result),
                    error => new TargetMessage.Happened(new TargetEvent.NotRestored(error)));
                break;
            case TargetEffect.Commit commit:
                FaultPoints.Reach("handoff:target:commit");
                PipeTo(
                    store.DecideAsync(commit.From, commit.Change, Context.Stopping),
                    stored => new TargetMessage.Happened(new TargetEvent.Committed(stored)),
                    error => new TargetMessage.Happened(new TargetEvent.NotCommitted(error)));
                break;
            case TargetEffect.Permit:
                FaultPoints.Reach("handoff:target:committed");
                _permitted = true;
                AnswerMayRun();
                break;
            case TargetEffect.Deny { Reason: var reason }:
                _denied = reason;
                AnswerMayRun();
                break;
            case TargetEffect.Record record:
                FaultPoints.Reach("handoff:target:record");
                PipeTo(
                    store.RecordAsync(record.From, record.Change, Context.Stopping),
                    stored => new TargetMessage.Happened(new TargetEvent.Wrote(stored)),
                    error => new TargetMessage.Happened(new TargetEvent.Stale(error)));
                break;
            case TargetEffect.Read:
                PipeTo(
                    store.LookAsync(instance.Aid, Context.Stopping),
                    seen => new TargetMessage.Done(() => Follow(new TargetEvent.Seen(seen))),
                    error => new TargetMessage.Done(() => log.WorkFailed(error, "looking whether a hand-off is still wanted")));
                _busy++;
                break;
            case TargetEffect.Drop:
                FaultPoints.Reach("handoff:target:drop");
                PipeTo(ports.Transfer.AbandonAsync(instance.Aid, handOff.Id, CancellationToken.None), frames => new TargetMessage.Dropped(frames), Undropped);
                break;
            case TargetEffect.Examine:
                examine();
                break;
            case TargetEffect.Accept:
                arrived(new HandOffArrival(_machine.Stored!, _result!.InitPid)); // Before its source is told, and sends commands here.
                _asker?.Success(new HandOffResumed(_machine.Stored!.State, _result.FramesHeld, _result.Phases));
                break;
            case TargetEffect.Refuse { Reason: var reason }:
                _asker?.Failure(Undecided(reason));
                break;
            case TargetEffect.End:
                foreach (var asker in _abandoning) asker.Success(_frames);
                Stop();
                break;
        }
    }

    /// <summary>What is left is found by the next start; the source must not wait for it.</summary>
    private TargetMessage.Dropped Undropped(Exception reason)
    {
        log.WorkFailed(reason, $"dropping hand-off {handOff.Id} of {instance.Aid}");
        return new TargetMessage.Dropped([]);
    }

    private async Task<RestoreResult> RestoreAsync(string manifestSha256)
    {
        var self = Context.Self;
        return await ports.Transfer.ResumeAsync(
            Mine, handOff.Id, manifestSha256, cancel => self.AskAsync<bool>(reply => new TargetMessage.MayRun(reply), cancel), Context.Stopping);
    }

    private void AnswerMayRun()
    {
        if (_mayRun is null) return;
        if (_permitted) _mayRun.Success(true);
        else if (_denied is not null) _mayRun.Failure(_denied);
    }
}

/// <summary>An instance has come here by a hand-off and runs.</summary>
/// <param name="Stored">As recorded.</param>
/// <param name="InitPid">Its harness.</param>
internal sealed record HandOffArrival(StoredApplication Stored, int InitPid);
