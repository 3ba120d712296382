using System.CommandLine;
using Vni.Actors.Messages;
using Vni.Cli.Views;

namespace Vni.Cli.Commands;

/// <summary><c>vni nodes</c>: the farm's nodes and what they are made of.</summary>
internal sealed class NodesCommand(VniCommand cli)
{
    public Command Create()
    {
        var command = new Command("nodes", "List the nodes of the farm, and what they are made of");
        cli.SetAction(command, async (context, cancellationToken) =>
        {
            var nodes = await context.Client.ListNodesAsync(cancellationToken);
            context.Print(nodes, VniJson.Default.IReadOnlyListNodeView, screen => ClusterText.WriteMachines(screen, nodes));
            return 0;
        });
        return command;
    }
}
