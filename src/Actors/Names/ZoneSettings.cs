using System.Net;

namespace Vni.Actors.Names;

/// <summary>What a farm's zones are called.</summary>
public sealed record ZoneSettings
{
    /// <summary>Domain that is added to hostnames when nothing else is configured; <c>internal</c> is kept for private use (ICANN, 2024).</summary>
    public const string DefaultDomain = "vni.internal";

    /// <summary>The farm's domain, in lower case, without a dot at its end.</summary>
    public string Domain { get; init; } = DefaultDomain;

    /// <summary>How long an answer may be remembered, whole seconds.</summary>
    public TimeSpan TimeToLive { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Subnets of the virtual addresses: what is answered in the reverse direction.</summary>
    public IReadOnlyList<IPNetwork> Subnets { get; init; } = [];

    /// <summary>Addresses of the servers themselves, which are <c>ns.DOMAIN</c> unless an application is called <c>ns</c>.</summary>
    public IReadOnlyList<IPAddress> Servers { get; init; } = [];
}
