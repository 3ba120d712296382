using System.Net;
using Vni.Actors.Identity;
using Vni.Actors.Security;
using Vni.Cluster.Hosting;
using Vni.Cluster.Names;

namespace Vni.Node.Configuration;

/// <summary>Everything that an operator can set, in <c>vnid.yaml</c> or on the command line.</summary>
public sealed record NodeOptions
{
    /// <summary>Name of the node within the farm, a DNS label. It also names the node's cgroup, so two daemons on one
    /// machine need two names.</summary>
    /// <value>Default: the first label of the machine's hostname, in lower case.</value>
    public string Node { get; init; } = Environment.MachineName.Split('.')[0].ToLowerInvariant();

    /// <summary>Name of the farm, a DNS label: the first part of every registry key.</summary>
    /// <value>Default <c>default</c>.</value>
    public string Farm { get; init; } = "default";

    /// <summary>Absolute path of the directory for the registry, layers and snapshots.</summary>
    /// <value>Default <c>/var/lib/vniakka</c>.</value>
    public string State { get; init; } = "/var/lib/vniakka";

    /// <summary>Absolute path of the directory for what does not outlive the machine's run.</summary>
    /// <value>Default <c>/run/vniakka</c>.</value>
    public string Runtime { get; init; } = "/run/vniakka";

    /// <summary>Absolute path of the socket that the API is served on, at most 100 bytes.</summary>
    /// <value>Default <c>vnid.sock</c> in <see cref="Runtime"/>.</value>
    public string Socket { get => field ?? Path.Combine(Runtime, "vnid.sock"); init; }

    /// <summary>Group that may use the socket; only root may if there is no such group.</summary>
    /// <value>Default <c>vni</c>.</value>
    public string SocketGroup { get; init; } = "vni";

    /// <summary>Base addresses (<c>https://host:port</c>) of Lighthouse, or of the members of one etcd cluster: the registry that the nodes of the
    /// farm share.</summary>
    /// <value>Default: none; the registry is this node's own, in <see cref="State"/>.</value>
    public IReadOnlyList<Uri> Seeds { get; init; } = [];

    /// <summary>Where other nodes and operators are answered, besides <see cref="Socket"/>.</summary>
    /// <value>Default <c>null</c>: nowhere.</value>
    public IPEndPoint? Listen { get; init; }

    /// <summary>Where other nodes reach this one, <c>host:port</c>.</summary>
    /// <value>Default: <see cref="Listen"/>, unless that is a wildcard.</value>
    public string? Advertise
    {
        get => field ?? (Listen is null || Listen.Address.Equals(IPAddress.Any) || Listen.Address.Equals(IPAddress.IPv6Any) ? null : Listen.ToString());
        init;
    }

    /// <summary>Certificates, for <see cref="Listen"/> and <see cref="Seeds"/>.</summary>
    public NodeTlsOptions Tls { get; init; } = new();

    /// <summary>Whether <see cref="Listen"/> is served without certificates: whoever reaches it owns the farm.</summary>
    /// <value>Default <c>false</c>.</value>
    public bool Insecure { get; init; }

    /// <summary>How long a silent node keeps its instances, in whole seconds; also how long others wait before they recover them.</summary>
    /// <value>Default 10 s, 3 s to 5 min.</value>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>What the operator says about the node, for people and for placement.</summary>
    /// <value>Default: nothing.</value>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>The bridge and the virtual addresses.</summary>
    public NodeNetworkOptions Network { get; init; } = new();

    /// <summary>The node's name server, which runs where <see cref="DnsEndPoints"/> are.</summary>
    public NameServerOptions Dns { get; init; } = new();

    /// <summary>Addresses of the name servers that new instances ask, at most three.</summary>
    /// <value>Default <c>null</c>: the node's own name server if it has one, and those of its <c>/etc/resolv.conf</c>.</value>
    public IReadOnlyList<IPAddress>? DnsServers { get; init; }

    /// <summary>Where names are answered: what is configured, else the gateway, which instances reach.</summary>
    internal IReadOnlyList<IPEndPoint> DnsEndPoints => Dns.Listen ?? (Network.Gateway is { } gateway ? [new(gateway, NameServerOptions.Port)] : []);

    /// <summary>Absolute path of the harness.</summary>
    /// <value>Default <c>null</c>: <c>appshot</c> beside <c>vnid</c>, else <c>../lib/vniakka/appshot</c> from there.</value>
    public string? Harness { get; init; }

    /// <summary>Absolute path of CRIU, 4.2 or later.</summary>
    /// <value>Default <c>null</c>: the one in <c>PATH</c> if it is recent enough, else
    /// <c>/usr/local/lib/vniakka/criu/bin/criu</c>.</value>
    public string? Criu { get; init; }

    /// <summary>What instances do not see of the node's files.</summary>
    public MaskOptions Masks { get; init; } = new();

    /// <summary>How snapshots are kept.</summary>
    public SnapshotOptions Snapshots { get; init; } = new();

