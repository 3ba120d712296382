using Vni.Actors.Identity;

namespace Vni.Actors.Resources;

/// <summary>
/// All tables of one application [C2, C3]: one <see cref="RidTable"/> for each type. They follow what is found in the live instance:
/// what is new is allocated, what has gone is released, and what a restore or a migration has brought back keeps its virtual id and
/// its time, and is bound to what it is now.
/// </summary>
/// <param name="aid">The application.</param>
public sealed class ResourceTables(Aid aid)
{
    private readonly RidTable[] _tables = [.. Enum.GetValues<ResourceType>().Select(type => new RidTable(aid, type))];

    /// <summary>Which activation of the instance the system ids are of; <c>null</c>: they are of none.</summary>
    public string? Activation { get; private set; }

    /// <summary>The table of a type.</summary>
    public RidTable this[ResourceType type] => _tables[(int)type];

    /// <summary>Everything, by type.</summary>
    public IEnumerable<ResourceEntry> Entries => _tables.SelectMany(table => table.Entries);

    /// <summary>Tables as they were kept.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.Conflict"/>: they are not one-to-one.</exception>
    public static ResourceTables Of(Aid aid, string? activation, IEnumerable<ResourceEntry> entries)
    {
        var tables = new ResourceTables(aid) { Activation = activation };
        foreach (var entry in entries) tables[entry.Type].Allocate(entry);
        return tables;
    }

    /// <summary>Enters what was found. Within one activation a virtual id that stands for another system id is another resource; in
    /// another activation it is the same one, re-bound.</summary>
    /// <param name="node">Where it was found.</param>
    /// <param name="activation">Which activation of the instance it was found in.</param>
    /// <param name="found">All there is.</param>
    /// <param name="now">The time that new entries begin at.</param>
    /// <param name="rule">What a rule says of a type and a virtual id; <c>null</c>, as a whole or for one: the default.</param>
    /// <returns>Whether anything has changed.</returns>
    public bool Refresh(string node, string activation, IReadOnlyList<FoundResource> found, DateTimeOffset now, Func<ResourceType, string, ResourceDisposition?>? rule = null)
    {
        var again = activation == Activation;
        var former = new Dictionary<(ResourceType, string), ResourceEntry>();
        foreach (var entry in Entries) former.Add((entry.Type, entry.Virtual), entry);
        var changed = !again || former.Count != found.Count;
        var next = new List<ResourceEntry>(found.Count);
        foreach (var resource in found)
        {
            var known = former.GetValueOrDefault((resource.Type, resource.Virtual));
            var entry = new ResourceEntry(resource.Type, resource.Virtual, node, resource.System, resource.Owner, now, rule?.Invoke(resource.Type, resource.Virtual) ?? DefaultDispositions.Of(resource.Type, resource.Detail)) { Detail = resource.Detail };
            if (known is not null && (!again || known.System == resource.System)) entry = entry with { Since = known.Since };
            changed |= entry != known;
            next.Add(entry);
        }

        if (!changed) return false;
        var tables = Of(aid, activation, next); // All of it is checked before any of it counts.
        tables._tables.CopyTo(_tables, 0);
        Activation = activation;
        return true;
    }

    /// <summary>The instance no longer lives: virtual ids stay, and stand for nothing until it is back.</summary>
    public void Unbind()
    {
        if (Activation is null) return;
        foreach (var table in _tables)
        {
            foreach (var entry in table.Entries.ToList()) table.Rebind(entry.Virtual, null, null);
        }

        Activation = null;
    }
}
