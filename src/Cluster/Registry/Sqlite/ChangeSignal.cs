namespace Vni.Cluster.Registry.Sqlite;

/// <summary>Wakes all watches after a commit. A watch takes <see cref="Next"/>, reads, then awaits what it took: no change slips through.</summary>
internal sealed class ChangeSignal
{
    private TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _closed;

    /// <summary>Completes at the next change, or when the store closes.</summary>
    public Task Next => Volatile.Read(ref _next).Task;

    /// <summary>No change will come any more.</summary>
    public bool Closed => _closed;

    public void Raise() => Interlocked.Exchange(ref _next, new(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();

    public void Close()
    {
        _closed = true;
        Raise();
    }
}
