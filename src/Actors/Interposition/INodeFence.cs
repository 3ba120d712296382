using Vni.Actors.Identity;

namespace Vni.Actors.Interposition;

/// <summary>
/// Keeps instances of this node from running when the node may no longer own them. The guard is a process of its own: it
/// freezes all instances and takes their ports down when the time it was given runs out, also when the daemon is dead.
/// </summary>
public interface INodeFence
{
    /// <summary>Instances may run for <paramref name="remaining"/> from now without a further word. The first call starts the guard.</summary>
    void Extend(TimeSpan remaining);

    /// <summary>Told when the guard has fenced although this daemon lives: it was not extended in time, or just too late. Any thread.</summary>
    Action? GuardFired { get; set; }

    /// <summary>The node is leaving with nothing to guard: ends the guard.</summary>
    void Disarm();

    /// <summary>Freezes every instance and lets every port hold its frames. Repeating it changes nothing.</summary>
    Task FenceAsync(CancellationToken cancellationToken);

    /// <summary>Ownership of this one is confirmed: plugs and thaws it. Does nothing to one that is not fenced.</summary>
    Task LiftAsync(InstanceSpec instance, CancellationToken cancellationToken);
}
