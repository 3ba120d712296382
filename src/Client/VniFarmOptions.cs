using Vni.Actors.Security;

namespace Vni.Client;

/// <summary>How a farm is reached.</summary>
public sealed record VniFarmOptions
{
    /// <summary>Addresses of nodes, <c>https://host:port</c>. The first that answers is asked, and when it does not any more, the next.</summary>
    /// <value>Default: none; <see cref="Socket"/> is used.</value>
    public IReadOnlyList<Uri> Seeds { get; init; } = [];

    /// <summary>Files of a certificate of role <c>operator</c> (<c>vni certificates issue</c>), for <c>https</c>.</summary>
    /// <value>Default <c>null</c>: none.</value>
    public TlsFiles? Tls { get; init; }

    /// <summary>Path of the unix socket of this machine's node, where there are no <see cref="Seeds"/>.</summary>
    /// <value>Default <see cref="VniEndpoint.DefaultSocket"/>.</value>
    public string Socket { get; init; } = VniEndpoint.DefaultSocket;
}
