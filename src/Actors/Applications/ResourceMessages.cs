using Vni.Actors.Interposition;
using Vni.Actors.Kernel;
using Vni.Actors.Resources;

namespace Vni.Actors.Applications;

/// <summary>Of an application's resource ids: it keeps the application from nothing else.</summary>
internal abstract record ResourceMessage : ApplicationMessage
{
    /// <summary>Asks for all entries.</summary>
    /// <param name="Now">Whether they must be what the kernel says now; else they may be a moment old.</param>
    /// <param name="Reply">The answer.</param>
    internal sealed record Read(bool Now, Reply<IReadOnlyList<ResourceEntry>> Reply) : ResourceMessage;

    /// <summary>It is time to look, because something has changed.</summary>
    internal sealed record LookDue : ResourceMessage;

    /// <summary>What was seen; <c>null</c>: no live instance.</summary>
    internal sealed record Seen(InstanceResources? Instance) : ResourceMessage;

    /// <summary>The tables as they were last written; <c>null</c>: it could not be read.</summary>
    internal sealed record Loaded(ResourceTables? Tables, Exception? Problem) : ResourceMessage;

    /// <summary>Looking failed.</summary>
    internal sealed record NotSeen(Exception Reason) : ResourceMessage;

    /// <summary>It is time to write them.</summary>
    internal sealed record SaveDue : ResourceMessage;

    /// <summary>They are written, or the owner record is not this actor's at the moment.</summary>
    internal sealed record Saved(bool Done, Exception? Problem) : ResourceMessage;
}
