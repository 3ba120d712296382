using Vni.Actors.Resources;

namespace Vni.Actors.Messages;

/// <summary>One resource id of an application, both ways [C3].</summary>
public sealed record ResourceView
{
    /// <summary>The application.</summary>
    public required string Aid { get; init; }

    /// <summary>The type: lower case, words joined by hyphens.</summary>
    public required string Type { get; init; }

    /// <summary>What the application uses.</summary>
    public required string Virtual { get; init; }

    /// <summary>The node of the system id; <c>null</c> while there is none.</summary>
    public string? Node { get; init; }

    /// <summary>What the node's administrator uses; <c>null</c> while there is none.</summary>
    public string? System { get; init; }

    /// <summary>Virtual pid of the process that holds it; 0: none does, or all.</summary>
    public int Owner { get; init; }

    /// <summary>When it was first seen; snapshots and migrations do not change it.</summary>
    public DateTimeOffset Since { get; init; }

    /// <summary>What becomes of it in a clone: lower case, words joined by hyphens.</summary>
    public required string Disposition { get; init; }

    /// <summary>What else is good to know, for people; or <c>null</c>.</summary>
    public string? Detail { get; init; }

    internal static ResourceView Of(Identity.Aid aid, ResourceEntry entry) => new()
    {
        Aid = aid.Value,
        Type = ResourceNames.Of(entry.Type),
        Virtual = entry.Virtual,
        Node = entry.Node,
        System = entry.System,
        Owner = entry.Owner,
        Since = entry.Since,
        Disposition = ResourceNames.Of(entry.Disposition),
        Detail = entry.Detail,
    };
}
