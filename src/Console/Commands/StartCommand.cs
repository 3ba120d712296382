using System.CommandLine;
using Vni.Actors.Messages;
using Vni.Cli.Completion;
using Vni.Cli.Output;
using Vni.Cli.Views;

namespace Vni.Cli.Commands;

/// <summary><c>vni start AID...</c>: starts stopped applications from their beginning.</summary>
internal sealed class StartCommand(VniCommand cli, DaemonNames names)
{
    private readonly Argument<string[]> _aids = names.Applications();

    public Command Create()
    {
        var command = new Command("start", "Start stopped applications again, from their beginning") { _aids };
        cli.SetAction(command, (context, cancellationToken) => ManyApplications.RunAsync(
            context,
            context.Get(_aids),
            "starting",
            aid => context.Client.StartAsync(aid, cancellationToken),
            VniJson.Default.ApplicationView,
            VniJson.Default.IReadOnlyListApplicationView,
            (screen, a) => screen.Line(new Piece(a.Aid, Tone.Strong), "  ", Statuses.Show(a.Status), $"  {a.Ip}  {a.Hostname}")));
        return command;
    }
}
