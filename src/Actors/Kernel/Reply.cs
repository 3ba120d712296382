namespace Vni.Actors.Kernel;

/// <summary>
/// The answer that a question waits for. The first completion counts, later ones are ignored. It belongs to the actor
/// that was asked: when that actor fails over the question or stops, the kernel completes it. To pass a question on,
/// ask the other actor and pipe its answer.
/// </summary>
public sealed class Reply<T> : IOpenReply
{
    // Asynchronous continuations: an asker's code must not run on the actor's turn.
    private readonly TaskCompletionSource<T> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal Reply() { }

    internal Task<T> Answer => _answer.Task;

    Task IOpenReply.Completion => _answer.Task;

    /// <summary>Answers.</summary>
    public void Success(T value) => _answer.TrySetResult(value);

    /// <summary>Refuses, or reports a failure; the asker's <c>await</c> throws it.</summary>
    public void Failure(Exception reason) => _answer.TrySetException(reason);

    internal void Cancel(CancellationToken cancellationToken) => _answer.TrySetCanceled(cancellationToken);
}

/// <summary>A reply, whatever its type.</summary>
internal interface IOpenReply
{
    Task Completion { get; }

    void Failure(Exception reason);
}
