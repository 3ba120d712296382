using Vni.Cluster.Hosting;

namespace Vni.Node.Configuration;

/// <summary>The daemon's options.</summary>
internal static class CommandLine
{
    private static readonly (string Option, string Key, string Value, string Help)[] Overrides =
    [
        ("--state", "state", "DIR", "Directory for registry, layers and snapshots"),
        ("--runtime", "runtime", "DIR", "Directory for what does not outlive the machine's run"),
        ("--socket", "socket", "PATH", "Unix socket that the API is served on"),
        ("--node", "node", "NAME", "Name of this node"),
        ("--listen", "listen", "ADDRESS:PORT", "Where other nodes and operators are answered"),
        ("--advertise", "advertise", "HOST:PORT", "Where other nodes reach this one"),
        ("--bridge", "network.bridge", "NAME", "Bridge of the instances' ports; created if there is none"),
        ("--subnet", "network.subnet", "CIDR", "Range of the virtual addresses"),
        ("--subnet6", "network.subnet6", "CIDR", "Range of the virtual IPv6 addresses"),
        ("--uplink", "network.uplink", "NAME", "Interface that joins the bridge to those of other nodes"),
        ("--gateway", "network.gateway", "IP|none", "This node's address on the bridge"),
    ];

    /// <inheritdoc cref="DaemonCommandLine.Parse" />
    internal static DaemonCommandLine? Parse(string[] arguments, TextWriter output, TextWriter error, out int status) => DaemonCommandLine.Parse(
        "vnid", "The VniAkka node daemon: runs applications under their own network identity.", NodeOptionsLoader.DefaultFile, Overrides, arguments, output, error, out status);
}
