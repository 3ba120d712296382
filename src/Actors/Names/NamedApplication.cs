using Vni.Actors.Identity;

namespace Vni.Actors.Names;

/// <summary>The part of <c>applications/AID</c> that names are made of: a server of another version than the nodes reads it all the same.</summary>
internal sealed record NamedApplication(VirtualIdentity? Identity);
