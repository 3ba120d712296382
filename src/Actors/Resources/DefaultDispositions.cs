namespace Vni.Actors.Resources;

/// <summary>
/// What becomes of a resource in a clone if no rule says so [B3, fig. 8]: what is modifiable and large is copied when it is written
/// to, else duplicated; what is unique on the node is multiplexed where clients know it, else virtualised; what is unique in the
/// network is allocated.
/// </summary>
public static class DefaultDispositions
{
    /// <summary>Detail of a socket that clients can find.</summary>
    public const string Listening = "listening", Bound = "bound";

    /// <summary>By type, and for sockets by whether others come to them.</summary>
    public static ResourceDisposition Of(ResourceType type, string? detail) => type switch
    {
        ResourceType.Tcp when detail == Listening => ResourceDisposition.Multiplex,
        ResourceType.Udp when detail == Bound => ResourceDisposition.Multiplex,
        ResourceType.SharedMemory or ResourceType.PosixSharedMemory or ResourceType.Mount => ResourceDisposition.CopyOnWrite,
        ResourceType.Interface => ResourceDisposition.Allocate,
        ResourceType.Path => ResourceDisposition.Duplicate,
        _ => ResourceDisposition.Virtualize,
    };
}
