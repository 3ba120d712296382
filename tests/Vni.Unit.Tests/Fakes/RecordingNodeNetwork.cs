using Vni.Actors.Identity;
using Vni.Actors.Snapshots;
using Vni.Interposer.Network;

namespace Vni.Unit.Tests.Fakes;

/// <summary>Does nothing and remembers in which order it was asked: <c>park web 10.9.0.5</c>, <c>plug web 10.9.0.5</c>.</summary>
internal sealed class RecordingNodeNetwork : INodeNetwork
{
    private readonly Lock _gate = new();
    private readonly List<string> _calls = [];

    /// <summary>One line per call, in order.</summary>
    public IReadOnlyList<string> Calls
    {
        get { lock (_gate) return [.. _calls]; }
    }

    /// <summary>What <see cref="Plug"/> returns.</summary>
    public int FramesHeld { get; set; }

    /// <summary>What <see cref="FindPorts"/> returns.</summary>
    public IReadOnlyList<string> Ports { get; set; } = [];

    /// <summary>What <see cref="ReadNeighbours"/> returns.</summary>
    public IReadOnlyList<Neighbour> Neighbours { get; set; } = [];

    /// <summary>Called with each line before it is recorded; throws to make that call fail.</summary>
    public Action<string>? OnCall { get; set; }

    public void Start() => Record("start");

    public void Connect(Aid aid, VirtualIdentity identity, int initPid, IReadOnlyList<Neighbour> neighbours) =>
        Record($"connect {aid} {identity.Ip} {initPid} {neighbours.Count}");

    public int Plug(Aid aid, VirtualIdentity identity, TravelledFrames travelled)
    {
        Record($"plug {aid} {identity.Ip}");
        return FramesHeld;
    }

    /// <summary>What <see cref="TakeHeld"/> returns.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Held { get; set; } = [];

    public IReadOnlyList<ReadOnlyMemory<byte>> TakeHeld(Aid aid)
    {
        Record($"take-held {aid}");
        return Held;
    }

    public void Yield(Aid aid, VirtualIdentity identity) => Record($"yield {aid} {identity.Ip}");

    public void Announce(VirtualIdentity identity) => Record($"announce {identity.Ip}");

    public void Park(Aid aid, VirtualIdentity identity) => Record($"park {aid} {identity.Ip}");

    /// <summary>What <see cref="IsParked"/> returns.</summary>
    public bool Parked { get; set; }

    public bool IsParked(Aid aid) => Parked;

    public void Disconnect(Aid aid) => Record($"disconnect {aid}");

    public void Remove(Aid aid) => Record($"remove {aid}");

    public IReadOnlyList<Neighbour> ReadNeighbours(int initPid)
    {
        Record($"read-neighbours {initPid}");
        return Neighbours;
    }

    public void LockLoopback(int initPid) => Record($"lock-loopback {initPid}");

    public void UnlockLoopback(int initPid) => Record($"unlock-loopback {initPid}");

    public IReadOnlyList<string> FindPorts()
    {
        Record("find-ports");
        return Ports;
    }

    public void Dispose() => Record("dispose");

    private void Record(string call)
    {
        OnCall?.Invoke(call);
        lock (_gate) _calls.Add(call);
    }
}
