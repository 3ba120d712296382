using Vni.Actors.Resources;

namespace Vni.Interposer.Resources;

/// <summary>Collects what is found. A virtual id that several resources have, as sockets that share a port do, is numbered from the
/// second one on: <c>0.0.0.0:80#2</c>; their order is that of their owners and descriptors, which a restore does not change.</summary>
internal sealed class FoundResources
{
    private readonly HashSet<(ResourceType, string)> _taken = [];
    private readonly List<FoundResource> _all = [];

    public IReadOnlyList<FoundResource> All => _all;

    public void Add(ResourceType type, string id, string system, int owner, string? detail = null)
    {
        var unique = id;
        for (var number = 2; !_taken.Add((type, unique)); number++) unique = $"{id}#{number}";
        _all.Add(new FoundResource(type, unique, system, owner, detail));
    }
}
