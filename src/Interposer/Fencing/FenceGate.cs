using System.Collections.Concurrent;
using Vni.Actors;
using Vni.Actors.Identity;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Fencing;

/// <summary>
/// What every operation passes that would let an instance run or be heard. It is closed from <see cref="Close"/>, or the
/// deadline that the node was given, until the next deadline; and for an instance that the fence holds until that one is
/// confirmed. An operation that finds it closed leaves the instance as the fence would have.
/// </summary>
/// <param name="clock">Nanoseconds of CLOCK_BOOTTIME.</param>
internal sealed class FenceGate(Func<long> clock) : IDisposable
{
    /// <summary>Held for reading while something passes, so that nothing is on its way when <see cref="Close"/> returns.</summary>
    private readonly ReaderWriterLockSlim _passing = new();
    private readonly ConcurrentDictionary<Aid, Held> _held = new();
    private readonly ConcurrentDictionary<Aid, bool> _confirmed = new();
    private long _deadline = long.MaxValue;
    private bool _closed;

    /// <summary>Until when instances may run.</summary>
    public void Open(long deadline) => Change(() =>
    {
        _confirmed.Clear();
        (_closed, _deadline) = (false, deadline);
    });

    /// <summary>There is no deadline any more.</summary>
    public void OpenForGood() => Open(long.MaxValue);

    /// <summary>Nothing passes until the next <see cref="Open"/>, except what is confirmed.</summary>
    public void Close() => Change(() =>
    {
        if (!_closed) _confirmed.Clear();
        _closed = true;
    });

    /// <summary>The fence keeps this one from running.</summary>
    public void Hold(Aid aid) => _held.TryAdd(aid, new Held());

    /// <summary>The fence keeps frames for this one waiting: it is to be plugged when it is confirmed.</summary>
    public void HoldPort(Aid aid) => _held.GetOrAdd(aid, static _ => new Held()).Port = true;

    /// <summary>Whether the fence holds it.</summary>
    public bool Holds(Aid aid) => _held.ContainsKey(aid);

    /// <summary>Whether the fence holds its port.</summary>
    public bool HoldsPort(Aid aid) => _held.TryGetValue(aid, out var held) && held.Port;

    /// <summary>It may run and be heard, whatever the gate says about the others.</summary>
    public void Confirm(Aid aid) => Change(() =>
    {
        _held.TryRemove(aid, out _);
        _confirmed[aid] = true;
    });

    /// <summary>It is gone.</summary>
    public void Forget(Aid aid)
    {
        _held.TryRemove(aid, out _);
        _confirmed.TryRemove(aid, out _);
    }

    /// <summary>Does what makes an instance heard; if it may not be, does the other and notes that it was asked for.</summary>
    public int Plug(Aid aid, Func<int> plug, Action park)
    {
        _passing.EnterReadLock();
        try
        {
            if (IsOpenTo(aid)) return plug();
            HoldPort(aid);
            park();
            return 0;
        }
        finally
        {
            _passing.ExitReadLock();
        }
    }

    /// <summary>Lets an instance run; if it may not, it stays frozen until it is confirmed.</summary>
    public Task ThawAsync(Aid aid, Cgroup cgroup)
    {
        _passing.EnterReadLock();
        try
        {
            if (IsOpenTo(aid)) return cgroup.ThawAsync(CancellationToken.None);
            Hold(aid);
            return Task.CompletedTask;
        }
        finally
        {
            _passing.ExitReadLock();
        }
    }

    /// <exception cref="VniException"><see cref="ErrorCodes.Conflict"/>: nothing may be started now.</exception>
    public void RefuseWhenClosed(Aid aid)
    {
        if (Refused(aid, failure: null) is { } refusal) throw refusal;
    }

    /// <summary>The refusal, if that is why something came to nothing; else <c>null</c>.</summary>
    public VniException? Refused(Aid aid, Exception? failure)
    {
        _passing.EnterReadLock();
        try
        {
            return IsOpenTo(aid)
                ? null
                : new VniException(
                    ErrorCodes.Conflict,
                    $"application {aid} cannot be started: the node has lost touch with the registry, and its applications are frozen until it has confirmed that they are its own; try again, or on another node",
                    failure);
        }
        finally
        {
            _passing.ExitReadLock();
        }
    }

    /// <inheritdoc />
    public void Dispose() => _passing.Dispose();

    private bool IsOpenTo(Aid aid) => _confirmed.ContainsKey(aid) || (!_held.ContainsKey(aid) && !_closed && clock() < _deadline);

    private void Change(Action change)
    {
        _passing.EnterWriteLock();
        try
        {
            change();
        }
        finally
        {
            _passing.ExitWriteLock();
        }
    }

    private sealed class Held
    {
        public volatile bool Port;
    }
}
