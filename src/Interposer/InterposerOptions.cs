namespace Vni.Interposer;

/// <summary>Where the interposer keeps its things, and what it may use.</summary>
public sealed record InterposerOptions
{
    /// <summary>Name of the node; also the name of its cgroup, so two daemons on one machine need two names.</summary>
    public required string Node { get; init; }

    /// <summary>Absolute path of the directory for layers and snapshots.</summary>
    public required string StateDirectory { get; init; }

    /// <summary>Absolute path of a directory on a tmpfs, where CRIU may cache what it learns of the kernel.</summary>
    public required string RuntimeDirectory { get; init; }

    /// <summary>Absolute path of the harness, <c>appshot</c>.</summary>
    public required string HarnessPath { get; init; }

    /// <summary>Absolute path of CRIU, 4.2 or later.</summary>
    public required string CriuPath { get; init; }

    /// <summary>How long passing moments that cannot be saved are waited for, unless a request says otherwise.</summary>
    /// <value>Default 5 s.</value>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The bridge and the addresses on it.</summary>
    public required NetworkOptions Network { get; init; }

    /// <summary>What instances are told about names.</summary>
    public InstanceNames Names { get; init; } = new();

    /// <summary>Absolute paths of the root that no instance sees: directories appear empty, files do not exist. A last
    /// segment may hold <c>*</c>.</summary>
    public IReadOnlyList<string> Masks { get; init; } =
    [
        "/root", "/home", "/run", "/boot", "/lost+found", "/mnt", "/media",
        "/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-", "/etc/ssh/ssh_host_*", "/etc/vniakka", "/etc/fstab",
    ];
}

/// <summary>What instances are told about names, in <c>/etc/hosts</c> and <c>/etc/resolv.conf</c>.</summary>
public sealed record InstanceNames
{
    /// <summary>The farm's domain, in which their hostnames are.</summary>
    /// <value>Default <c>vni.internal</c>.</value>
    public string Domain { get; init; } = Actors.Names.ZoneSettings.DefaultDomain;

    /// <summary>Name servers that they ask first.</summary>
    /// <value>Default: none.</value>
    public IReadOnlyList<System.Net.IPAddress> Servers { get; init; } = [];

    /// <summary>Whether they ask the node's name servers, too.</summary>
    /// <value>Default <c>true</c>.</value>
    public bool NodesToo { get; init; } = true;
}

/// <summary>The node's bridge.</summary>
public sealed record NetworkOptions
{
    /// <summary>Name of the bridge, at most 15 characters; used if it exists, else created.</summary>
    /// <value>Default <c>vni0</c>.</value>
    public string Bridge { get; init; } = "vni0";

    /// <summary>First address of the subnet of all virtual addresses.</summary>
    public required System.Net.IPAddress Subnet { get; init; }

    /// <summary>Bits of its network part, 8 to 30.</summary>
    public required int PrefixLength { get; init; }

    /// <summary>The node's own address on the bridge, which is also the instances' default route; <c>null</c>: neither.</summary>
    public System.Net.IPAddress? Gateway { get; init; }

    /// <summary>The subnet of all virtual IPv6 addresses; <c>null</c>: there are none.</summary>
    public System.Net.IPNetwork? Subnet6 { get; init; }

    /// <summary>What <see cref="Gateway"/> is, for IPv6.</summary>
    public System.Net.IPAddress? Gateway6 { get; init; }

    /// <summary>Name of the interface, in the daemon's network namespace, that becomes a port of the bridge and joins it with the
    /// bridges of other nodes; its addresses and routes become the bridge's. All these nodes share the subnet, so
    /// <see cref="Gateway"/> must then be another address on each of them. <c>null</c>: none.</summary>
    public string? Uplink { get; init; }
}
