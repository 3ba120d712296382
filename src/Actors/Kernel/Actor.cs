namespace Vni.Actors.Kernel;

/// <summary>
/// Receives one message at a time and shares its state with nobody. It never waits: asynchronous work is started and
/// its result comes back as a message (<see cref="PipeTo{T}"/>). All methods below are called, and may be used, on the
/// actor's own turn only; none of them in the constructor, where <see cref="Context"/> is not there yet.
/// </summary>
public abstract class Actor<TMessage>
{
    private ActorCell<TMessage>? _cell;

    /// <summary>Itself, its system and its clock.</summary>
    /// <exception cref="InvalidOperationException">Used in the constructor.</exception>
    protected ActorContext<TMessage> Context => Cell.Context;

    private ActorCell<TMessage> Cell =>
        _cell ?? throw new InvalidOperationException($"{GetType().Name} uses its context in its constructor; do so from StartedAsync on.");

    internal void Attach(ActorCell<TMessage> cell) => _cell = cell;

    internal Task OnStartedAsync() => StartedAsync();

    internal void OnReceive(TMessage message) => Receive(message);

    internal ValueTask OnStoppedAsync() => StoppedAsync();

    /// <summary>Before the first message, and before the first one after a restart. Messages wait meanwhile.</summary>
    protected virtual Task StartedAsync() => Task.CompletedTask;

    /// <summary>One message. An exception fails the asker of this message and hands the actor to its supervision.</summary>
    protected abstract void Receive(TMessage message);

    /// <summary>The last call on this object: when the actor stops, and on a failed object before it is replaced.</summary>
    protected virtual ValueTask StoppedAsync() => ValueTask.CompletedTask;

    /// <summary>
    /// Turns the outcome of <paramref name="task"/> into a message to this actor. Both functions run on the actor's turn.
    /// An outcome that arrives after a restart goes to the new object; one that arrives after the stop is dropped.
    /// </summary>
    protected void PipeTo<T>(Task<T> task, Func<T, TMessage> success, Func<Exception, TMessage> failure) => Cell.Pipe(task, success, failure);

    /// <inheritdoc cref="PipeTo{T}" />
    protected void PipeTo(Task task, Func<TMessage> success, Func<Exception, TMessage> failure) =>
        Cell.Pipe(WithResult(task), _ => success(), failure);

    /// <summary>
    /// Sends <paramref name="message"/> to this actor after <paramref name="delay"/>. Once disposed it is never received,
    /// not even when it was already in the mailbox. A restart and the stop dispose what is still scheduled.
    /// </summary>
    protected IDisposable Schedule(TimeSpan delay, TMessage message) => Cell.Schedule(delay, message);

    /// <summary>Stops this actor after the present message.</summary>
    protected void Stop() => Cell.RequestStop();

    private static async Task<bool> WithResult(Task task)
    {
        await task;
        return true;
    }
}

/// <summary>What an actor may know of its surroundings.</summary>
/// <param name="Self">Its own reference.</param>
/// <param name="System">The system that it lives in.</param>
/// <param name="TimeProvider">The clock.</param>
/// <param name="Stopping">Cancelled when the actor is asked to stop: pass it to every task that is piped.</param>
public sealed record ActorContext<TMessage>(ActorRef<TMessage> Self, ActorSystem System, TimeProvider TimeProvider, CancellationToken Stopping);
