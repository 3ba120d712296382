using System.Text;
using Vni.Actors.Identity;
using Vni.Actors.Names;
using Vni.Actors.Rules;

namespace Vni.Actors.Applications;

/// <summary>
/// Judges a declaration by itself, without looking at the registry or the node: whether the address is free or the
/// command exists is found out by those who know. All problems are reported together, one sentence each.
/// </summary>
public static class DeclarationValidator
{
    /// <summary>Most processes that one chain may declare.</summary>
    public const int MaxProcesses = 64;

    /// <summary>Bytes of UTF-8 that the command of one process may have, and its environment: Linux takes at most 128 KiB
    /// in one string (<c>MAX_ARG_STRLEN</c>, execve(2)).</summary>
    public const int MaxBytes = 128 * 1024;

    /// <summary>Bytes of a path, with its final NUL (<c>PATH_MAX</c>, limits.h).</summary>
    internal const int MaxPath = 4096;

    /// <summary>The instance's user namespace maps the ids 0 to 65535.</summary>
    private const int MaxId = 65535;

    private const long MinMemory = 1024 * 1024;
    private const double MinCpus = 0.01;
    private const double MaxCpus = 1024;
    private const double MinCheckpoint = 1;

    /// <summary>Ten thousand days.</summary>
    private const double MaxCheckpoint = 10_000 * 86400.0;

    /// <summary>Refuses a declaration that has problems.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.InvalidArgument"/>, with every problem.</exception>
    public static void Check(ApplicationDeclaration declaration)
    {
        var problems = Problems(declaration);
        if (problems.Count > 0) throw new VniException(ErrorCodes.InvalidArgument, string.Join("; ", problems));
    }

    /// <summary>What is wrong with order, restarts, readiness and stopping of a chain, whatever else is.</summary>
    public static IReadOnlyList<string> ProblemsOfChain(IReadOnlyList<ProcessDeclaration> processes)
    {
        var problems = new List<string>();
        foreach (var process in processes) ChainValidator.Check(process, $"process '{process.Name}'", problems);
        ChainValidator.CheckOrder(processes, problems);
        return problems;
    }

    /// <summary>Refuses a program that is to join with problems.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.InvalidArgument"/>, with every problem.</exception>
    public static void CheckJoin(ProcessDeclaration process)
    {
        var problems = new List<string>();
        CheckProcess(process, 1, [], problems);
        if (problems.Count > 0) throw new VniException(ErrorCodes.InvalidArgument, string.Join("; ", problems));
    }

    /// <summary>Every problem, in the order of the fields; empty when the declaration is good.</summary>
    public static IReadOnlyList<string> Problems(ApplicationDeclaration declaration)
    {
        var problems = new List<string>();
        if (declaration.Name is { } name && !DnsLabel.IsValid(name))
            problems.Add($"application name {DnsLabel.Quote(name)} is not valid: {DnsLabel.Rule}");
        if (declaration.Ip is { } ip) CheckAddress(ip, problems);
        if (declaration.Ip6 is { } ip6 and not Ipv6.None && !Ipv6.TryParse(ip6, out _)) problems.Add($"IPv6 address {DnsLabel.Quote(ip6)} is not valid: {Ipv6.Rule}");
        if (declaration.Hostname is { } hostname) CheckHostname(hostname, problems);
        CheckPath("root", declaration.Root, problems);
        if (declaration.Node is { } node && !DnsLabel.IsValid(node)) problems.Add($"node name {DnsLabel.Quote(node)} is not valid: {DnsLabel.Rule}");
        if (declaration.Checkpoint is { } checkpoint && !(checkpoint.EverySeconds is >= MinCheckpoint and <= MaxCheckpoint)) // Written so that NaN is refused.
            problems.Add($"a checkpoint every {checkpoint.EverySeconds} seconds is not possible: give {MinCheckpoint} to {MaxCheckpoint}");
        CheckLimits(declaration.Limits, problems);
        CheckProperties(declaration.Properties, problems);
        if (declaration.Rules is { } rules) problems.AddRange(RuleChecker.Check(rules, declaration.Properties ?? new Dictionary<string, string>()).Where(p => !p.IsWarning).Select(p => p.In("rules")));
        CheckChain(declaration.Processes, problems);
        return problems;
    }

    private static void CheckAddress(string ip, List<string> problems)
    {
        if (ip.Contains(':')) problems.Add($"address {DnsLabel.Quote(ip)} is not valid: give an IPv4 address here, and the IPv6 address as ip6 (--ip6)");
        else if (!Ipv4.TryParse(ip, out _)) problems.Add($"address {DnsLabel.Quote(ip)} is not valid: {Ipv4.Rule}");
    }

    private static void CheckHostname(string hostname, List<string> problems)
    {
        if (!DnsLabel.IsValid(hostname)) problems.Add($"hostname {DnsLabel.Quote(hostname)} is not valid: {DnsLabel.Rule}");
        else if (hostname == "localhost") problems.Add("hostname 'localhost' is not valid: it is every instance's name for itself, choose another");
        else if (hostname == ZoneAnswers.ServerLabel) problems.Add($"hostname '{ZoneAnswers.ServerLabel}' is not valid: it is the name server's own, choose another");
    }

    private static void CheckPath(string what, string? path, List<string> problems)
    {
        if (string.IsNullOrEmpty(path) || path[0] != '/') problems.Add($"{what} {DnsLabel.Quote(path)} is not valid: give an absolute path");
        else if (path.Contains('\0')) problems.Add($"{what} {DnsLabel.Quote(path)} is not valid: a path cannot hold a NUL character");
        else if (path.Split('/').Contains("..")) problems.Add($"{what} {DnsLabel.Quote(path)} is not valid: give the path without '..'");
        else if (Encoding.UTF8.GetByteCount(path) >= MaxPath) problems.Add($"{what} {DnsLabel.Quote(path)} is too long: at most {MaxPath - 1} bytes");
    }

