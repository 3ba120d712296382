namespace Vni.Cluster.Registry.Etcd;

/// <summary>The endpoints in a circle, and which one is in use. The one that failed is left by whoever notices first.</summary>
internal sealed class EndpointRing(IReadOnlyList<Uri> endpoints)
{
    private int _current;

    public int Count => endpoints.Count;

    public Uri Current => endpoints[Volatile.Read(ref _current)];

    /// <summary>Goes on to the next one, unless somebody did so already.</summary>
    public void Leave(Uri failed)
    {
        var current = Volatile.Read(ref _current);
        if (endpoints[current] == failed) Interlocked.CompareExchange(ref _current, (current + 1) % endpoints.Count, current);
    }

    public override string ToString() => string.Join(", ", endpoints.Select(endpoint => endpoint.GetLeftPart(UriPartial.Authority)));
}
