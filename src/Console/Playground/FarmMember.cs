namespace Vni.Cli.Playground;

/// <summary>What a member of a farm is there for.</summary>
internal enum FarmRole
{
    /// <summary>Runs vnid.</summary>
    Node,

    /// <summary>Runs Lighthouse or etcd.</summary>
    Registry,

    /// <summary>Runs what the user says.</summary>
    Client,
}

/// <summary>A network namespace on the farm's switch, and what runs in it.</summary>
internal sealed record FarmMember
{
    /// <summary>How commands call it, and the name of its port on the switch: <c>n1</c>, <c>registry</c>, <c>etcd2</c>, <c>client</c>.</summary>
    public required string Name { get; init; }

    public required FarmRole Role { get; init; }

    /// <summary>Name of its network namespace, and of the cgroup of its daemon.</summary>
    public required string Namespace { get; init; }

    public required string Address { get; init; }

    /// <summary>Its IPv6 address; <c>null</c>: none.</summary>
    public string? Address6 { get; init; }

    /// <summary>Its name in the farm, and in its certificate.</summary>
    public required string Identity { get; init; }

    /// <summary>Its configuration, socket and log.</summary>
    public required string Directory { get; init; }

    /// <summary>What it would lose in a reboot; <c>null</c>: nothing.</summary>
    public string? Runtime { get; init; }

    /// <summary>What it keeps over a reboot; <c>null</c>: nothing.</summary>
    public string? State { get; init; }

    /// <summary>Its daemon, with arguments; <c>null</c>: none runs.</summary>
    public IReadOnlyList<string>? Daemon { get; init; }

    /// <summary>TCP port that shows that the daemon serves.</summary>
    public int Port { get; init; }

    /// <summary>File of its configuration.</summary>
    public string? ConfigurationFile { get; init; }

    /// <summary>Text of its configuration.</summary>
    public string? Configuration { get; init; }

    /// <summary>Where the daemon writes what it has to say.</summary>
    public string Log => $"{Directory}/log";

    /// <summary>A node's socket.</summary>
    public string Socket => $"{Directory}/vnid.sock";

    /// <summary>What a node calls the cgroup that its instances are in.</summary>
    public string InstancesCgroup => $"vni-{Identity}";
}
