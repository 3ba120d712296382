using System.Net;
using System.Net.Sockets;
using Vni.Actors;
using Vni.Actors.Applications;
using Vni.Actors.Identity;
using Vni.Actors.Rules;
using Vni.Cli.Values;

namespace Vni.Cli.Declarations;

/// <summary>
/// Reads <c>application.yaml</c>. What the declaration itself decides is checked here, where lines and columns are known;
/// what depends on the node (addresses in use, programs, users) is the daemon's.
/// </summary>
internal static class ApplicationFile
{
    private const int LargestFile = 1024 * 1024;
    private const int MostProcesses = 64;
    private const long LeastMemory = 1024 * 1024;
    private const double LeastCheckpoint = 1;

    private static readonly string[] s_keys = ["name", "ip", "ip6", "hostname", "root", "node", "checkpoint", "limits", "rules", "properties", "processes"];
    private static readonly string[] s_checkpointKeys = ["every"];
    private static readonly string[] s_limitKeys = ["memory", "cpus"];
    private static readonly string[] s_processKeys = ["name", "command", "env", "user", "workdir", .. ChainKeys.Names];

    /// <summary>Reads a file.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.InvalidArgument"/>: it cannot be read, or lists every problem with line and column.</exception>
    public static ApplicationDeclaration Read(string path) => Parse(TextFile.Read(path, "declaration", LargestFile), path);

    /// <summary>Reads a text; <paramref name="name"/> stands before each problem.</summary>
    public static ApplicationDeclaration Parse(string text, string name)
    {
        var problems = new Problems(name);
        var root = new YamlTree(problems).Read(text);
        problems.ThrowIfAny();
        if (root is null or YamlText { IsNothing: true })
        {
            problems.Add(1, 1, "the file is empty; a declaration needs at least the key 'processes'");
            problems.ThrowIfAny();
        }

        var declaration = Section.Of(root!, null, s_keys, problems) is { } section ? ReadApplication(section, problems) : new ApplicationDeclaration();
        problems.ThrowIfAny();
        return declaration;
    }

    private static ApplicationDeclaration ReadApplication(Section section, Problems problems) => new()
    {
        Name = section.Text("name", Label),
        Ip = section.Text("ip", Address),
        Ip6 = section.Text("ip6", text => text == Ipv6.None || Ipv6.TryParse(text, out _) ? null : Ipv6.Rule),
        Hostname = section.Text("hostname", Label),
        Root = section.Text("root", AbsolutePath) ?? "/",
        Node = section.Text("node", Label),
        Checkpoint = section.Item("checkpoint") is { } checkpoint ? ReadCheckpoint(checkpoint, problems) : null,
        Limits = section.Item("limits") is { } limits ? ReadLimits(limits, problems) : new ResourceLimits(),
        Rules = ReadRules(section, problems),
        Properties = ReadProperties(section, problems),
        Processes = ReadProcesses(section, problems),
    };

    private static ResourceLimits ReadLimits(YamlItem item, Problems problems)
    {
        if (Section.Of(item, "limits", s_limitKeys, problems) is not { } section) return new ResourceLimits();
        var memory = section.Text("memory", text => Sizes.TryParse(text, out var bytes) && bytes >= LeastMemory ? null : $"{Sizes.Rule}, at least 1M");
        var cpus = section.Text("cpus", text => Cpus.TryParse(text, out _) ? null : Cpus.Rule);
        return new ResourceLimits
        {
            Memory = memory is not null && Sizes.TryParse(memory, out var bytes) ? bytes : null,
            Cpus = cpus is not null && Cpus.TryParse(cpus, out var number) ? number : null,
        };
    }

    private static CheckpointPolicy? ReadCheckpoint(YamlItem item, Problems problems)
    {
        if (Section.Of(item, "checkpoint", s_checkpointKeys, problems) is not { } section) return null;
        if (section.Item("every") is null) section.Missing("every", "say how often, such as 5m");
        var every = section.Text("every", text => Durations.TryParse(text, out var seconds) && seconds >= LeastCheckpoint ? null : $"{Durations.Rule}, at least 1s");
        return every is not null && Durations.TryParse(every, out var length) ? new CheckpointPolicy(length) : null;
    }

    /// <summary>Judged without own properties: options may add some.</summary>
    private static string? ReadRules(Section section, Problems problems)
    {
        if (section.Item("rules") is not { } item) return null;
        if (item is not YamlText { IsNothing: false } text)
        {
            problems.Add(item, $"rules must be a text, such as a block after '|'; found {Section.Describe(item)}");
            return null;
        }

        foreach (var problem in RuleChecker.Check(text.Text, null).Where(p => !p.IsWarning))
        {
            problems.Add(item, $"rules, line {problem.Position.Line}, column {problem.Position.Column}: {problem.Sentence}");
        }

        return text.Text;
    }

    private static Dictionary<string, string>? ReadProperties(Section section, Problems problems)
    {
        if (section.Item("properties") is not { } item) return null;
        if (item is not YamlMap map)
        {
            problems.Add(item, $"properties must be a mapping of names to values; found {Section.Describe(item)}");
            return null;
        }

        var properties = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in map.Entries)
        {
            if (RuleProperties.NameProblem(key.Text) is { } wrong) problems.Add(key, $"property {DnsLabel.Quote(key.Text)} is not valid: {wrong}");
            else if (value is not YamlText { IsNothing: false } text) problems.Add(value, $"properties.{key.Text} must be a text; found {Section.Describe(value)}");
            else if (RuleProperties.ValueProblem(text.Text) is { } bad) problems.Add(value, $"properties.{key.Text} is not valid: {bad}");
            else if (!properties.TryAdd(key.Text, text.Text)) problems.Add(key, $"key '{key.Text}' in properties is given twice");
        }

