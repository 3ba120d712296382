using Vni.Actors.Interposition;

namespace Vni.Interposer.Operations;

/// <summary>Says how long each phase of an operation took, for those who ask what a pause was made of.</summary>
internal sealed class PhaseClock(TimeProvider clock)
{
    private readonly List<Phase> _phases = [];
    private long _last = clock.GetTimestamp();

    /// <summary>The phases so far, in order.</summary>
    public IReadOnlyList<Phase> Phases => _phases;

    /// <summary>Ends a phase; the next begins.</summary>
    public void Mark(string name)
    {
        var now = clock.GetTimestamp();
        _phases.Add(new Phase(name, Math.Round(clock.GetElapsedTime(_last, now).TotalMilliseconds, 3)));
        _last = now;
    }
}
