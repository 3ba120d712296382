using Vni.Actors;

namespace Vni.Interposer.Checkpoint;

/// <summary>
/// Marks refusals that go away when the processes run on for a moment: a connection that waits to be accepted, a
/// process between vfork(2) and execve(2). The caller thaws, lets them run, and tries again before it gives up.
/// </summary>
internal static class Transient
{
    private const string Key = "vni.transient";

    /// <summary>Whether trying again may help.</summary>
    public static bool Is(Exception e) => e.Data[Key] is true;

    /// <summary>Marks <paramref name="e"/> if <paramref name="transient"/>.</summary>
    public static VniException Mark(VniException e, bool transient)
    {
        if (transient) e.Data[Key] = true;
        return e;
    }
}
