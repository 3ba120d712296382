using System.CommandLine;
using Vni.Actors.Messages;
using Vni.Cli.Completion;
using Vni.Cli.Views;

namespace Vni.Cli.Commands;

/// <summary><c>vni restore AID</c>: brings an application back from a snapshot.</summary>
internal sealed class RestoreCommand(VniCommand cli, DaemonNames names)
{
    private readonly Argument<string> _aid = names.Application();
    private readonly Option<string?> _snapshot = names.Snapshot("--snapshot", "Which one [default: the newest]");

    public Command Create()
    {
        var command = new Command("restore", "Bring an application back from a snapshot") { _aid, _snapshot };
        cli.SetAction(command, async (context, cancellationToken) =>
        {
            var aid = context.Get(_aid);
            var request = new RestoreRequest(context.Get(_snapshot));
            var restored = await context.WaitAsync($"restoring {aid}", context.Client.RestoreAsync(aid, request, cancellationToken));
            context.Print(restored, VniJson.Default.RestoreView, screen => SnapshotText.WriteRestored(screen, restored));
            return 0;
        });
        return command;
    }
}
