using System.CommandLine;
using Vni.Actors.Messages;
using Vni.Cli.Completion;
using Vni.Cli.Output;
using Vni.Cli.Views;

namespace Vni.Cli.Commands;

/// <summary><c>vni cluster</c>: who belongs to the farm, and how it is.</summary>
internal sealed class ClusterCommand(VniCommand cli, DaemonNames names)
{
    public Command Create() => new("cluster", "Show the farm's members, and let them leave")
    {
        Show(), Status(), Leave(), Down(), Watch(),
    };

    private Command Show() => Sub("show", "Show the nodes and what runs on them", async (context, cancellationToken) =>
    {
        var cluster = await context.Client.GetClusterAsync(cancellationToken);
        context.Print(cluster, VniJson.Default.ClusterView, screen => ClusterText.WriteNodes(screen, cluster, context.Clock));
        return 0;
    });

    private Command Status() => Sub("status", "Show how the farm is; fails if something is wrong", async (context, cancellationToken) =>
    {
        var cluster = await context.Client.GetClusterAsync(cancellationToken);
        context.Print(cluster, VniJson.Default.ClusterView, screen => ClusterText.WriteStatus(screen, cluster));
        return ClusterText.Problems(cluster).Count == 0 ? 0 : VniCommand.Failed;
    });

    private Command Leave()
    {
        var (node, wait, closeVisitors) = (names.Node(), QuiescingOptions.Wait(), QuiescingOptions.CloseVisitors());
        var command = Sub("leave", "Move every application away from a node; its daemon then leaves the farm and ends", (context, cancellationToken) =>
            DrainCommand.FollowAsync(context, context.Get(node), context.Client.LeaveAsync(context.Get(node), new DrainRequest(context.Get(wait), context.Get(closeVisitors)), cancellationToken), "has left the farm"));
        command.Add(node);
        command.Add(wait);
        command.Add(closeVisitors);
        return command;
    }

    private Command Down()
    {
        var node = names.Node();
        var force = new Option<bool>("--force") { Description = "It does not answer, and you know that it is off: nothing of it may run any more" };
        var command = Sub("down", "Give a dead node up, so that its applications are recovered at once", async (context, cancellationToken) =>
        {
            var name = context.Get(node);
            await context.Client.DownAsync(name, context.Get(force), cancellationToken);
            context.Print(new DownDocument(name, true), CliJson.Default.DownDocument, screen => screen.Line(new Piece(name, Tone.Strong), "  was given up"));
            return 0;
        });
        command.Add(force);
        command.Add(node);
        return command;
    }

    private Command Watch() => Sub("watch", "Show what happens in the farm from now on", async (context, cancellationToken) =>
    {
        await foreach (var happened in context.Client.WatchAsync(cancellationToken))
        {
            if (context.Json) JsonOutput.Line(context.Host.Output, happened, VniJson.Default.FarmEvent);
            else ClusterText.Write(context.Screen, happened, context.Clock);
        }

        return 0;
    });

    private Command Sub(string name, string description, Func<CommandContext, CancellationToken, Task<int>> run)
    {
        var command = new Command(name, description);
        cli.SetAction(command, run);
        return command;
    }
}
