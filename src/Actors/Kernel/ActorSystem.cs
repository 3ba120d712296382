using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Vni.Actors.Kernel;

/// <summary>The actors of a process, by path.</summary>
/// <param name="time">The clock of all timers.</param>
/// <param name="log">Failures, restarts, dropped messages.</param>
public sealed class ActorSystem(TimeProvider time, ILogger<ActorSystem> log) : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, IActorCell> _cells = new(StringComparer.Ordinal);
    private readonly Lock _starting = new();
    private bool _disposed;

    /// <summary>Paths of the actors that have not stopped, in ordinal order: a parent comes before what is below it.</summary>
    public IReadOnlyList<string> Paths => [.. _cells.Keys.Order(StringComparer.Ordinal)];

    /// <summary>Starts an actor; <c>StartedAsync</c> runs before its first message, and after this returns.</summary>
    /// <param name="path">Free as long as no actor of that path runs or is being stopped.</param>
    /// <param name="create">Makes the object, and a new one for each restart.</param>
    /// <param name="supervision">What follows a failure; <c>null</c>: the default.</param>
    /// <exception cref="ArgumentException">An empty path, or one with an empty part.</exception>
    /// <exception cref="InvalidOperationException">The path is taken.</exception>
    /// <exception cref="ObjectDisposedException">The system is being stopped.</exception>
    public ActorRef<TMessage> Start<TMessage>(string path, Func<Actor<TMessage>> create, Supervision? supervision = null)
    {
        if (path.Split('/').Any(part => part.Length == 0))
            throw new ArgumentException($"Actor path '{path}' has an empty part; write names separated by single slashes.", nameof(path));
        var cell = new ActorCell<TMessage>(path, create, supervision ?? new Supervision(), this, time, log);
        lock (_starting)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (!_cells.TryAdd(path, cell)) throw new InvalidOperationException($"Actor {path} runs already; ask it, or stop it first.");
        }

        log.Started(path);
        // The actor outlives the request that started it, so it must not inherit its ambient state (trace, culture).
        using (ExecutionContext.SuppressFlow()) _ = Task.Run(cell.RunAsync);
        return cell.Context.Self;
    }

    /// <summary>Stops all actors, what is below a path before the path itself, and waits for them.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_starting) _disposed = true;
        foreach (var level in _cells.Values.GroupBy(cell => cell.Path.Count(c => c == '/')).OrderByDescending(level => level.Key))
        {
            foreach (var cell in level) cell.RequestStop();
            await Task.WhenAll(level.Select(cell => cell.Stopped));
        }
    }

    /// <summary>The path is free again.</summary>
    internal void Forget(IActorCell cell)
    {
        _cells.TryRemove(KeyValuePair.Create(cell.Path, cell));
        log.Stopped(cell.Path);
    }
}
