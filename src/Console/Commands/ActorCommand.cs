using System.CommandLine;
using Vni.Actors.Messages;
using Vni.Cli.Views;

namespace Vni.Cli.Commands;

/// <summary><c>vni actor hierarchy</c>: the actors of the daemon that is asked.</summary>
internal sealed class ActorCommand(VniCommand cli)
{
    public Command Create()
    {
        var hierarchy = new Command("hierarchy", "Show the actors of the daemon as a tree");
        cli.SetAction(hierarchy, async (context, cancellationToken) =>
        {
            var paths = await context.Client.ListActorsAsync(cancellationToken);
            context.Print(paths, VniJson.Default.IReadOnlyListString, screen => InsideText.WriteTree(screen, paths));
            return 0;
        });
        return new Command("actor", "Look at the daemon's actors") { hierarchy };
    }
}
