using System.CommandLine;
using Vni.Actors.Messages;
using Vni.Cli.Completion;
using Vni.Cli.Views;

namespace Vni.Cli.Commands;

/// <summary><c>vni inspect AID</c>: everything about one application.</summary>
internal sealed class InspectCommand(VniCommand cli, DaemonNames names)
{
    public Command Create()
    {
        var aid = names.Application();
        var command = new Command("inspect", "Show everything about an application") { aid };
        cli.SetAction(command, async (context, cancellationToken) =>
        {
            var application = await context.Client.GetApplicationAsync(context.Get(aid), cancellationToken);
            context.Print(application, VniJson.Default.ApplicationView, screen => ApplicationText.Write(screen, application, context.Clock));
            return 0;
        });
        return command;
    }
}