    /// <summary>What is logged, and how.</summary>
    public LogOptions Log { get; init; } = new();
}

/// <summary>The bridge and the virtual addresses.</summary>
public sealed record NodeNetworkOptions
{
    private readonly bool _gatewayGiven, _gateway6Given;

    /// <summary>Name of the bridge, at most 15 characters; used if it exists, else created.</summary>
    /// <value>Default <c>vni0</c>.</value>
    public string Bridge { get; init; } = "vni0";

    /// <summary>The range of all virtual addresses, IPv4, 8 to 30 bits.</summary>
    /// <value>Default <c>10.117.0.0/16</c>.</value>
    public IPNetwork Subnet { get; init; } = IPNetwork.Parse("10.117.0.0/16");

    /// <summary>The node's own address on the bridge, which is the instances' default route; <c>null</c>: neither.</summary>
    /// <value>Default: the first address of <see cref="Subnet"/>; with an <see cref="Uplink"/>, where several nodes would have the same,
    /// <c>null</c>.</value>
    public IPAddress? Gateway
    {
        get => _gatewayGiven ? field : Uplink is null ? Subnet.FirstAddress() : null;
        init => (field, _gatewayGiven) = (value, true);
    }

    /// <summary>The range of all virtual IPv6 addresses, global or unique local, 64 to 112 bits.</summary>
    /// <value>Default <c>null</c>: applications have no IPv6 addresses.</value>
    public IPNetwork? Subnet6 { get; init; }

    /// <summary>What <see cref="Gateway"/> is, for IPv6.</summary>
    /// <value>Default: the address after the first of <see cref="Subnet6"/>; with an <see cref="Uplink"/> <c>null</c>.</value>
    public IPAddress? Gateway6
    {
        get => _gateway6Given ? field : Uplink is null && Subnet6 is { } subnet ? Ipv6.FromNumber(Ipv6.ToNumber(subnet.BaseAddress) + 1) : null;
        init => (field, _gateway6Given) = (value, true);
    }

    /// <summary>First and last IPv6 address that applications get.</summary>
    /// <value>Default <c>null</c>: all of <see cref="Subnet6"/>.</value>
    public (IPAddress First, IPAddress Last)? Range6 { get; init; }

    /// <summary><see cref="Subnet"/>, and <see cref="Subnet6"/> if there is one.</summary>
    internal IReadOnlyList<IPNetwork> Subnets => Subnet6 is { } subnet6 ? [Subnet, subnet6] : [Subnet];

    /// <summary>A network interface that joins the bridge to those of other nodes; the bridge takes over its addresses and routes.</summary>
    /// <value>Default <c>null</c>: none.</value>
    public string? Uplink { get; init; }

    /// <summary>First and last address that applications get.</summary>
    /// <value>Default <c>null</c>: all of <see cref="Subnet"/>.</value>
    public (IPAddress First, IPAddress Last)? Range { get; init; }
}

/// <summary>Absolute paths of PEM files: all three, or none.</summary>
public sealed record NodeTlsOptions
{
    /// <summary>The node's certificate, of role <c>node</c> and with the node's name.</summary>
    /// <value>Default <c>null</c>: none.</value>
    public string? Certificate { get; init; }

    /// <summary>Its private key.</summary>
    /// <value>Default <c>null</c>: none.</value>
    public string? Key { get; init; }

    /// <summary>The farm's authority, whose signature every other member must show.</summary>
    /// <value>Default <c>null</c>: none.</value>
    public string? Authority { get; init; }

    /// <summary>The files; <c>null</c>: no TLS.</summary>
    internal TlsFiles? Files => (Certificate, Key, Authority) is ({ } certificate, { } key, { } authority) ? new(certificate, key, authority) : null;

    /// <summary>Whether some are given and others not.</summary>
    internal bool IsPartial => Files is null && (Certificate ?? Key ?? Authority) is not null;
}

/// <summary>Changes to the built-in list of paths that instances do not see.</summary>
public sealed record MaskOptions
{
    /// <summary>Absolute paths to hide besides; the last segment may hold <c>*</c>.</summary>
    /// <value>Default: none.</value>
    public IReadOnlyList<string> Add { get; init; } = [];

    /// <summary>Paths of the built-in list to show after all.</summary>
    /// <value>Default: none.</value>
    public IReadOnlyList<string> Remove { get; init; } = [];
}

/// <summary>How snapshots are kept.</summary>
public sealed record SnapshotOptions
{
    /// <summary>Complete snapshots kept for each application; older ones are deleted after a new one is durable.</summary>
    /// <value>Default 3, 1 to 1000.</value>
    public int Keep { get; init; } = 3;

    /// <summary>How long passing moments that cannot be saved are waited for, in whole seconds, unless a request says otherwise.</summary>
    /// <value>Default 5 s, 0 to 1 h.</value>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Absolute path of a directory that all nodes of the farm share; checkpoints are copied there.</summary>
    /// <value>Default <c>null</c>: they are copied to another node.</value>
    public string? Shared { get; init; }
}
