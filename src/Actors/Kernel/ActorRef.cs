namespace Vni.Actors.Kernel;

/// <summary>Where messages for an actor go; stays the same when the actor is restarted. Safe to use from any thread.</summary>
public sealed class ActorRef<TMessage>
{
    private readonly ActorCell<TMessage> _cell;

    internal ActorRef(ActorCell<TMessage> cell) => _cell = cell;

    /// <summary>Name in the hierarchy, parts separated by slashes: <c>node/applications/web</c>.</summary>
    public string Path => _cell.Path;

    /// <summary>Completes, never with a failure, when the actor has stopped for good, for whatever reason.</summary>
    public Task Stopped => _cell.Stopped;

    /// <summary>Sends and forgets. Messages of one sender keep their order; a stopped actor receives nothing.</summary>
    public void Tell(TMessage message) => _cell.Post(new Envelope<TMessage> { Message = message });

    /// <summary>
    /// Sends a question and waits for its answer. Cancelling ends the waiting, not what the actor does about the question.
    /// </summary>
    /// <param name="make">Makes the message that carries the reply.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <exception cref="ActorStoppedException">The actor is stopped, or stopped without an answer.</exception>
    /// <exception cref="Exception">Whatever the actor failed with on this question.</exception>
    public async Task<TReply> AskAsync<TReply>(Func<Reply<TReply>, TMessage> make, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var reply = new Reply<TReply>();
        await using var registration = cancellationToken.UnsafeRegister(static (state, token) => ((Reply<TReply>)state!).Cancel(token), reply);
        _cell.Post(new Envelope<TMessage> { Message = make(reply), Reply = reply });
        return await reply.Answer;
    }

    /// <summary>
    /// Stops the actor: the message in hand is finished, those in the mailbox are not received and their askers are told,
    /// piped work is cancelled and awaited, then <c>StoppedAsync</c> runs. An actor must not await its own end; it calls
    /// <c>Stop</c>.
    /// </summary>
    public Task StopAsync()
    {
        _cell.RequestStop();
        return _cell.Stopped;
    }

    /// <inheritdoc />
    public override string ToString() => Path;
}

/// <summary>The actor has stopped, so that the question will never be answered.</summary>
/// <param name="path">The actor.</param>
/// <param name="inner">What it failed with, if a failure stopped it.</param>
public sealed class ActorStoppedException(string path, Exception? inner = null)
    : Exception($"Actor {path} has stopped{(inner is null ? "" : $" after a failure ({inner.Message})")} and answers no more.", inner)
{
    /// <summary>The actor.</summary>
    public string Path { get; } = path;
}
