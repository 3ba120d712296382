namespace Vni.Actors.Applications;

/// <summary>A token that is cancelled when a time is over, or another token is.</summary>
internal sealed class TimeLimit : IDisposable
{
    private readonly CancellationTokenSource _linked;
    private readonly ITimer _timer;

    public TimeLimit(TimeSpan time, TimeProvider clock, CancellationToken other)
    {
        _linked = CancellationTokenSource.CreateLinkedTokenSource(other);
        _timer = clock.CreateTimer(static source => ((CancellationTokenSource)source!).Cancel(), _linked, time, Timeout.InfiniteTimeSpan);
    }

    public CancellationToken Token => _linked.Token;

    /// <inheritdoc />
    public void Dispose()
    {
        _timer.Dispose();
        _linked.Dispose();
    }
}
