using System.Net;
using Vni.Actors.Names;

namespace Vni.Cluster.Names;

/// <summary>Where names are answered, which, and what is done with the others: the section <c>dns</c> of a configuration.</summary>
public sealed record NameServerOptions
{
    /// <summary>The port of DNS.</summary>
    internal const int Port = 53;

    /// <summary>Addresses and ports to listen on, UDP and TCP.</summary>
    /// <value>Default <c>null</c>: Lighthouse listens nowhere, a node at its gateway, if it has one.</value>
    public IReadOnlyList<IPEndPoint>? Listen { get; init; }

    /// <summary>The farm's domain.</summary>
    /// <value>Default <c>vni.internal</c>.</value>
    public string Domain { get; init; } = ZoneSettings.DefaultDomain;

    /// <summary>How long an answer may be remembered, whole seconds.</summary>
    /// <value>Default 5 s, 1 s to 1 h.</value>
    public TimeSpan TimeToLive { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Servers that are asked, in this order, for what is in no zone of ours.</summary>
    /// <value>Default: none; such questions are refused.</value>
    public IReadOnlyList<IPEndPoint> Forward { get; init; } = [];

    /// <summary>Networks for whose members questions are forwarded, besides loopback and the farm's own subnets.</summary>
    /// <value>Default: none.</value>
    public IReadOnlyList<IPNetwork> Clients { get; init; } = [];

    /// <summary>The zones of a server with these options.</summary>
    /// <param name="endPoints">Where it listens.</param>
    /// <param name="subnets">The farm's subnets.</param>
    internal ZoneSettings Zone(IEnumerable<IPEndPoint> endPoints, IReadOnlyList<IPNetwork> subnets) => new()
    {
        Domain = Domain,
        TimeToLive = TimeToLive,
        Subnets = subnets,
        // Loopback is another machine's own to everybody else.
        Servers = [.. endPoints.Select(endPoint => endPoint.Address).Where(address => !IPAddress.IsLoopback(address)).Distinct()],
    };
}
