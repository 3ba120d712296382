using Vni.Actors.Registry;
using Vni.Cluster.Registry.Etcd;

namespace Vni.Load;

/// <summary>Writes to a registry, each caller to keys of its own, with the client that nodes use.</summary>
internal static class RegistryLoad
{
    /// <summary>About what the state of an application has.</summary>
    private static readonly byte[] Value = [.. Enumerable.Repeat((byte)'v', 700)];

    private static readonly byte[] Event = [.. Enumerable.Repeat((byte)'e', 120)];

    public static async Task RunAsync(Arguments given)
    {
        await using var registry = EtcdRegistry.Open(new EtcdRegistryOptions { Endpoints = [.. given["endpoints"].Split(',').Select(url => new Uri(url))] });
        var run = $"/bench/{Guid.NewGuid():N}"; // There may have been another.
        var revisions = new long[given.Number("callers")];
        await Callers.MeasureAsync(given, given["write"] == "put" ? Put : Change);

        Task Put(int caller) => registry.TransactAsync(new Transaction([], [new Operation.Put($"{run}/put/{caller}", Value)], []), default);

        // As an application's actor writes a change: unless somebody else has changed it, the state and an event, one for each number.
        async Task Change(int caller)
        {
            var key = $"{run}/change/{caller}";
            var changed = await registry.TransactAsync(
                new Transaction(
                    [revisions[caller] == 0 ? Comparison.Absent(key) : Comparison.Unchanged(key, revisions[caller])],
                    [new Operation.Put(key, Value), new Operation.Put($"{run}/event/{caller}/{revisions[caller] % 256}", Event)],
                    [new Operation.Get(new KeyRange(key))]),
                default);
            if (!changed.Succeeded) throw new InvalidOperationException($"{key} was changed by somebody else");
            revisions[caller] = changed.Revision;
        }
    }
}
