using System.Net;
using Vni.Actors.Security;
using Vni.Cluster.Hosting;
using Vni.Cluster.Names;

namespace Vni.Lighthouse.Configuration;

/// <summary>Everything that an operator can set, in <c>lighthouse.yaml</c> or on the command line.</summary>
public sealed record LighthouseOptions
{
    /// <summary>etcd's client port, on loopback.</summary>
    public static IPEndPoint DefaultEndpoint { get; } = new(IPAddress.Loopback, 2379);

    /// <summary>Absolute path of the directory that holds <c>registry.db</c>; made with mode 0700 if it is missing.</summary>
    /// <value>Default <c>/var/lib/vniakka-lighthouse</c>.</value>
    public string State { get; init; } = "/var/lib/vniakka-lighthouse";

    /// <summary>Addresses and ports to listen on; none: <see cref="DefaultEndpoint"/>.</summary>
    /// <value>Default: none.</value>
    public IReadOnlyList<IPEndPoint> Listen { get; init; } = [];

    /// <summary>Certificates; without them only loopback addresses are listened on.</summary>
    public TlsOptions Tls { get; init; } = new();

    /// <summary>Whether other addresses than loopback are listened on without certificates: whoever reaches them owns the farm.</summary>
    /// <value>Default <c>false</c>.</value>
    public bool Insecure { get; init; }

    /// <summary>Bounds for what clients may ask for.</summary>
    public LimitOptions Limits { get; init; } = new();

    /// <summary>The farm's name server; it runs if <see cref="NameServerOptions.Listen"/> says where.</summary>
    public NameServerOptions Dns { get; init; } = new();

    /// <summary>The farm whose names are answered, of those that have their registry here.</summary>
    /// <value>Default <c>default</c>.</value>
    public string DnsFarm { get; init; } = "default";

    /// <summary>The farm's subnets, IPv4 and IPv6, whose addresses have names; none: <see cref="DefaultSubnet"/>.</summary>
    /// <value>Default: none.</value>
    public IReadOnlyList<IPNetwork> DnsSubnets { get; init; } = [];

    /// <summary>The subnet that nodes have when nothing is said.</summary>
    public static IPNetwork DefaultSubnet { get; } = IPNetwork.Parse("10.117.0.0/16");

    /// <summary>What is logged, and how.</summary>
    public LogOptions Log { get; init; } = new();

    /// <summary>What is listened on.</summary>
    internal IReadOnlyList<IPEndPoint> Endpoints => Listen.Count > 0 ? Listen : [DefaultEndpoint];
}

/// <summary>Absolute paths of PEM files: all three, or none.</summary>
public sealed record TlsOptions
{
    /// <summary>Lighthouse's certificate, whose names are those under which nodes connect.</summary>
    public string? Certificate { get; init; }

    /// <summary>Its private key.</summary>
    public string? Key { get; init; }

    /// <summary>The farm's authority, whose signature every client must show.</summary>
    public string? Authority { get; init; }

    /// <summary>The files; <c>null</c>: no TLS.</summary>
    internal TlsFiles? Files => (Certificate, Key, Authority) is ({ } certificate, { } key, { } authority) ? new(certificate, key, authority) : null;

    /// <summary>Whether some are given and others not.</summary>
    internal bool IsPartial => Files is null && (Certificate ?? Key ?? Authority) is not null;
}

/// <summary>Bounds for what clients may ask for.</summary>
public sealed record LimitOptions
{
    /// <summary>Watches at the same time.</summary>
    /// <value>Default 4096, 1 to 100,000.</value>
    public int Watches { get; init; } = 4096;

    /// <summary>Connections at the same time; each watch has one.</summary>
    /// <value>Default 8192, 16 to 200,000.</value>
    public int Connections { get; init; } = 8192;
}
