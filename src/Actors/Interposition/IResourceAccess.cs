using System.Globalization;
using Vni.Actors.Identity;
using Vni.Actors.Resources;

namespace Vni.Actors.Interposition;

/// <summary>Looking at the resources of live instances as the kernel has them at that moment; any number at once, also of one that is
/// frozen.</summary>
public interface IResourceAccess
{
    /// <summary>Everything that an instance has; <c>null</c> when none of it lives here. A few reads of <c>/proc</c> for each process,
    /// one for each thread and descriptor.</summary>
    InstanceResources? FindResources(Aid aid);

    /// <summary>The application that a resource of this node belongs to.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.UnknownResource"/>: there is none of that id, or no application here has it.
    /// <see cref="ErrorCodes.ForeignResource"/>: it is the node's own, or a visitor's.</exception>
    Aid FindHolder(ResourceType type, string system);
}

/// <param name="InitPid">Its first process, on the node.</param>
/// <param name="Found">In no order; no virtual id twice in a type, and no system id.</param>
public sealed record InstanceResources(int InitPid, IReadOnlyList<FoundResource> Found)
{
    /// <summary>Differs between two times that the instance was brought to life.</summary>
    public string Activation { get; } = InitPid.ToString(CultureInfo.InvariantCulture);

    /// <summary>The way of the node's administrator to a file of the instance; proc_pid_root(5).</summary>
    public string PathOf(string path) => $"/proc/{Activation}/root{path}";
}
