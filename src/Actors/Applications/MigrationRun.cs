using Vni.Actors.HandOffs;
using Vni.Actors.Interposition;
using Vni.Actors.Messages;
using Vni.Actors.Nodes;

namespace Vni.Actors.Applications;

/// <summary>One migration, as its source sees it: what it has come to, and how long that took.</summary>
internal sealed class MigrationRun(HandOffSource source, HandOffRecord handOff, MigrateRequest request, TimeProvider time)
{
    private readonly List<Phase> _phases = [];
    private long _mark = time.GetTimestamp();
    private long _frozen;

    public HandOffSource Source { get; } = source;

    public HandOffRecord HandOff { get; } = handOff;

    public MigrateRequest Request { get; } = request;

    /// <summary>When the time that the user allows began to run.</summary>
    public long Since { get; init; } = time.GetTimestamp();

    /// <summary>What a former daemon left of it here; <c>null</c>: this daemon began it.</summary>
    public FoundState? Inherited { get; init; }

    /// <summary>Harness of the instance that was taken over; 0: none.</summary>
    public int InitPid { get; set; }

    /// <summary>Whether the target may have committed.</summary>
    public bool Asked { get; set; }

    public StateSent? Sent { get; set; }

    /// <summary>Visitors that were ended for it.</summary>
    public IReadOnlyList<ClosedVisitor> ClosedVisitors { get; set; } = [];

    public Farms.HandOffResumed? Resumed { get; set; }

    /// <summary>Frames that the target held for an instance that stays here.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Frames { get; set; } = [];

    /// <summary>How long the application was frozen.</summary>
    public TimeSpan Freeze { get; private set; }

    /// <summary>Time that is left of what the user allows.</summary>
    public TimeSpan Left
    {
        get
        {
            var left = TimeSpan.FromSeconds(Request.TimeoutSeconds) - time.GetElapsedTime(Since);
            return left > TimeSpan.Zero ? left : TimeSpan.FromMilliseconds(1);
        }
    }

    /// <summary>A token that ends with the time the user allows.</summary>
    public TimeLimit Limit(CancellationToken stopping) => new(Left, time, stopping);

    public void Began() => _mark = time.GetTimestamp();

    public void Froze() => _frozen = _mark = time.GetTimestamp();

    public void Mark(string phase)
    {
        _phases.Add(new Phase(phase, time.GetElapsedTime(_mark).TotalMilliseconds));
        _mark = time.GetTimestamp();
    }

    /// <summary>The state is with the target: dumping and sending went on together.</summary>
    public void MarkSent()
    {
        _phases.AddRange(Sent!.Phases);
        var sending = time.GetElapsedTime(_mark).TotalMilliseconds - Sent.Phases.Sum(phase => phase.Milliseconds);
        _phases.Add(new Phase("send", Math.Max(0, sending)));
        _mark = time.GetTimestamp();
    }

    /// <summary>It runs on the target.</summary>
    public void Thawed()
    {
        Freeze = time.GetElapsedTime(_frozen);
        _phases.AddRange(Resumed!.Phases.Select(phase => phase with { Name = $"target {phase.Name}" }));
        _phases.Add(new Phase("record", Math.Max(0, time.GetElapsedTime(_mark).TotalMilliseconds - Resumed.Phases.Sum(phase => phase.Milliseconds))));
        _mark = time.GetTimestamp();
    }

    public MigrationView View(ApplicationState state, string from) => new()
    {
        Application = ApplicationViews.Of(Resumed?.State ?? state, [], []),
        From = from,
        To = HandOff.Target,
        Phases = _phases,
        FreezeMilliseconds = Freeze.TotalMilliseconds,
        FramesHeld = Resumed?.FramesHeld ?? 0,
        Bytes = Sent?.Bytes ?? 0,
        ClosedVisitors = ClosedVisitors,
    };
}
