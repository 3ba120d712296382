using Vni.Actors.Registry;

namespace Vni.Cluster.Registry.Sqlite;

/// <summary>Something that waits for the writing thread.</summary>
internal abstract class WriteRequest
{
    /// <summary>Does the work within the present database transaction. What it throws fails the whole batch.</summary>
    public abstract void Apply(StoreWriter writer);

    /// <summary>The transaction is on disk: the caller may know.</summary>
    public abstract void Acknowledge();

    /// <summary>The transaction failed.</summary>
    public abstract void Fail(Exception failure);
}

/// <summary>A request whose caller waits for a <typeparamref name="T"/>.</summary>
/// <param name="apply">The work.</param>
/// <param name="cancellationToken">Honoured until the writing thread takes the request; from then on it is carried out.</param>
internal sealed class WriteRequest<T>(Func<StoreWriter, T> apply, CancellationToken cancellationToken) : WriteRequest
{
    private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Action? _outcome;

    public Task<T> Done => _done.Task;

    public override void Apply(StoreWriter writer)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            _outcome = () => _done.TrySetCanceled(cancellationToken);
            return;
        }

        try
        {
            var result = apply(writer);
            _outcome = () => _done.TrySetResult(result);
        }
        catch (Exception e) when (e is LeaseNotFoundException or CompactedException)
        {
            // Refused before anything was changed: the other requests of the batch are not concerned.
            _outcome = () => _done.TrySetException(e);
        }
    }

    public override void Acknowledge() => _outcome!();

    public override void Fail(Exception failure) => _done.TrySetException(failure);
}
