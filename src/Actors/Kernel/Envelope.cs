namespace Vni.Actors.Kernel;

/// <summary>What lies in a mailbox: a message, or a function that makes it on the actor's turn.</summary>
internal readonly record struct Envelope<TMessage>
{
    /// <summary>The message, unless <see cref="Make"/> is given.</summary>
    public TMessage Message { get; init; }

    /// <summary>Makes the message of a piped outcome.</summary>
    public Func<TMessage>? Make { get; init; }

    /// <summary>The reply of a question.</summary>
    public IOpenReply? Reply { get; init; }

    /// <summary>The timer that sent it.</summary>
    public ScheduledMessage? Timer { get; init; }
}

/// <summary>One pending <c>Schedule</c>. Its set of all pending ones holds it until it is received or disposed.</summary>
internal sealed class ScheduledMessage(System.Collections.Concurrent.ConcurrentDictionary<ScheduledMessage, bool> pending) : IDisposable
{
    private ITimer? _timer;

    public void Start(TimeProvider time, TimeSpan delay, Action fire)
    {
        pending.TryAdd(this, true);
        _timer = time.CreateTimer(static state => ((Action)state!)(), fire, delay, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Whether its message is to be received: it was not disposed before. True once.</summary>
    public bool Take()
    {
        _timer?.Dispose();
        return pending.TryRemove(this, out _);
    }

    public void Dispose() => Take();
}
