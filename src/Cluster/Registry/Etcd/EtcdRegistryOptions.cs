using Vni.Actors.Security;

namespace Vni.Cluster.Registry.Etcd;

/// <summary>How a registry that is reached over the network is used.</summary>
public sealed record EtcdRegistryOptions
{
    /// <summary>Base addresses (<c>http://host:port</c> or <c>https://host:port</c>) of Lighthouse, or of the members of one etcd cluster.
    /// The first is used until it fails, then the next, and so on in a circle.</summary>
    public required IReadOnlyList<Uri> Endpoints { get; init; }

    /// <summary>Certificates for <c>https</c>; owned by the caller, who keeps them for as long as the registry is open.</summary>
    /// <value>Default <c>null</c>: every endpoint must be <c>http</c>.</value>
    public FarmTls? Tls { get; init; }

    /// <summary>The clock of timeouts and pauses.</summary>
    /// <value>Default: the system's.</value>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>How long one endpoint has for one answer, connecting included.</summary>
    /// <value>Default 2 s, more than zero.</value>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>No further attempt is begun after this time: a request takes at most this and one <see cref="RequestTimeout"/>.</summary>
    /// <value>Default 5 s.</value>
    public TimeSpan GiveUpAfter { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How often the endpoint of a silent watch is asked whether it still knows the newest revision; if it does not answer, the
    /// watch goes on at the next endpoint.</summary>
    /// <value>Default 5 s, more than zero.</value>
    public TimeSpan WatchCheck { get; init; } = TimeSpan.FromSeconds(5);
}
