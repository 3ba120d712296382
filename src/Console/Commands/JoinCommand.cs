using System.CommandLine;
using Vni.Actors.Applications;
using Vni.Actors.Messages;
using Vni.Cli.CommandLine;
using Vni.Cli.Completion;
using Vni.Cli.Output;

namespace Vni.Cli.Commands;

/// <summary><c>vni join AID -- COMMAND</c>: another program in a running application, as a full member of it.</summary>
internal sealed class JoinCommand(VniCommand cli, DaemonNames names)
{
    private readonly Argument<string> _aid = names.Application();
    private readonly Option<string?> _name = FormedOptions.Text("--name", "NAME", "Name of the program in the application [default: from the command]");
    private readonly Option<Dictionary<string, string>> _env = FormedOptions.Env("Variable; may be given several times");
    private readonly Option<string?> _user = FormedOptions.Text("--user", "USER", "User, by name or uid, with an optional :group [default: root]");
    private readonly Option<string?> _workdir = FormedOptions.Text("--workdir", "DIR", "Working directory [default: /]");
    private readonly Option<string> _restart = RestartOption("Whether it is started again when it has ended [default: never]");
    private readonly Option<string?> _signal = FormedOptions.Text("--stop-signal", "SIGNAL", "Signal that asks it to end [default: TERM]");
    private readonly Option<double?> _grace = FormedOptions.Duration("--grace", "Time after that signal until it is killed [default: that of the whole stop]");
    private readonly Argument<string[]> _command = FormedOptions.Command(ArgumentArity.OneOrMore);

    /// <summary><c>--restart</c>, of all commands that have it.</summary>
    public static Option<string> RestartOption(string description) =>
        FormedOptions.Choice(new Option<string>("--restart") { Description = description }, [.. RestartPolicy.Policies]);

    /// <summary>What <c>--restart</c> says; <c>null</c>: nothing.</summary>
    public static RestartPolicy? Restart(string? policy) => policy is null ? null : new RestartPolicy { Policy = policy };

    public Command Create()
    {
        var command = new Command("join", "Start another program in a running application, saved, moved and restored with it")
        {
            _name, _env, _user, _workdir, _restart, _signal, _grace, _aid, _command,
        };
        cli.SetAction(command, RunAsync);
        return command;
    }

    private async Task<int> RunAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var request = new JoinRequest { Name = context.Get(_name), Command = context.Get(_command), Env = context.Get(_env) ?? [] };
        request = request with
        {
            User = context.Get(_user) ?? request.User,
            Workdir = context.Get(_workdir) ?? request.Workdir,
            Restart = Restart(context.Get(_restart)),
            StopSignal = context.Get(_signal) ?? request.StopSignal,
            GraceSeconds = context.Get(_grace),
        };
        var aid = context.Get(_aid);
        var joined = await context.WaitAsync($"joining {aid}", context.Client.JoinAsync(aid, request, cancellationToken));
        context.Print(joined, VniJson.Default.JoinView, screen => screen.Line(new Piece(joined.Process, Tone.Strong), $"  pid {joined.Pid} in {joined.Application.Aid}"));
        return 0;
    }
}
