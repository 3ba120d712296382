using System.CommandLine;
using System.Globalization;
using Vni.Actors.Messages;
using Vni.Cli.Completion;
using Vni.Cli.Output;
using Vni.Cli.Views;

namespace Vni.Cli.Commands;

/// <summary><c>vni stop AID...</c>: ends processes; files and identity stay.</summary>
internal sealed class StopCommand(VniCommand cli, DaemonNames names)
{
    private readonly Argument<string[]> _aids = names.Applications();
    private readonly Option<double> _grace = new("--grace")
    {
        Description = $"Seconds between SIGTERM and SIGKILL [default: {new StopRequest().GraceSeconds}]",
        HelpName = "S",
        DefaultValueFactory = _ => new StopRequest().GraceSeconds,
    };

    public Command Create()
    {
        _grace.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && !double.TryParse(token.Value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out _))
            {
                result.AddError("--grace needs a number of seconds from 0 on");
            }
        });
        var command = new Command("stop", "End the processes of applications; files and addresses stay theirs") { _aids, _grace };
        cli.SetAction(command, (context, cancellationToken) => ManyApplications.RunAsync(
            context,
            context.Get(_aids),
            "stopping",
            aid => context.Client.StopAsync(aid, new StopRequest(context.Get(_grace)), cancellationToken),
            VniJson.Default.ApplicationView,
            VniJson.Default.IReadOnlyListApplicationView,
            (screen, a) => screen.Line(new Piece(a.Aid, Tone.Strong), "  ", Statuses.Show(a.Status))));
        return command;
    }
}
