using Vni.Actors.Identity;
using Vni.Actors.Registry;
using Vni.Actors.Resources;

namespace Vni.Actors.Applications;

/// <summary>One line of a table, as the registry has it.</summary>
/// <param name="Id">Virtual id.</param>
/// <param name="System">System id.</param>
/// <param name="Owner">Virtual pid of its owner.</param>
/// <param name="Since">Milliseconds since 1970.</param>
/// <param name="Disposition">What becomes of it in a clone.</param>
/// <param name="Detail">For people.</param>
internal sealed record ResourceRow(string Id, string System, int Owner, long Since, string Disposition, string? Detail);

/// <summary>Some lines of the table of one type: the value of <c>resources/AID/TYPE/PART</c>.</summary>
/// <param name="Node">The node that the system ids are of.</param>
/// <param name="Activation">The activation that they are of.</param>
/// <param name="Rows">The lines, in order of virtual id.</param>
internal sealed record ResourceRows(string Node, string Activation, IReadOnlyList<ResourceRow> Rows);

/// <summary>Tables as pairs of the registry: some hundred lines a value, for a request has a limit.</summary>
internal static class ResourceRecords
{
    /// <summary>Lines of one value: of usual length, they are some 100 KB.</summary>
    private const int RowsOfOne = 750;

    /// <summary>Bytes of the values of one transaction.</summary>
    private const int BytesOfOne = 1 << 20;

    /// <summary>The writes that bring the registry to this state, in transactions that keep the limits.</summary>
    public static IEnumerable<IReadOnlyList<Operation>> Writes(RegistryKeys keys, Aid aid, string node, string activation, IEnumerable<ResourceEntry> entries)
    {
        var byType = entries.ToLookup(entry => entry.Type);
        var (writes, bytes) = (new List<Operation>(), 0);
        foreach (var type in Enum.GetValues<ResourceType>())
        {
            var part = 0;
            foreach (var rows in byType[type].OrderBy(entry => entry.Virtual, StringComparer.Ordinal).Select(Row).Chunk(RowsOfOne))
            {
                var value = RegistryJson.Bytes(new ResourceRows(node, activation, rows));
                if (writes.Count == Transaction.MaxOperations || (writes.Count > 0 && bytes + value.Length > BytesOfOne))
                {
                    yield return writes;
                    (writes, bytes) = ([], 0);
                }

                writes.Add(new Operation.Put(keys.Resources(aid, type, part++), value));
                bytes += value.Length;
            }

            if (writes.Count == Transaction.MaxOperations)
            {
                yield return writes;
                (writes, bytes) = ([], 0);
            }

            writes.Add(new Operation.Delete(new KeyRange(keys.Resources(aid, type, part), keys.Resources(aid, type, RegistryKeys.MaxResourceParts))));
        }

        yield return writes;
    }

    /// <summary>The tables that these pairs hold. What cannot be read, or is there twice because a write was cut short, is left out: it
    /// is found again in the instance.</summary>
    public static ResourceTables Read(Aid aid, IReadOnlyList<KeyValue> pairs)
    {
        var entries = new Dictionary<(ResourceType, string), ResourceEntry>();
        string? activation = null;
        foreach (var pair in pairs)
        {
            if (pair.Key.Split('/') is not [.., var name, _] || !ResourceNames.TryParse(name, out var type)) continue;
            var rows = RegistryJson.Resources(pair);
            activation ??= rows.Activation;
            foreach (var row in rows.Rows)
            {
                if (rows.Activation == activation) entries[(type, row.Id)] = Entry(type, rows.Node, row);
            }
        }

        try
        {
            return ResourceTables.Of(aid, activation, entries.Values);
        }
        catch (VniException)
        {
            return new ResourceTables(aid);
        }
    }

    private static ResourceRow Row(ResourceEntry entry) =>
        new(entry.Virtual, entry.System!, entry.Owner, entry.Since.ToUnixTimeMilliseconds(), ResourceNames.Of(entry.Disposition), entry.Detail);

    private static ResourceEntry Entry(ResourceType type, string node, ResourceRow row) =>
        new(type, row.Id, node, row.System, row.Owner, DateTimeOffset.FromUnixTimeMilliseconds(row.Since), DefaultDispositions.Of(type, row.Detail)) { Detail = row.Detail };
}
