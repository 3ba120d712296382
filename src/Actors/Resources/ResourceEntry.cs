namespace Vni.Actors.Resources;

/// <summary>One line of a table of resource ids [C3]: a virtual id and what it stands for.</summary>
/// <param name="Type">Which table.</param>
/// <param name="Virtual">What the application uses; unique in the application for its type. <c>docs/resources.md</c> has the forms.</param>
/// <param name="Node">The node of the system id; <c>null</c> while it is bound to none, as in a dormant application.</param>
/// <param name="System">What the node's administrator uses; unique on the node for its type; <c>null</c> as <paramref name="Node"/>.</param>
/// <param name="Owner">Virtual pid of the process that holds it; 0: none does, or all.</param>
/// <param name="Since">When it was first seen; snapshots and migrations do not change it.</param>
/// <param name="Disposition">What becomes of it in a clone.</param>
public sealed record ResourceEntry(
    ResourceType Type, string Virtual, string? Node, string? System, int Owner, DateTimeOffset Since, ResourceDisposition Disposition)
{
    /// <summary>What else is good to know, for people: <c>key 0x5193</c>, <c>listening</c>, a command's name.</summary>
    public string? Detail { get; init; }
}

/// <summary>What a look at a live instance finds; the fields are those of <see cref="ResourceEntry"/>.</summary>
public sealed record FoundResource(ResourceType Type, string Virtual, string System, int Owner, string? Detail = null);
