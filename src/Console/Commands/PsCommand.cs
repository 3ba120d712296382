using System.CommandLine;
using Vni.Actors.Messages;
using Vni.Cli.Output;
using Vni.Cli.Views;

namespace Vni.Cli.Commands;

/// <summary><c>vni ps</c>: all applications.</summary>
internal sealed class PsCommand(VniCommand cli)
{
    public Command Create()
    {
        var command = new Command("ps", "List applications");
        cli.SetAction(command, async (context, cancellationToken) =>
        {
            var applications = await context.Client.ListApplicationsAsync(cancellationToken);
            context.Print(applications, VniJson.Default.IReadOnlyListApplicationView, screen =>
            {
                if (applications.Count == 0 && screen.IsTerminal) screen.Line(new Piece("No applications. Start one: vni run -- COMMAND", Tone.Dim));
                else ApplicationListText.Write(screen, applications, context.Clock);
            });
            return 0;
        });
        return command;
    }
}
