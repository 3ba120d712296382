namespace Vni.Cluster.Registry.Etcd;

/// <summary>Watches "from now on" whose first revision is being asked for. Writes wait for them, or they would come before "now".</summary>
internal sealed class StartingWatches
{
    private readonly Lock _gate = new();
    private Task _all = Task.CompletedTask;

    public Task<long> Add(Task<long> start)
    {
        lock (_gate) _all = Task.WhenAll(_all.IsCompleted ? Task.CompletedTask : _all, start.ContinueWith(static _ => { }, TaskScheduler.Default));
        return start;
    }

    /// <summary>Waits until each has begun, or has failed to.</summary>
    public Task WaitAsync(CancellationToken cancellationToken)
    {
        lock (_gate) return _all.IsCompleted ? Task.CompletedTask : _all.WaitAsync(cancellationToken);
    }
}
