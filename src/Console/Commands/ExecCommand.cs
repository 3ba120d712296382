using System.CommandLine;
using Vni.Client.Exec;
using Vni.Cli.CommandLine;
using Vni.Cli.Completion;
using Vni.Cli.Terminal;

namespace Vni.Cli.Commands;

/// <summary><c>vni exec AID -- COMMAND</c>: a visitor in an application, at this terminal if there is one.</summary>
internal sealed class ExecCommand(VniCommand cli, DaemonNames names)
{
    private readonly Argument<string> _aid = names.Application();
    private readonly Option<string?> _user = FormedOptions.Text("--user", "USER", "User, by name or uid, with an optional :group [default: root]");
    private readonly Option<string?> _workdir = FormedOptions.Text("--workdir", "DIR", "Working directory [default: /]");
    private readonly Option<Dictionary<string, string>> _env = FormedOptions.Env("Variable; may be given several times");
    private readonly Option<bool> _terminal = new("--tty", "-t") { Description = "Give it a terminal [default: if input and output are one]" };
    private readonly Option<bool> _noTerminal = new("--no-tty", "-T") { Description = "Give it no terminal" };
    private readonly Argument<string[]> _command = FormedOptions.Command(ArgumentArity.OneOrMore);

    public Command Create()
    {
        var command = new Command("exec", "Run a command in an application")
        {
            _user, _workdir, _env, _terminal, _noTerminal, _aid, _command,
        };
        command.Validators.Add(result =>
        {
            if (result.GetResult(_terminal) is not null && result.GetResult(_noTerminal) is not null) result.AddError("-t and -T exclude each other");
        });
        cli.SetAction(command, RunAsync);
        return command;
    }

    private async Task<int> RunAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var host = context.Host;
        var atTerminal = host.InputIsTerminal && host.Terminal.Size is not null;
        var terminal = context.Get(_terminal) || (atTerminal && !context.Get(_noTerminal));
        var env = context.Get(_env) ?? [];
        // A program must know which terminal its output reaches; the instance's own variables cannot.
        if (terminal && host.Environment("TERM") is { Length: > 0 } term) env.TryAdd("TERM", term);

        var request = new ExecRequest
        {
            Command = context.Get(_command),
            Env = env,
            User = context.Get(_user),
            Workdir = context.Get(_workdir),
            Terminal = terminal ? host.Terminal.Size ?? new TerminalSize(80, 24) : null,
        };
        await using var session = await context.Client.ExecAsync(context.Get(_aid), request, cancellationToken);
        return await new Visit(host, session, terminal).RunAsync(cancellationToken);
    }
}
