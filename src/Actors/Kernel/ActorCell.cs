using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Vni.Actors.Kernel;

/// <summary>What the system knows of an actor whatever its messages are.</summary>
internal interface IActorCell
{
    string Path { get; }

    Task Stopped { get; }

    void RequestStop();
}

/// <summary>
/// The life of one actor behind its reference: mailbox, present object, open questions, piped work and timers.
/// Living (one object after the other) until a stop is requested or restarts are used up; then Ending; then Stopped.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "The source has no timer and no handle; piped work may look at its token after the actor's end.")]
internal sealed class ActorCell<TMessage> : IActorCell
{
    private readonly Channel<Envelope<TMessage>> _mailbox = Channel.CreateUnbounded<Envelope<TMessage>>(new() { SingleReader = true });
    private readonly ConcurrentDictionary<IOpenReply, bool> _open = new();
    private readonly ConcurrentDictionary<Task, bool> _work = new();
    private readonly ConcurrentDictionary<ScheduledMessage, bool> _timers = new();
    private readonly Queue<long> _restarts = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Func<Actor<TMessage>> _create;
    private readonly Supervision _supervision;
    private readonly ILogger _log;

    public ActorCell(string path, Func<Actor<TMessage>> create, Supervision supervision, ActorSystem system, TimeProvider time, ILogger log)
    {
        Path = path;
        _create = create;
        _supervision = supervision;
        _log = log;
        Context = new(new ActorRef<TMessage>(this), system, time, _stopping.Token);
    }

    public string Path { get; }

    public ActorContext<TMessage> Context { get; }

    public Task Stopped => _stopped.Task;

    public void Post(Envelope<TMessage> envelope)
    {
        if (!_mailbox.Writer.TryWrite(envelope)) Refuse(envelope, null);
    }

    public void RequestStop()
    {
        // A completed mailbox wakes the loop; the token makes it leave what is still in there.
        _ = _stopping.CancelAsync();
        _mailbox.Writer.TryComplete();
    }

    public void Pipe<T>(Task<T> task, Func<T, TMessage> success, Func<Exception, TMessage> failure) => Track(_work, PipeAsync(task, success, failure));

    public ScheduledMessage Schedule(TimeSpan delay, TMessage message)
    {
        var timer = new ScheduledMessage(_timers);
        timer.Start(Context.TimeProvider, delay, () => Post(new Envelope<TMessage> { Message = message, Timer = timer }));
        return timer;
    }

    /// <summary>Runs from the start to the end of the actor; never throws.</summary>
    public async Task RunAsync()
    {
        Exception? failure;
        do
        {
            failure = await LiveAsync();
        }
        while (failure is not null && MayRestart(failure));

        RequestStop();
        await Task.WhenAll(_work.Keys);
        while (_mailbox.Reader.TryRead(out var envelope)) Refuse(envelope, failure);
        Context.System.Forget(this);
        _stopped.SetResult();
    }

    /// <summary>The life of one object: <c>null</c> when it ended because the actor stops, else what it failed with.</summary>
    private async Task<Exception?> LiveAsync()
    {
        Actor<TMessage>? actor = null;
        Exception? failure = null;
        try
        {
            actor = _create();
            actor.Attach(this);
            await actor.OnStartedAsync();
            while (!_stopping.IsCancellationRequested && await _mailbox.Reader.WaitToReadAsync())
            {
                while (!_stopping.IsCancellationRequested && _mailbox.Reader.TryRead(out var envelope)) Deliver(actor, envelope);
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // StartedAsync gave up because the actor stops: that is no failure.
        }
        catch (Exception e)
        {
            failure = e;
        }

        await EndLifeAsync(actor, failure);
        return failure;
    }

    private void Deliver(Actor<TMessage> actor, in Envelope<TMessage> envelope)
    {
        if (envelope.Timer is { } timer && !timer.Take()) return;
        try
        {
            actor.OnReceive(envelope.Make is { } make ? make() : envelope.Message);
        }
        catch (Exception e)
        {
            envelope.Reply?.Failure(e);
            throw;
        }

        // Not answered on the spot: the object keeps it, so it must be failed when the object goes.
        if (envelope.Reply is { Completion.IsCompleted: false } reply)
        {
            _open.TryAdd(reply, true);
            _ = reply.Completion.ContinueWith(_ => _open.TryRemove(reply, out var _), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    private async Task EndLifeAsync(Actor<TMessage>? actor, Exception? failure)
    {
        foreach (var timer in _timers.Keys) timer.Dispose();
        // When the actor stops, its work ends before it is told, so that nothing runs behind its back any more.
        if (_stopping.IsCancellationRequested) await Task.WhenAll(_work.Keys);
        try
        {
            if (actor is not null) await actor.OnStoppedAsync();
        }
        catch (Exception e)
        {
            _log.StopFailed(e, Path);
        }

        foreach (var reply in _open.Keys) reply.Failure(failure ?? new ActorStoppedException(Path));
    }

    private void Refuse(in Envelope<TMessage> envelope, Exception? failure)
    {
        if (envelope.Reply is { } reply) reply.Failure(new ActorStoppedException(Path, failure));
        else _log.MessageDropped(Path, typeof(TMessage).Name);
    }

    private bool MayRestart(Exception failure)
    {
        if (_stopping.IsCancellationRequested)
        {
            _log.StopFailed(failure, Path);
            return false;
        }

        var time = Context.TimeProvider;
        while (_restarts.TryPeek(out var oldest) && time.GetElapsedTime(oldest) > _supervision.Window) _restarts.Dequeue();
        if (_restarts.Count >= _supervision.MaxRestarts)
        {
            _log.FailedForGood(failure, Path, _restarts.Count);
            return false;
        }

        _restarts.Enqueue(time.GetTimestamp());
        _log.Restarted(failure, Path, _restarts.Count);
        return true;
    }

    private async Task PipeAsync<T>(Task<T> task, Func<T, TMessage> success, Func<Exception, TMessage> failure)
    {
        Func<TMessage> make;
        try
        {
            var result = await task.ConfigureAwait(false);
            make = () => success(result);
        }
        catch (Exception e)
        {
            make = () => failure(e);
        }

        Post(new Envelope<TMessage> { Make = make });
    }

    private static void Track(ConcurrentDictionary<Task, bool> set, Task task)
    {
        set.TryAdd(task, true);
        _ = task.ContinueWith(_ => set.TryRemove(task, out var _), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }
}
