using Vni.Actors.Applications;

namespace Vni.Cli.Declarations;

/// <summary>What the options of <c>vni run</c> say; <c>null</c>: nothing.</summary>
internal sealed record RunOptions
{
    public string? Name { get; init; }

    public string? Ip { get; init; }

    public string? Ip6 { get; init; }

    public string? Hostname { get; init; }

    public string? Root { get; init; }

    public string? Node { get; init; }

    /// <summary>In seconds.</summary>
    public double? Checkpoint { get; init; }

    public long? Memory { get; init; }

    public double? Cpus { get; init; }

    /// <summary>The text of rules, in place of the declaration's.</summary>
    public string? Rules { get; init; }

    /// <summary>Added to the declaration's properties, or replacing them.</summary>
    public IReadOnlyDictionary<string, string> Properties { get; init; } = new Dictionary<string, string>();

    /// <summary>Added to every process's own variables, or replacing them.</summary>
    public IReadOnlyDictionary<string, string> Env { get; init; } = new Dictionary<string, string>();

    /// <summary>For every process.</summary>
    public string? User { get; init; }

    /// <summary>For every process.</summary>
    public string? Workdir { get; init; }

    /// <summary>For every process.</summary>
    public RestartPolicy? Restart { get; init; }

    /// <summary>The declaration, with what was said here in place of what it says.</summary>
    public ApplicationDeclaration Over(ApplicationDeclaration declaration) => declaration with
    {
        Name = Name ?? declaration.Name,
        Ip = Ip ?? declaration.Ip,
        Ip6 = Ip6 ?? declaration.Ip6,
        Hostname = Hostname ?? declaration.Hostname,
        Root = Root ?? declaration.Root,
        Node = Node ?? declaration.Node,
        Checkpoint = Checkpoint is { } every ? new CheckpointPolicy(every) : declaration.Checkpoint,
        Limits = new ResourceLimits { Memory = Memory ?? declaration.Limits.Memory, Cpus = Cpus ?? declaration.Limits.Cpus },
        Rules = Rules ?? declaration.Rules,
        Properties = Properties.Count == 0 ? declaration.Properties : Variables.Over(declaration.Properties ?? new Dictionary<string, string>(), Properties),
        Processes = [.. declaration.Processes.Select(Over)],
    };

    private ProcessDeclaration Over(ProcessDeclaration process) =>
        process with { Env = Variables.Over(process.Env, Env), User = User ?? process.User, Workdir = Workdir ?? process.Workdir, Restart = Restart ?? process.Restart };
}
