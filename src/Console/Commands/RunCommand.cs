using System.CommandLine;
using Vni.Actors;
using Vni.Actors.Applications;
using Vni.Actors.Messages;
using Vni.Cli.CommandLine;
using Vni.Cli.Completion;
using Vni.Cli.Declarations;
using Vni.Cli.Output;

namespace Vni.Cli.Commands;

/// <summary><c>vni run</c>: declares an application, by options or by a file, and starts it.</summary>
internal sealed class RunCommand(VniCommand cli, DaemonNames names)
{
    private readonly Option<string?> _file = FormedOptions.Text("--file", "application.yaml", "Declaration of the application; other options override it", "-f");
    private readonly Option<string?> _name = FormedOptions.Text("--name", "AID", "Name of the application [default: from the command]");
    private readonly Option<string?> _ip = FormedOptions.Text("--ip", "IP", "Virtual IPv4 address [default: the next free one]");
    private readonly Option<string?> _ip6 = FormedOptions.Text("--ip6", "IP", "Virtual IPv6 address, or none [default: the one that goes with the IPv4 address, where the node has such]");
    private readonly Option<string?> _hostname = FormedOptions.Text("--hostname", "NAME", "Virtual hostname [default: from the address]");
    private readonly Option<Dictionary<string, string>> _env = FormedOptions.Env("Variable of every process; may be given several times");
    private readonly Option<string?> _user = FormedOptions.Text("--user", "USER", "User of every process, by name or uid, with an optional :group [default: root]");
    private readonly Option<string?> _workdir = FormedOptions.Text("--workdir", "DIR", "Working directory of every process [default: /]");
    private readonly Option<string> _restart = JoinCommand.RestartOption("Whether every process is started again when it has ended [default: never]");
    private readonly Option<string?> _root = FormedOptions.Text("--root", "DIR", "Directory that the application sees as / [default: /]");
    private readonly Option<string?> _node = names.Node("--node", "Node that starts it [default: the one that is asked]");
    private readonly Option<double?> _checkpoint = FormedOptions.Duration("--checkpoint", "Take a running snapshot this often, to recover from when its node dies [default: never]");
    private readonly Option<long?> _memory = FormedOptions.Size("--memory", "Limit of memory, such as 512M");
    private readonly Option<double?> _cpus = FormedOptions.Processors("--cpus", "Limit of processor time, such as 1.5");
    private readonly Option<string?> _rules = FormedOptions.Text("--rules", "FILE", "Rules of the application: paths and variables of its own [default: the declaration's]");
    private readonly Option<Dictionary<string, string>> _properties = FormedOptions.Pairs("--property", "property", "Property that rules can speak of; may be given several times");
    private readonly Argument<string[]> _command = FormedOptions.Command(ArgumentArity.ZeroOrMore);

    public Command Create()
    {
        var command = new Command("run", "Start an application with its own address and hostname")
        {
            _name, _ip, _ip6, _hostname, _env, _user, _workdir, _restart, _root, _node, _checkpoint, _memory, _cpus, _rules, _properties, _file, _command,
        };
        command.Validators.Add(result =>
        {
            var given = result.GetResult(_command) is { Tokens.Count: > 0 };
            var file = result.GetResult(_file) is not null;
            if (!given && !file) result.AddError("no command: give one after --, or a declaration with -f");
            if (given && file) result.AddError("a command and -f exclude each other: the declaration names the commands");
        });
        cli.SetAction(command, RunAsync);
        return command;
    }

    private async Task<int> RunAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var options = new RunOptions
        {
            Name = context.Get(_name),
            Ip = context.Get(_ip),
            Ip6 = context.Get(_ip6),
            Hostname = context.Get(_hostname),
            Env = context.Get(_env) ?? [],
            User = context.Get(_user),
            Workdir = context.Get(_workdir),
            Restart = JoinCommand.Restart(context.Get(_restart)),
            // The daemon has another working directory.
            Root = context.Get(_root) is { } root ? AbsoluteRoot(root) : null,
            Node = context.Get(_node),
            Checkpoint = context.Get(_checkpoint),
            Memory = context.Get(_memory),
            Cpus = context.Get(_cpus),
            Rules = context.Get(_rules) is { } path ? RuleSource.Read(path) : null,
            Properties = context.Get(_properties) ?? [],
        };
        var declaration = context.Get(_file) is { } file
            ? ApplicationFile.Read(file)
            : new ApplicationDeclaration { Processes = [new ProcessDeclaration { Command = context.Get(_command) }] };

        var wanted = options.Over(declaration);
        if (options.Rules is { } rules) RuleSource.Check(rules, context.Get(_rules)!, wanted.Properties ?? new Dictionary<string, string>());
        var what = options.Name ?? declaration.Name ?? declaration.Processes[0].Command[0];
        var application = await context.WaitAsync($"starting {what}", context.Client.RunAsync(wanted, cancellationToken));
        context.Print(application, VniJson.Default.ApplicationView, screen =>
            screen.Line(new Piece(application.Aid, Tone.Strong), $"  {application.Ip}  {(application.Ip6 is { } ip6 ? ip6 + "  " : "")}{application.Hostname}"));
        return 0;
    }

    private static string AbsoluteRoot(string root) => root.Length == 0 || root.Contains('\0')
        ? throw new VniException(ErrorCodes.InvalidArgument, "--root is empty: give a directory")
        : Path.GetFullPath(root);
}