    private static void CheckLimits(ResourceLimits? limits, List<string> problems)
    {
        if (limits?.Memory is { } memory && memory < MinMemory)
            problems.Add($"memory limit of {memory} bytes is too small: give at least 1 MiB ({MinMemory} bytes)");
        if (limits?.Cpus is { } cpus && !(cpus is >= MinCpus and <= MaxCpus)) // Written so that NaN is refused.
            problems.Add($"limit of {cpus} cpus is not valid: give {MinCpus} to {MaxCpus}");
    }

    private static void CheckProperties(IReadOnlyDictionary<string, string>? properties, List<string> problems)
    {
        if (properties is null) return;
        if (properties.Count > RuleLimits.MaxProperties) problems.Add($"{properties.Count} properties are given: at most {RuleLimits.MaxProperties} are possible");
        foreach (var (name, value) in properties)
        {
            if (RuleProperties.NameProblem(name) is { } wrong) problems.Add($"property {DnsLabel.Quote(name)} is not valid: {wrong}");
            else if (value is null) problems.Add($"property {name} is null: give it text");
            else if (RuleProperties.ValueProblem(value) is { } bad) problems.Add($"the value of property {name} is not valid: {bad}");
        }
    }

    private static void CheckChain(IReadOnlyList<ProcessDeclaration>? processes, List<string> problems)
    {
        if (processes is not { Count: > 0 })
        {
            problems.Add("no process is declared: give a command");
            return;
        }

        if (processes.Count > MaxProcesses) problems.Add($"{processes.Count} processes are declared: at most {MaxProcesses} are possible");
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < processes.Count; i++)
        {
            if (processes[i] is not { } process) problems.Add($"process {i + 1} is empty: give it a name and a command");
            else CheckProcess(process, i + 1, names, problems);
        }

        ChainValidator.CheckOrder([.. processes.OfType<ProcessDeclaration>()], problems);
    }

    private static void CheckProcess(ProcessDeclaration process, int number, HashSet<string> names, List<string> problems)
    {
        if (!DnsLabel.IsValid(process.Name)) problems.Add($"name {DnsLabel.Quote(process.Name)} of process {number} is not valid: {DnsLabel.Rule}");
        else if (!names.Add(process.Name)) problems.Add($"process name '{process.Name}' is given twice: give each process a name of its own");
        var who = DnsLabel.IsValid(process.Name) ? $"process '{process.Name}'" : $"process {number}";
        CheckCommand(process.Command, who, problems);
        CheckEnvironment(process.Env, who, problems);
        if (UserProblem(process.User) is { } user) problems.Add($"user {DnsLabel.Quote(process.User)} of {who} is not valid: {user}");
        CheckPath($"working directory of {who},", process.Workdir, problems);
        ChainValidator.Check(process, who, problems);
    }

    internal static void CheckCommand(IReadOnlyList<string>? command, string who, List<string> problems)
    {
        if (command is not { Count: > 0 } || string.IsNullOrEmpty(command[0])) problems.Add($"the command of {who} is empty: give a program and its arguments");
        else if (command.Any(argument => argument is null)) problems.Add($"the command of {who} has an argument that is null: give text");
        else if (command.Any(argument => argument.Contains('\0'))) problems.Add($"the command of {who} holds a NUL character: no argument can");
        else if (command.Sum(argument => Encoding.UTF8.GetByteCount(argument) + 1L) is var size and >= MaxBytes)
            problems.Add($"the command of {who} has {size} bytes: give less than {MaxBytes}");
    }

    private static void CheckEnvironment(IReadOnlyDictionary<string, string>? env, string who, List<string> problems)
    {
        if (env is null) return;
        var size = 0L;
        foreach (var (name, value) in env)
        {
            if (!IsVariableName(name))
                problems.Add($"environment variable {DnsLabel.Quote(name)} of {who} is not valid: use letters, digits and '_', no digit first");
            else if (value is null) problems.Add($"environment variable {name} of {who} is null: give it text");
            else if (value.Contains('\0')) problems.Add($"environment variable {name} of {who} holds a NUL character: no value can");
            size += Encoding.UTF8.GetByteCount(name) + Encoding.UTF8.GetByteCount(value ?? "") + 2L;
        }

        if (size >= MaxBytes) problems.Add($"the environment of {who} has {size} bytes: give less than {MaxBytes}");
    }

    private static bool IsVariableName(string name) =>
        name.Length > 0 && !char.IsAsciiDigit(name[0]) && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_');

    /// <summary><c>USER[:GROUP]</c>, each a name as useradd(8) takes it or a number; <c>null</c>: good.</summary>
    private static string? UserProblem(string? user)
    {
        const string rule = "write USER or USER:GROUP, each a name or a number";
        var parts = (user ?? "").Split(':');
        if (parts.Length > 2) return rule;
        foreach (var part in parts)
        {
            if (part.Length > 0 && part.All(char.IsAsciiDigit))
            {
                if (!int.TryParse(part, out var id) || id > MaxId) return $"an instance has the ids 0 to {MaxId}";
            }
            else if (part.Length is 0 or > 32 || !(char.IsAsciiLetter(part[0]) || part[0] == '_')
                || !part.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.' or '$'))
            {
                return rule;
            }
        }

        return null;
    }
}
