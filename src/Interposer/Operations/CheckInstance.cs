using Vni.Actors;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Interposer.Checkpoint;
using Vni.Interposer.Checkpoint.Findings;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Operations;

/// <summary>Finds everything that would keep an instance from being saved, while it runs: it is only looked at.</summary>
internal sealed class CheckInstance(InstanceKit kit)
{
    /// <exception cref="VniException"><see cref="ErrorCodes.WrongState"/>: it does not run here.</exception>
    public IReadOnlyList<Finding> Run(Aid aid) => Run(
        aid, kit.Live.FindInit(aid) ?? throw new VniException(ErrorCodes.WrongState, $"application {aid} has no processes on this node that could be checked; start or restore it first"));

    /// <summary>The same for an instance whose first process is known.</summary>
    public IReadOnlyList<Finding> Run(Aid aid, int init)
    {
        var visitors = new Visitors(ProcReader.Node, init, kit.Cgroups.FindVisitors(aid).Pids());
        using var sockets = SocketReading.Open(init);
        return [.. visitors.Find(Libc.BootTime()), .. Preflight.Search(init, [.. kit.Cgroups.Find(aid).Pids(), .. visitors.LeftBehind], visitors.All, sockets)];
    }
}
