using System.CommandLine;
using Vni.Actors.Messages;
using Vni.Cli.Views;

namespace Vni.Cli.Commands;

/// <summary><c>vni sharding list</c>: on which node each application's actor is.</summary>
internal sealed class ShardingCommand(VniCommand cli)
{
    public Command Create()
    {
        var list = new Command("list", "List where the actors of all applications are");
        cli.SetAction(list, async (context, cancellationToken) =>
        {
            var shards = await context.Client.ListShardsAsync(cancellationToken);
            context.Print(shards, VniJson.Default.IReadOnlyListShardView, screen => InsideText.WriteShards(screen, shards));
            return 0;
        });
        return new Command("sharding", "Look at how applications are spread over the nodes") { list };
    }
}
