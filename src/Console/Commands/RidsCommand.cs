using System.CommandLine;
using Vni.Actors.Messages;
using Vni.Actors.Resources;
using Vni.Cli.CommandLine;
using Vni.Cli.Completion;
using Vni.Cli.Views;

namespace Vni.Cli.Commands;

/// <summary><c>vni rids AID [--type T]</c>: the resource ids of an application.</summary>
internal sealed class RidsCommand(VniCommand cli, DaemonNames names)
{
    private readonly Argument<string> _aid = names.Application();
    private readonly Option<string?> _type = ResourceTypes.Option();

    public Command Create()
    {
        var command = new Command("rids", "List the resource ids of an application: what it sees and what its node sees") { _aid, _type };
        cli.SetAction(command, async (context, cancellationToken) =>
        {
            var resources = await context.Client.ListResourcesAsync(context.Get(_aid), context.Get(_type), cancellationToken);
            context.Print(resources, VniJson.Default.IReadOnlyListResourceView, screen => ResourceText.WriteList(screen, resources, context.Clock));
            return 0;
        });
        return command;
    }
}
