namespace Vni.EndToEnd.Tests.Farming;

/// <summary>Does the same request again and again in the background, until it is told to stop or one fails.</summary>
internal sealed class SteadyLoad
{
    private volatile bool _stopping;
    private readonly Task _task;
    private long _done;

    /// <param name="request">Throws if the answer is not what it must be.</param>
    public SteadyLoad(Func<Task> request) => _task = Task.Run(async () =>
    {
        while (!_stopping)
        {
            await request();
            Interlocked.Increment(ref _done);
        }
    });

    /// <summary>Requests answered well so far.</summary>
    public long Done => Interlocked.Read(ref _done);

    /// <summary>Returns when some more requests have been answered since the call; throws what the first failed one threw.</summary>
    public async Task AdvanceAsync(int requests = 20)
    {
        var goal = Done + requests;
        await Eventually.TrueAsync($"{requests} more answers", () => _task.IsFaulted || Done >= goal, TimeSpan.FromMinutes(1));
        if (_task.IsFaulted) await _task;
    }

    /// <summary>Ends it; throws what the first failed request threw.</summary>
    public async Task StopAsync()
    {
        _stopping = true;
        await _task;
    }
}
