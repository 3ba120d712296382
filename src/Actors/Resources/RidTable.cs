using System.Diagnostics.CodeAnalysis;
using Vni.Actors.Identity;

namespace Vni.Actors.Resources;

/// <summary>
/// The table of one resource type of one application [C3, C4]: one-to-one between virtual ids, unique in the application, and
/// pairs of node and system id. An entry that is bound to no system id is found by its virtual one alone.
/// </summary>
/// <param name="aid">The application.</param>
/// <param name="type">The type.</param>
public sealed class RidTable(Aid aid, ResourceType type)
{
    private readonly Dictionary<string, ResourceEntry> _byVirtual = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Node, string System), ResourceEntry> _bySystem = [];

    /// <summary>All entries, in no order.</summary>
    public IReadOnlyCollection<ResourceEntry> Entries => _byVirtual.Values;

    /// <summary>Enters a mapping.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.Conflict"/>: one of its ids is in use.
    /// <see cref="ErrorCodes.InvalidArgument"/>: it is of another type, or half bound.</exception>
    public void Allocate(ResourceEntry entry)
    {
        if (entry.Type != type || entry.Virtual.Length == 0 || (entry.Node is null) != (entry.System is null))
            throw new VniException(ErrorCodes.InvalidArgument, $"{Name(entry.Virtual)} cannot be entered: it needs a virtual id of this type, and node and system id together or neither");
        if (_byVirtual.ContainsKey(entry.Virtual)) throw new VniException(ErrorCodes.Conflict, $"{Name(entry.Virtual)} is in use already");
        RefuseUsed(entry.Virtual, entry.Node, entry.System);
        Enter(entry);
    }

    /// <summary>The entry of a virtual id.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.UnknownResource"/>.</exception>
    public ResourceEntry Find(string virtualId) => _byVirtual.TryGetValue(virtualId, out var entry)
        ? entry
        : throw new VniException(ErrorCodes.UnknownResource, $"application {aid} has no {ResourceNames.Of(type)} {Quote(virtualId)}; {Remedy(virtualId)}");

    /// <summary>The entry of a system id.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.ForeignResource"/>: it is none of this application's.</exception>
    public ResourceEntry Find(string node, string system) => TryFind(node, system, out var entry)
        ? entry
        : throw new VniException(ErrorCodes.ForeignResource, $"{ResourceNames.Of(type)} {Quote(system)} of node {node} is none of application {aid}'s");

    /// <summary>The same, without an error.</summary>
    public bool TryFind(string node, string system, [NotNullWhen(true)] out ResourceEntry? entry) => _bySystem.TryGetValue((node, system), out entry);

    /// <summary>Takes an entry out: both of its ids can be used again.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.UnknownResource"/>.</exception>
    public void Release(string virtualId) => Remove(Find(virtualId));

    /// <summary>Binds a virtual id to another system id, or with <c>null</c> to none [A5].</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.UnknownResource"/>; <see cref="ErrorCodes.Conflict"/>: the system id
    /// belongs to another entry, and nothing was changed.</exception>
    public void Rebind(string virtualId, string? node, string? system)
    {
        var entry = Find(virtualId);
        if ((node is null) != (system is null)) throw new VniException(ErrorCodes.InvalidArgument, $"{Name(virtualId)} cannot be bound to half of a system id");
        RefuseUsed(virtualId, node, system);
        Remove(entry);
        Enter(entry with { Node = node, System = system });
    }

    private void RefuseUsed(string virtualId, string? node, string? system)
    {
        if (system is not null && _bySystem.TryGetValue((node!, system), out var other) && other.Virtual != virtualId)
            throw new VniException(ErrorCodes.Conflict, $"{Name(virtualId)} cannot be bound to {Quote(system)} of node {node}, which is {Quote(other.Virtual)} already");
    }

    private void Enter(ResourceEntry entry)
    {
        _byVirtual.Add(entry.Virtual, entry);
        if (entry.System is { } system) _bySystem.Add((entry.Node!, system), entry);
    }

    private void Remove(ResourceEntry entry)
    {
        _byVirtual.Remove(entry.Virtual);
        if (entry.System is { } system) _bySystem.Remove((entry.Node!, system));
    }

    private string Remedy(string unknown) => WildcardIds.Of(type, unknown).FirstOrDefault(_byVirtual.ContainsKey) is { } meant
        ? $"did you mean '{meant}', which stands for all addresses?"
        : $"'vni rids {aid} --type {ResourceNames.Of(type)}' lists those it has";

    private string Name(string virtualId) => $"{ResourceNames.Of(type)} {Quote(virtualId)} of application {aid}";

    private static string Quote(string id) => DnsLabel.Quote(id);
}
