namespace Vni.Actors.Resources;

/// <summary>What becomes of a resource in a clone [B3, fig. 8]. Names are written in lower case, words joined by hyphens:
/// <c>copy-on-write</c>.</summary>
public enum ResourceDisposition
{
    /// <summary>Used by all as it is.</summary>
    Share,

    /// <summary>The original is read, changes are the clone's own.</summary>
    CopyOnWrite,

    /// <summary>Copied as a whole.</summary>
    Duplicate,

    /// <summary>Unique on a node and nobody else's business: a new one under the same virtual id.</summary>
    Virtualize,

    /// <summary>Unique on a node and known to clients: many serve it together.</summary>
    Multiplex,

    /// <summary>Unique in the network: a new one from the registry.</summary>
    Allocate,
}