        return properties;
    }

    private static List<ProcessDeclaration> ReadProcesses(Section section, Problems problems)
    {
        var processes = new List<ProcessDeclaration>();
        switch (section.Item("processes"))
        {
            case null:
                section.Missing("processes", "list at least one process with its command");
                break;
            case YamlList { Items: [] } empty:
                problems.Add(empty, "processes is empty; list at least one process with its command");
                break;
            case YamlList { Items.Count: > MostProcesses } long_:
                problems.Add(long_, $"processes has {long_.Items.Count} entries; an application has at most {MostProcesses}");
                break;
            case YamlList list:
                var names = new Dictionary<string, int>();
                for (var i = 0; i < list.Items.Count; i++)
                {
                    if (ReadProcess(list.Items[i], i, list.Items.Count, names, problems) is { } process) processes.Add(process);
                }

                if (names.Count == list.Items.Count || list.Items.Count == 1)
                {
                    foreach (var problem in DeclarationValidator.ProblemsOfChain(processes)) problems.Add(list, problem);
                }

                break;
            case var other:
                problems.Add(other, $"processes must be a list; found {Section.Describe(other)}");
                break;
        }

        return processes;
    }

    private static ProcessDeclaration? ReadProcess(YamlItem item, int index, int count, Dictionary<string, int> names, Problems problems)
    {
        var path = $"processes[{index}]";
        if (Section.Of(item, path, s_processKeys, problems) is not { } section) return null;
        var process = new ProcessDeclaration
        {
            Command = ReadCommand(section, path, problems),
            Env = ReadEnv(section, path, problems),
        };

        var name = section.Text("name", Label);
        if (name is null && count > 1 && section.Item("name") is null) section.Missing("name", "each of several processes needs one");
        if (name is not null && !names.TryAdd(name, index)) problems.Add(section.PlaceOf("name"), $"{path}.name '{name}' is also the name of processes[{names[name]}]");
        return ChainKeys.Read(process, section, path, problems) with
        {
            Name = name ?? process.Name,
            User = section.Text("user", text => text.Length > 0 ? null : "give a user name or uid") ?? process.User,
            Workdir = section.Text("workdir", AbsolutePath) ?? process.Workdir,
        };
    }

    internal static IReadOnlyList<string> ReadCommand(Section section, string path, Problems problems)
    {
        IReadOnlyList<string> words = [];
        switch (section.Item("command"))
        {
            case null:
                section.Missing("command", "give the program and its arguments");
                return [];
            case YamlText { IsNothing: false } line:
                if (ShellWords.Split(line.Text, out words) is { } wrong)
                {
                    problems.Add(line, $"{path}.command cannot be split into words: {wrong}");
                    return [];
                }

                break;
            case YamlList list:
                foreach (var item in list.Items.Where(item => item is not YamlText))
                {
                    problems.Add(item, $"{path}.command must be a list of texts; found {Section.Describe(item)}");
                }

                // Words such as null and an empty text are arguments like others.
                words = [.. list.Items.OfType<YamlText>().Select(text => text.Text)];
                if (words.Count < list.Items.Count) return [];
                break;
            case var other:
                problems.Add(other, $"{path}.command must be a list of texts, or one text; found {Section.Describe(other)}");
                return [];
        }

        if (words is [] or ["", ..]) problems.Add(section.PlaceOf("command"), $"{path}.command is empty; give the program and its arguments");
        if (words.Any(word => word.Contains('\0'))) problems.Add(section.PlaceOf("command"), $"{path}.command holds a null character");
        return words;
    }

    private static Dictionary<string, string> ReadEnv(Section section, string path, Problems problems)
    {
        var env = new Dictionary<string, string>();
        if (section.Item("env") is not { } item) return env;
        if (item is not YamlMap map)
        {
            problems.Add(item, $"{path}.env must be a mapping of names to values; found {Section.Describe(item)}");
            return env;
        }

        foreach (var (key, value) in map.Entries)
        {
            if (key.Text.Length == 0 || key.Text.Contains('=') || key.Text.Contains('\0')) problems.Add(key, $"{path}.env: {DnsLabel.Quote(key.Text)} is no name of a variable");
            else if (value is not YamlText { IsNothing: false } text) problems.Add(value, $"{path}.env.{key.Text} must be a text; found {Section.Describe(value)}");
            else if (text.Text.Contains('\0')) problems.Add(value, $"{path}.env.{key.Text} holds a null character");
            else if (!env.TryAdd(key.Text, text.Text)) problems.Add(key, $"key '{key.Text}' in {path}.env is given twice");
        }

        return env;
    }

    private static string? Label(string text) => DnsLabel.IsValid(text) ? null : DnsLabel.Rule;

    // IPAddress also takes '10.1' and '0x0a000001', which are addresses nobody means.
    private static string? Address(string text) =>
        IPAddress.TryParse(text, out var address) && address.AddressFamily == AddressFamily.InterNetwork && address.ToString() == text
            ? null
            : "use an IPv4 address such as 10.117.0.5";

    private static string? AbsolutePath(string text) => text.StartsWith('/') && !text.Contains('\0') ? null : "use an absolute path";
}
