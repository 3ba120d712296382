namespace Vni.Actors.Applications;

/// <summary>What the user asks for: the content of <c>application.yaml</c>, of <c>vni run</c> and of the API's body.</summary>
/// <remarks>Members can be set after construction because the JSON source generator gives an <c>init</c> member that the
/// text leaves out its type's default, and so would take the defaults below away. Nobody changes a declaration.</remarks>
public sealed record ApplicationDeclaration
{
    /// <summary>The AID; <c>null</c>: generated from the first command's name.</summary>
    public string? Name { get; set; }

    /// <summary>The virtual IPv4 address; <c>null</c>: the next free one of the configured range.</summary>
    public string? Ip { get; set; }

    /// <summary>The virtual IPv6 address, or <c>none</c>; <c>null</c>: the one that goes with <see cref="Ip"/>, where a range of such is configured.</summary>
    public string? Ip6 { get; set; }

    /// <summary>The virtual hostname, one DNS label; <c>null</c>: derived from the address.</summary>
    public string? Hostname { get; set; }

    /// <summary>Absolute path of the directory that is the lower layer of the instance's root.</summary>
    /// <value>Default <c>/</c>: the node's own files, less what the configuration masks.</value>
    public string Root { get; set; } = "/";

    /// <summary>The node that starts it; <c>null</c>: the one that is asked.</summary>
    public string? Node { get; set; }

    /// <summary>How often a running snapshot is taken, from which it is recovered elsewhere when its node dies; <c>null</c>: never.</summary>
    public CheckpointPolicy? Checkpoint { get; set; }

    /// <summary>What the instance may use of the node.</summary>
    public ResourceLimits Limits { get; set; } = new();

    /// <summary>Rules as they were written, not evaluated (<c>docs/rules.md</c>); <c>null</c>: none.</summary>
    public string? Rules { get; set; }

    /// <summary>Properties of its own that rules can speak of, by name; <c>null</c>: none.</summary>
    public IReadOnlyDictionary<string, string>? Properties { get; set; }

    /// <summary>The chain: the programs that are started together and share the AID. At least one, at most 64.</summary>
    public IReadOnlyList<ProcessDeclaration> Processes { get; set; } = [];
}

/// <param name="EverySeconds">Seconds from one to the next, at least 1.</param>
public sealed record CheckpointPolicy(double EverySeconds);

/// <summary>One program of the chain.</summary>
public sealed record ProcessDeclaration
{
    /// <summary>Name within the application, a DNS label; its output goes to <c>/var/log/vni/NAME.log</c> in the instance.</summary>
    /// <value>Default <c>main</c>.</value>
    public string Name { get; set; } = "main";

    /// <summary>Program and arguments; the program is looked up in the instance's <c>PATH</c> when it holds no slash.</summary>
    public IReadOnlyList<string> Command { get; set; } = [];

    /// <summary>Variables added to the instance's own (PATH, HOME, USER, LOGNAME, SHELL, HOSTNAME, LANG), or replacing them.</summary>
    public IReadOnlyDictionary<string, string> Env { get; set; } = new Dictionary<string, string>();

    /// <summary>User name or uid, with an optional <c>:group</c>, looked up in the instance's <c>/etc/passwd</c>.</summary>
    /// <value>Default <c>root</c> (of the instance: without power over the node).</value>
    public string User { get; set; } = "root";

    /// <summary>Absolute path in the instance.</summary>
    /// <value>Default <c>/</c>.</value>
    public string Workdir { get; set; } = "/";

    /// <summary>Processes that must be ready, or started where they have no test, before this one is started; stopped in the other order.</summary>
    public IReadOnlyList<string> After { get; set; } = [];

    /// <summary>Whether it is started again when it has ended; <c>null</c>: never.</summary>
    public RestartPolicy? Restart { get; set; }

    /// <summary>What says that it is ready; <c>null</c>: that it has been started.</summary>
    public ReadinessTest? Ready { get; set; }

    /// <summary>What asks it to end: a signal's name, with or without <c>SIG</c>, or its number.</summary>
    /// <value>Default <c>TERM</c>.</value>
    public string StopSignal { get; set; } = "TERM";

    /// <summary>Seconds after that signal until it is killed, 0 to 3600; <c>null</c>: as long as the whole stop takes.</summary>
    public double? GraceSeconds { get; set; }
}

/// <summary>Limits that the cgroup enforces; <c>null</c>: none.</summary>
public sealed record ResourceLimits
{
    /// <summary>Bytes of memory; at least 1 MiB.</summary>
    public long? Memory { get; init; }

    /// <summary>Processors' worth of time, for instance 1.5; at least 0.01.</summary>
    public double? Cpus { get; init; }
}
