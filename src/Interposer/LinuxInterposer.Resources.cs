using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Actors.Resources;
using Vni.Interposer.Resources;

namespace Vni.Interposer;

/// <content>Resource ids of live instances.</content>
public sealed partial class LinuxInterposer
{
    /// <inheritdoc />
    public InstanceResources? FindResources(Aid aid) => new ResourceHolders(_kit).Find(aid, null);

    /// <inheritdoc />
    public Aid FindHolder(ResourceType type, string system) => new ResourceHolders(_kit).HolderOf(type, system);
}
