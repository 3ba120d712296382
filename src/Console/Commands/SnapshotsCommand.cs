using System.CommandLine;
using Vni.Actors.Messages;
using Vni.Cli.Completion;
using Vni.Cli.Output;
using Vni.Cli.Views;

namespace Vni.Cli.Commands;

/// <summary><c>vni snapshots [AID]</c>: the snapshots there are.</summary>
internal sealed class SnapshotsCommand(VniCommand cli, DaemonNames names)
{
    private readonly Argument<string?> _aid = names.OptionalApplication();

    public Command Create()
    {
        var command = new Command("snapshots", "List snapshots, of one application or of all") { _aid };
        cli.SetAction(command, async (context, cancellationToken) =>
        {
            var snapshots = await context.Client.ListSnapshotsAsync(context.Get(_aid), cancellationToken);
            context.Print(snapshots, VniJson.Default.IReadOnlyListSnapshotView, screen =>
            {
                if (snapshots.Count == 0 && screen.IsTerminal) screen.Line(new Piece("No snapshots. Take one: vni snapshot AID", Tone.Dim));
                else SnapshotText.WriteList(screen, snapshots, context.Clock);
            });
            return 0;
        });
        return command;
    }
}
