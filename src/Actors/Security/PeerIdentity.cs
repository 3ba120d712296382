namespace Vni.Actors.Security;

/// <summary>What a certificate of the farm's authority allows its holder to be.</summary>
public enum PeerRole
{
    /// <summary>A node: speaks to other nodes and to the registry.</summary>
    Node,

    /// <summary>A person or a program that gives commands; no server.</summary>
    Operator,

    /// <summary>Lighthouse or a member of etcd.</summary>
    Registry,
}

/// <summary>Who holds a certificate: the common name of its subject, and the role in its organizational unit.</summary>
/// <param name="Name">A DNS label.</param>
/// <param name="Role">What the holder may be.</param>
public sealed record PeerIdentity(string Name, PeerRole Role);
