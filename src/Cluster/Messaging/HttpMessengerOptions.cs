using Vni.Actors.Messaging;
using Vni.Actors.Security;

namespace Vni.Cluster.Messaging;

/// <summary>What a messenger needs.</summary>
public sealed record HttpMessengerOptions
{
    /// <summary>Answers what this node asks itself, and knows its farm and name.</summary>
    public required PeerDispatcher Self { get; init; }

    /// <summary>Where a node answers, <c>host:port</c>; <c>null</c>: it is no member.</summary>
    public required Func<string, string?> Endpoint { get; init; }

    /// <summary>This node's certificate, and whose it accepts.</summary>
    /// <value>Default <c>null</c>: nothing is encrypted and everybody is believed.</value>
    public FarmTls? Tls { get; init; }

    /// <summary>Time.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>How long a connection may take, TLS not included.</summary>
    /// <value>Default 1.5 s.</value>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(1.5);
}
