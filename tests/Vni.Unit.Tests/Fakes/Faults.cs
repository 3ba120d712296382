using System.Collections.Concurrent;

namespace Vni.Unit.Tests.Fakes;

/// <summary>
/// What goes wrong in one life of a daemon. Everything that reaches the node or the registry passes a named step here; a
/// step can be told to fail or to wait, and the daemon can be told to die at the n-th step from now: that step and all
/// later ones then fail without having any effect, as if the process were gone.
/// </summary>
internal sealed class Faults
{
    private readonly Lock _gate = new();
    private readonly ConcurrentDictionary<string, Func<Task>> _scripts = new();
    private int _countdown;
    private int _failCountdown;
    private Func<Exception>? _failure;

    /// <summary>Whether the daemon has died.</summary>
    public bool Dead { get; private set; }

    /// <summary>The steps passed, in order.</summary>
    public List<string> Trace { get; } = [];

    /// <summary>Runs <paramref name="script"/> at every step of that name.</summary>
    public void At(string step, Func<Task> script) => _scripts[step] = script;

    /// <summary>Throws at every step of that name.</summary>
    public void FailAt(string step, Func<Exception> error) => At(step, () => throw error());

    /// <summary>Throws at the next step of that name only.</summary>
    public void FailOnceAt(string step, Func<Exception> error) => At(step, () =>
    {
        _scripts.TryRemove(step, out _);
        throw error();
    });

    /// <summary>Holds the step until the result is completed; <c>Reached</c> says that somebody waits there.</summary>
    public (Task Reached, TaskCompletionSource Release) HoldAt(string step)
    {
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        At(step, () =>
        {
            reached.TrySetResult();
            return release.Task;
        });
        return (reached.Task, release);
    }

    /// <summary>The daemon dies at the n-th step from now, from 1.</summary>
    public void DieAt(int step)
    {
        lock (_gate) _countdown = step;
    }

    /// <summary>The interposer fails once, at the n-th of its steps from now, from 1.</summary>
    public void FailAt(int step, Func<Exception> error)
    {
        lock (_gate) (_failure, _failCountdown) = (error, step);
    }

    /// <summary>Whether the failure of <see cref="FailAt(int, Func{Exception})"/> has come.</summary>
    public bool Failed => Volatile.Read(ref _failCountdown) == 0;

    /// <summary>The daemon dies now.</summary>
    public void Die()
    {
        lock (_gate) Dead = true;
    }

    public async Task StepAsync(string name)
    {
        lock (_gate)
        {
            if (_countdown > 0 && --_countdown == 0) Dead = true;
            if (Dead) throw new DaemonDiedException(name);
            Trace.Add(name);
            if (_failCountdown > 0 && name is not ("read" or "write" or "written" or "grant" or "keepalive" or "revoke") && --_failCountdown == 0) throw _failure!();
        }

        if (_scripts.TryGetValue(name, out var script)) await script();
        if (Dead) throw new DaemonDiedException(name);
    }

    public IReadOnlyList<string> Snapshot()
    {
        lock (_gate) return [.. Trace];
    }
}

/// <summary>The process is gone; nothing that it still does has an effect.</summary>
internal sealed class DaemonDiedException(string step) : Exception($"the daemon died at {step}");
