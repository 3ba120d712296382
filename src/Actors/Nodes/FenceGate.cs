using System.Diagnostics.CodeAnalysis;

namespace Vni.Actors.Nodes;

/// <summary>Closed while the node may not let instances run; whoever is about to let one run waits for it. Any thread.</summary>
[SuppressMessage("Design", "CA1001", Justification = "The semaphore has no handle as long as nobody asks for one; turns may end after the node's actor.")]
internal sealed class FenceGate
{
    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _turn = new(1, 1);
    private TaskCompletionSource? _closed;

    /// <summary>How often it was closed: a confirmation that was asked for before the last time is worth nothing.</summary>
    public int Closings { get; private set; }

    /// <summary>Completed while it is open.</summary>
    public Task WhenOpen
    {
        get
        {
            lock (_lock) return _closed?.Task ?? Task.CompletedTask;
        }
    }

    public void Close()
    {
        lock (_lock)
        {
            Closings++;
            _closed ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    public void Open()
    {
        lock (_lock)
        {
            _closed?.SetResult();
            _closed = null;
        }
    }

    /// <summary>Waits until something may run that was this node's when the gate had been closed <paramref name="closings"/> times,
    /// and has that confirmed if it was closed since. Disposing the result ends the turn.</summary>
    /// <param name="closings">Negative: it was not known to be this node's.</param>
    /// <param name="confirm">Throws if it is not.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public async Task<IDisposable> PassAsync(int closings, Func<Task> confirm, CancellationToken cancellationToken)
    {
        while (true)
        {
            await WhenOpen.WaitAsync(cancellationToken);
            var now = Closings;
            if (now != closings) await confirm();
            closings = now;
            var turn = await EnterAsync(cancellationToken);
            if (Closings == now && WhenOpen.IsCompleted) return turn;
            turn.Dispose();
        }
    }

    /// <summary>Freezing everything and letting one run take turns. Disposing the result ends the turn.</summary>
    public async Task<IDisposable> EnterAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        return new Turn(_turn);
    }

    private sealed class Turn(SemaphoreSlim turn) : IDisposable
    {
        public void Dispose() => turn.Release();
    }
}
